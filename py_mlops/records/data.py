"""Which files a notebook read and wrote."""

from __future__ import annotations

from typing import Literal

from py_mlops.records.base import Blob, Part

Observed = Literal["audit-hook", "shell-command", "named-in-code", "tracer", "notification"]
"""Who saw a file: Python's audit hook, IPython, the code's own text, the tracer, the kernel."""


class DataFile(Part, frozen=True):
    """A file the program read or wrote.

    Attributes:
        path: Absolute, normalised, symbolic links kept as the program named it.
        requested: The path as the program wrote it; relative ones restore
            anywhere, absolute ones only at the same place.
        role: ``input`` when the first access read it, ``output`` when the
            program made it. An output is never restored before a rerun.
        rewritten: An input that the program also wrote; ``blobs`` then holds
            what it held when it was first read, or is empty when that is gone.
        cell: Execution count of the cell that first touched it; 0 before any.
        observed: Who saw it.
        process: The child process that touched it first; empty for the kernel itself.
        modified: When it had last been written, in nanoseconds since 1970, as decimal
            digits; empty for an output.
        executable: Whether it could be run as a program.
        blobs: Its content, normally one blob; empty only when a hole says why.
    """

    path: str
    requested: str
    role: Literal["input", "output"]
    rewritten: bool
    cell: int
    observed: Observed
    process: str
    modified: str
    executable: bool
    blobs: list[Blob]
