"""What a record looks like to a person: one page, rendered for a terminal or a notebook."""
