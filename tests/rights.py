"""A Python for whom permissions hold also when it is root's, and write-protected folders."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def bound_python(folder: Path) -> Path:
    """Write a program that is this interpreter without root's power over permissions.

    Args:
        folder: Where it goes.

    Returns:
        The program.
    """
    words = f'"{sys.executable}" "$@"'
    if os.getuid() == 0:
        words = f"setpriv --bounding-set=-dac_override --inh-caps=-dac_override -- {words}"
    program = folder / "bound-python"
    program.write_text(f"#!/bin/sh\nexec {words}\n")
    program.chmod(0o755)
    return program


@contextmanager
def write_protected(folder: Path) -> Iterator[None]:
    """Take the right to write away from a folder and all in it, for a while."""
    held = {path: path.stat().st_mode for path in (folder, *folder.rglob("*"))}
    for path, mode in held.items():
        path.chmod(mode & ~0o222)
    try:
        yield
    finally:
        for path, mode in held.items():
            path.chmod(mode)
