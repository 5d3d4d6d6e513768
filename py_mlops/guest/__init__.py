"""What runs in somebody else's kernel: standard library, Python 3.8, no error into user code."""
