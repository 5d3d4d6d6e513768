"""A file of ours, and the ways to open it that a watcher must see to be believed."""

from __future__ import annotations

import contextlib
import os
import tempfile
from typing import Callable, Iterator

_CATS = ("/bin/cat", "/usr/bin/cat")


@contextlib.contextmanager
def probe(folder: str | None = None) -> Iterator[str]:
    """Make a file to look at, and remove it again.

    Args:
        folder: Where; the folder for temporary files by default.
    """
    file, path = tempfile.mkstemp(prefix="mlops-probe-", dir=folder)
    try:
        os.close(file)
        yield path
    finally:
        os.unlink(path)


def open_natively(path: str) -> None:
    """Open a file for reading as native code does, past Python's audit hook."""
    import ctypes

    opened: Callable[..., int] = ctypes.CDLL(None).open
    file = opened(os.fsencode(path), os.O_RDONLY)
    if file >= 0:
        os.close(file)


def open_in_child(path: str) -> int:
    """Let ``cat`` read a file, and return the process it was."""
    cat = next(filter(os.path.exists, _CATS))
    silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    child = os.posix_spawn(cat, ["cat", path], os.environ, file_actions=silent)
    os.waitpid(child, 0)
    return child
