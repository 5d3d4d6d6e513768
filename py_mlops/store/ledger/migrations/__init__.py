"""The ledger's tables through time: a file in `versions` for each revision, applied by Alembic."""
