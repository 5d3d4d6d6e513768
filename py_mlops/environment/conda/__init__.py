"""Conda: what it installed beneath a kernel, kept, and built again without running any of it."""
