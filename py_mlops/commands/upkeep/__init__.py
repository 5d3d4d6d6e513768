"""Upkeep: whether a store is still what was written, who signed it, and what may go from it."""
