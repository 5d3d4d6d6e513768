"""One process at a time, and files that are whole or not there."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from py_mlops.errors import EnvironmentFailure


@contextmanager
def exclusive(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a lock file, waiting for whoever holds it now.

    The kernel frees it when its holder dies, so nothing can stay locked. It
    holds between threads as well as between processes.

    Args:
        path: The lock file; made when absent, and left behind.
        waiting: Called once when someone else holds it.

    Raises:
        EnvironmentFailure: When the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise unwritable(path.parent, error) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old one or the whole new one.

    Raises:
        EnvironmentFailure: When it cannot be written; nothing is left behind.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise unwritable(path.parent, error) from error


def unwritable(folder: Path, error: OSError) -> EnvironmentFailure:
    """Say that the cache cannot be written."""
    return EnvironmentFailure(
        f"The cache folder {folder} cannot be written: {error.strerror or error}.",
        hint="Free some space there or make the folder writable, then try again.",
    )
