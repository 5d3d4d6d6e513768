"""Wheels out of the store, where uv finds them again with what it unpacked of them."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from py_mlops.environment.wheel import inspect
from py_mlops.errors import Hostile
from py_mlops.records import KeptWheel

CopyTo = Callable[[str, Path], None]
"""Writes a verified copy of a blob to a new file, in the place of what is there."""


def home(cache: Path) -> Path:
    """Return the folder for wheels and for what uv unpacked of them."""
    return cache / "vault"


def uv_cache(cache: Path) -> Path:
    """Return the cache that uv has for kept wheels: the user's own stays out of it."""
    return home(cache) / "uv"


def conda_shelf(cache: Path) -> Path:
    """Return the folder for conda's files, and for what is unpacked of them."""
    return home(cache) / "conda"


def take(cache: Path, wheel: KeptWheel, copy_to: CopyTo) -> Path:
    """Return a path of a kept wheel, always the same, with the very bytes of its digest.

    uv knows by path and time what it has unpacked; so a wheel that several
    environments share is unpacked once.

    Args:
        cache: The cache folder.
        wheel: The wheel, under a file name that was checked.
        copy_to: Gives its bytes.

    Raises:
        Hostile: When it holds what a wheel must not, see `wheel.inspect`.
        Corrupt, Missing: When the store's bytes are damaged or gone.
        StoreUnavailable: When the disk is full.
        OSError: When the cache cannot be written.
    """
    path = _place(cache, wheel)
    if not _is(path, wheel.blob.digest):
        # What lies under its own name was looked into.
        (home(cache) / "wheels").mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            dir=home(cache) / "wheels", prefix=".new-", ignore_cleanup_errors=True
        ) as held:
            new = Path(held, wheel.name)
            copy_to(wheel.blob.digest, new)
            inspect(new)
            path.parent.mkdir(exist_ok=True)
            new.replace(path)
    os.utime(path.parent)  # when it was last used
    return path


def keep(cache: Path, wheel: KeptWheel, made: Path) -> None:
    """Put a wheel that was made here on the shelf, for the next store and the next rerun.

    Args:
        cache: The cache folder.
        wheel: The wheel.
        made: Its file, on the cache's disk; gone from there afterwards.
    """
    path = _place(cache, wheel)
    with suppress(OSError, Hostile):  # what is not on the shelf is made or copied anew
        inspect(made)
        path.parent.mkdir(parents=True, exist_ok=True)
        made.replace(path)
        os.utime(path.parent)


def find(cache: Path, wheel: KeptWheel) -> Path | None:
    """Return the wheel on the shelf if it has the bytes of its digest."""
    path = _place(cache, wheel)
    if not _is(path, wheel.blob.digest):
        return None
    with suppress(OSError):
        os.utime(path.parent)
    return path


def forget(cache: Path, seconds: float) -> None:
    """Remove the wheels that were not used for some time, and all that was unpacked.

    Environments do not miss it: what uv links into them is theirs too.

    Args:
        cache: The cache folder.
        seconds: How long one must have been unused.
    """
    for unpacked in (uv_cache(cache), conda_shelf(cache)):
        shutil.rmtree(unpacked, ignore_errors=True)
    with suppress(OSError):
        for folder in (home(cache) / "wheels").iterdir():
            if time.time() - folder.stat().st_mtime >= seconds:
                shutil.rmtree(folder, ignore_errors=True)


def _place(cache: Path, wheel: KeptWheel) -> Path:
    return home(cache) / "wheels" / wheel.blob.digest.partition(":")[2] / wheel.name


def _is(path: Path, digest: str) -> bool:
    try:
        with path.open("rb") as stream:
            return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest() == digest
    except OSError:
        return False
