from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from py_mlops.environment.kept import COMPLETE, forget, home, kept


def environment(cache: Path, name: str, *, days: float, complete: bool = True) -> Path:
    """Make a folder as an environment unused for some days leaves it."""
    folder = home(cache) / name
    folder.mkdir(parents=True)
    (folder / "file").touch()
    marker = folder / COMPLETE if complete else folder
    if complete:
        marker.touch()
    then = (datetime.now(UTC) - timedelta(days=days)).timestamp()
    os.utime(marker, (then, then))
    return folder


def test_environments_are_listed_the_longest_unused_first(tmp_path: Path) -> None:
    """Each kept environment is listed with its last use; half-built ones are marked."""
    assert kept(tmp_path) == []
    young = environment(tmp_path, "young", days=1)
    half = environment(tmp_path, "half", days=2, complete=False)
    old = environment(tmp_path, "old", days=90)
    (home(tmp_path) / "old.lock").touch()
    assert [(one.folder, one.complete) for one in kept(tmp_path)] == [
        (old, True),
        (half, False),
        (young, True),
    ]


def test_only_the_unused_are_forgotten(tmp_path: Path) -> None:
    """What was used lately stays; a dry run only tells."""
    old = environment(tmp_path, "old", days=90)
    half = environment(tmp_path, "half", days=90, complete=False)
    young = environment(tmp_path, "young", days=1)
    would = forget(tmp_path, dry_run=True)
    assert {one.folder for one in would} == {old, half}
    assert old.exists()
    assert forget(tmp_path) == would
    assert not old.exists()
    assert not half.exists()
    assert young.exists()
    assert forget(tmp_path, older_than=timedelta(0))[0].folder == young
