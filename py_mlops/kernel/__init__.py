"""The face inside a kernel that has our package: ``%mlops`` and what it shows."""
