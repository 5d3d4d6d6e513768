"""The folder of one kernel's session: it lives as long as its kernel, and survives no server."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
import uuid
from pathlib import Path

from py_mlops.guest.started import MARK
from py_mlops.server.locks import is_held

_LOCK = "lock"
_GRACE = 60
"""Seconds for which a folder is left alone that nobody has locked: its maker is about to."""


class SessionFolder:
    """A folder that belongs to this process until it is removed.

    A lock says that it is in use. The system takes it back from a process that
    dies in whatever way, and so does a kernel end whose server is gone; then
    `sweep` removes the folder.

    Attributes:
        path: The folder.
    """

    def __init__(self, cache: Path) -> None:
        """Make a new folder.

        Args:
            cache: The folder of our caches.

        Raises:
            OSError: When it cannot be made.
        """
        self.path = _sessions(cache) / uuid.uuid4().hex
        self.path.mkdir(mode=0o700, parents=True)
        self._lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        with contextlib.suppress(OSError):  # some network file systems have no locks
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def came_up(self) -> bool:
        """Say whether the kernel has come up under observation."""
        return (self.path / MARK).exists()

    def remove(self) -> None:
        """Remove the folder with all it holds; the second time nothing happens."""
        if self._lock >= 0:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = -1


def sweep(cache: Path) -> None:
    """Remove the folders of sessions whose server died without removing them.

    Args:
        cache: The folder of our caches.
    """
    with contextlib.suppress(OSError):
        for folder in _sessions(cache).iterdir():
            with contextlib.suppress(OSError):
                if time.time() - folder.stat().st_mtime > _GRACE and not is_held(folder / _LOCK):
                    shutil.rmtree(folder, ignore_errors=True)


def _sessions(cache: Path) -> Path:
    return cache / "sessions"
