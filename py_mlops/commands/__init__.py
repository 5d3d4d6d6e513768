"""The verbs: one file each, plain functions from a workspace to a record."""
