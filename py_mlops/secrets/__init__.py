"""Secrets: finds what must not be kept in a record, before anything is kept."""
