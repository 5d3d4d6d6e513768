"""What runs in somebody else's kernel: standard library only, Python 3.8, never an error into user code."""
