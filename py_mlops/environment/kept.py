"""The environments kept in the cache: which there are, and how they are forgotten."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from py_mlops.environment import shelf
from py_mlops.environment.exclusive import exclusive, unwritable

COMPLETE = ".complete"
"""The marker that is written last; its time says when the environment was last used."""


class Kept(NamedTuple):
    """An environment in the cache.

    Attributes:
        folder: Where it lies.
        used: When it was last asked for; when its folder changed, if half-built.
        complete: Whether it was built to its end.
    """

    folder: Path
    used: datetime
    complete: bool


def home(cache: Path) -> Path:
    """Return the folder that holds the environments of a cache."""
    return cache / "environments"


def kept(cache: Path) -> list[Kept]:
    """Return the environments of a cache, the longest unused first."""
    found = []
    folders = home(cache).iterdir() if home(cache).is_dir() else ()
    for folder in folders:
        if folder.is_dir() and not folder.name.startswith("."):
            marker = folder / COMPLETE
            complete = marker.exists()
            stamp = (marker if complete else folder).stat().st_mtime
            found.append(Kept(folder, datetime.fromtimestamp(stamp, UTC), complete))
    return sorted(found, key=lambda one: (one.used, one.folder.name))


def forget(
    cache: Path, *, older_than: timedelta = timedelta(days=30), dry_run: bool = False
) -> list[Kept]:
    """Remove the environments that were not used for some time; they can be built again.

    Args:
        cache: The cache folder.
        older_than: How long one must have been unused. An environment that a
            long rerun is still using counts from the start of that rerun.
        dry_run: Whether to only say what would be removed.

    Returns:
        What was removed.

    Raises:
        EnvironmentFailure: When the cache cannot be written.
    """
    limit = datetime.now(UTC) - older_than
    unused = [one for one in kept(cache) if one.used <= limit]
    if unused and not dry_run:
        shelf.forget(cache, older_than.total_seconds())
    for one in () if dry_run else unused:
        with exclusive(one.folder.with_name(one.folder.name + ".lock"), lambda: None):
            # Without its marker it is half-built, should this be interrupted.
            try:
                (one.folder / COMPLETE).unlink(missing_ok=True)
            except OSError as error:
                raise unwritable(one.folder, error) from error
            shutil.rmtree(one.folder, ignore_errors=True)
    return unused
