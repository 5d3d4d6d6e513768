"""Lineage: where something comes from, what it went into, and where heads pointed."""
