"""Long seeded campaigns; `make test` runs a stated slice of each, `make campaign` all of them."""
