"""A locked file says that a process lives: the system takes a lock back however it dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


def is_held(path: Path) -> bool:
    """Say whether some process holds the lock on a file; one that is not there nobody holds.

    Raises:
        OSError: When that cannot be told, as on network file systems that have no locks.
    """
    try:
        lock = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
