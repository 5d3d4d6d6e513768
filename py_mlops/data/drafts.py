"""Private folders in which files are made whole, and which no stopped process leaves for long."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = ".mlops-drafts-"
_NAME = re.compile(re.escape(_PREFIX) + "[0-9a-f]{16}")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW


@contextmanager
def drafts(root: Path) -> Iterator[Path]:
    """Make a private folder inside another one, and remove it with all in it at the end.

    Whoever uses such a folder holds a lock on it, which the kernel takes away
    when the process ends, however that happens. So what a killed process left
    behind is known by its lock that is free, and is removed by the next one.

    Args:
        root: A folder that is there.

    Yields:
        The new folder, by the name of its descriptor: nobody can put a link in
        its way.

    Raises:
        OSError: When it cannot be made, or not be removed after all went well.
    """
    outer = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        name = _PREFIX + secrets.token_hex(8)
        inner = _begin(outer, name)
        try:
            yield Path(f"/proc/self/fd/{inner}")
        except BaseException:
            with suppress(OSError):  # what went wrong before says more
                _remove(outer, name)
            raise
        else:
            _remove(outer, name)
        finally:
            os.close(inner)
    finally:
        os.close(outer)


def _begin(outer: int, name: str) -> int:
    """Make and lock a folder, after removing those whose process has ended."""
    known = _lock(outer, fcntl.LOCK_EX)  # none is new and not locked yet while this is held
    try:
        if known:
            _sweep(outer)
        os.mkdir(name, 0o700, dir_fd=outer)
        try:
            inner = os.open(name, _FOLDER, dir_fd=outer)
            _lock(inner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BaseException:
            os.rmdir(name, dir_fd=outer)
            raise
        return inner
    finally:
        if known:
            fcntl.flock(outer, fcntl.LOCK_UN)


def _lock(folder: int, how: int) -> bool:
    """Lock a folder, and say whether it is; some file systems know no locks."""
    try:
        fcntl.flock(folder, how)
    except OSError:
        return False
    return True


def _sweep(outer: int) -> None:
    for name in filter(_NAME.fullmatch, os.listdir(outer)):
        with suppress(OSError):  # another user's, or no folder: none of ours
            found = os.open(name, _FOLDER, dir_fd=outer)
            try:
                if _lock(found, fcntl.LOCK_EX | fcntl.LOCK_NB):
                    _remove(outer, name)
            finally:
                os.close(found)


def _remove(outer: int, name: str) -> None:
    shutil.rmtree(name, dir_fd=outer)
