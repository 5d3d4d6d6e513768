"""The ledger in an SQL database: rows, heads, leases and the index of lineage."""
