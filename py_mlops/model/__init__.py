"""The model: read back, kept as arrays, and its answers compared."""
