"""Notebooks: what a saved one holds, how it differs from what ran, and running what ran again."""
