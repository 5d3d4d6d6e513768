"""Snapshots: taken of what a kernel handed over, looked at, loaded and put back into a folder."""
