"""Transfer: snapshots with all they stand on, between stores and people, believing nobody."""
