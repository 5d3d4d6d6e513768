from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from py_mlops.commands.upkeep.gc import gc
from py_mlops.commands.upkeep.verify import verify
from py_mlops.errors import Corrupt, Missing
from py_mlops.workspace import Workspace

DAYS = 40 * 86400


def age(path: Path) -> None:
    """Make a file look unused for many days."""
    past = time.time() - DAYS
    os.utime(path, (past, past))


def objects(workspace: Workspace) -> list[Path]:
    """List the store's objects."""
    return [path for path in (workspace.store.folder / "objects").rglob("*") if path.is_file()]


def litter(workspace: Workspace, data: bytes = b"nobody's") -> str:
    """Put old bytes that no record names into the store; return their digest."""
    digest = workspace.store.blobs.put_bytes(data).digest
    for path in objects(workspace):
        age(path)
    return digest


def test_a_dry_run_removes_nothing(workspace: Workspace, taken: str) -> None:
    """It only says what would go."""
    digest = litter(workspace)
    found = gc(workspace)
    assert (found.objects, found.size, found.deleted) == (1, 8, False)
    assert workspace.store.blobs.read(digest) == b"nobody's"
    assert taken


def test_only_what_nothing_reaches_is_removed(workspace: Workspace, taken: str) -> None:
    """Every snapshot stays whole, however old it is."""
    digest = litter(workspace)
    before = len(objects(workspace))
    found = gc(workspace, delete=True)
    assert (found.objects, found.deleted) == (1, True)
    assert len(objects(workspace)) == before - 1
    with pytest.raises(Missing):
        workspace.store.blobs.read(digest)
    assert list(verify(workspace)) == []
    assert workspace.store.resolve("flowers") == taken
    assert gc(workspace).objects == 0


def test_young_bytes_are_left_alone(workspace: Workspace) -> None:
    """Another process may be about to write the record that names them."""
    workspace.store.blobs.put_bytes(b"just written")
    assert gc(workspace, delete=True).objects == 0
    assert gc(workspace, delete=True, grace=0).objects == 1


def test_nothing_is_removed_while_a_record_cannot_be_read(workspace: Workspace, taken: str) -> None:
    """What a damaged record reaches is unknown, so everything stays."""
    litter(workspace)
    record = workspace.store.folder / "objects" / taken[7:9] / taken[7:]
    record.chmod(0o644)
    record.write_bytes(record.read_bytes()[:-10])
    before = len(objects(workspace))
    with pytest.raises(Corrupt):
        gc(workspace, delete=True, grace=0)
    assert len(objects(workspace)) == before


def test_environments_unused_for_long_go_and_the_others_stay(workspace: Workspace) -> None:
    """They can be built again from their locks."""
    for name in ("old", "new"):
        marker = workspace.cache / "environments" / f"gc-{name}" / ".complete"
        marker.parent.mkdir(parents=True)
        marker.touch()
    age(workspace.cache / "environments" / "gc-old" / ".complete")
    assert gc(workspace).environments == 1
    assert (workspace.cache / "environments" / "gc-old").exists()
    assert gc(workspace, delete=True).environments == 1
    assert not (workspace.cache / "environments" / "gc-old").exists()
    assert (workspace.cache / "environments" / "gc-new").exists()
