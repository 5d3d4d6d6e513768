"""Comparison: two snapshots side by side, part by part."""
