"""The catalogue: lists that are as new as the log, quick to turn, and worth nothing when lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from py_mlops.commands.catalogue.catalogue import Catalogue, open_catalogue
from py_mlops.records import Snapshot, record_id
from py_mlops.workspace import Workspace
from tests import handovers
from tests.store.samples import reproduction


@pytest.fixture
def snapshot(workspace: Workspace, tmp_path: Path) -> Snapshot:
    """A snapshot in the store."""
    said = handovers.a_project(tmp_path / "project")
    taken = handovers.take(workspace, tmp_path / "handover", said, model=handovers.MODEL)
    return workspace.store.get_as(taken, Snapshot)


@pytest.fixture
def catalogue(workspace: Workspace) -> Iterator[Catalogue]:
    """The store's catalogue."""
    made = open_catalogue(workspace)
    yield made
    made.close()


def another(workspace: Workspace, snapshot: Snapshot, number: int, name: str = "flowers") -> str:
    """Add a snapshot that differs from one in its model's name and its metric."""
    made = msgspec.structs.replace(
        snapshot,
        request=msgspec.structs.replace(snapshot.request, name=name),
        metrics={"accuracy": number / 100, f"only_{number}": 1.0},
        created=f"2026-01-01T00:{number:02}:00.000000Z",
        parents=[record_id(snapshot)],
    )
    workspace.store.add(made)
    return record_id(made)


def file_of(workspace: Workspace) -> Path:
    """Return the file of the store's catalogue."""
    [found] = (workspace.cache / "catalogues").glob(f"{workspace.store.ledger.name()}-*.sqlite")
    return found


def test_pages_lead_through_all(
    workspace: Workspace, snapshot: Snapshot, catalogue: Catalogue
) -> None:
    """Pages have no gaps and no doubles, newest first, also while snapshots are taken."""
    made = [record_id(snapshot), *(another(workspace, snapshot, n) for n in range(1, 8))]
    catalogue.follower.refresh()
    first = catalogue.snapshots(limit=3)
    late = another(workspace, snapshot, 50)
    catalogue.follower.refresh()
    seen = [item.id for item in first.items]
    page = first
    while page.next is not None:
        page = catalogue.snapshots(before=int(page.next), limit=3)
        seen += [item.id for item in page.items]
    assert seen == made[::-1]
    assert catalogue.snapshots(limit=1).items[0].id == late


def test_what_is_told_of_a_snapshot(
    workspace: Workspace, snapshot: Snapshot, catalogue: Catalogue
) -> None:
    """Its line is its record's, the newest verdict's, and the heads' that point at it."""
    identifier = record_id(snapshot)
    verdict = msgspec.structs.replace(reproduction(identifier), level="different")
    workspace.store.add(verdict)
    later = msgspec.structs.replace(verdict, level="identical", reason="All the same.")
    workspace.store.add(later)
    child = another(workspace, snapshot, 1)
    catalogue.follower.refresh()
    line = catalogue.snapshot(identifier)
    assert line is not None
    assert line.complete
    assert line.metrics == snapshot.metrics
    assert (line.holes, line.capture) == (len(snapshot.capture.holes), snapshot.capture.level)
    assert line.heads == ["flowers@main"]
    assert line.verdict is not None
    assert (line.verdict.level, line.verdict.reason) == ("identical", "All the same.")
    assert [one.level for one in catalogue.verdicts(identifier)] == ["identical", "different"]
    assert catalogue.children(identifier) == [child]
    [model] = catalogue.models().items
    assert model.verdict is not None
    assert (model.count, model.verdict.level, model.verdict_on) == (2, "identical", identifier)
    assert catalogue.snapshots("identical").items[0].id == identifier
    assert catalogue.snapshots("different").items == []


def test_models_by_their_newest_snapshot(
    workspace: Workspace, snapshot: Snapshot, catalogue: Catalogue
) -> None:
    """The model that somebody worked on last comes first, in pages, too."""
    for number, name in enumerate(["oaks", "beeches", "oaks"], 1):
        another(workspace, snapshot, number, name)
    catalogue.follower.refresh()
    page = catalogue.models(limit=2)
    assert [(item.name, item.count) for item in page.items] == [("oaks", 2), ("beeches", 1)]
    assert page.next is not None
    rest = catalogue.models(before=int(page.next), limit=2)
    assert ([item.name for item in rest.items], rest.next) == (["flowers"], None)
    assert [item.name for item in catalogue.models("BEE").items] == ["beeches"]
    assert catalogue.models("_aks").items == []


def test_metrics_go_from_old_to_new(
    workspace: Workspace, snapshot: Snapshot, catalogue: Catalogue
) -> None:
    """A model's history is its newest snapshots, oldest first, and says when there are more."""
    for number in range(1, 5):
        another(workspace, snapshot, number)
    catalogue.follower.refresh()
    history = catalogue.metrics("flowers", limit=3)
    assert [point.metrics["accuracy"] for point in history.points] == [0.02, 0.03, 0.04]
    assert history.earlier
    assert not catalogue.metrics("flowers").earlier
    assert history.names == ["accuracy", "only_2", "only_3", "only_4"]


def test_many_new_records_are_listed_before_they_are_read(
    workspace: Workspace, snapshot: Snapshot, catalogue: Catalogue
) -> None:
    """A list never waits for records: it says which lines are not complete yet."""
    made = [another(workspace, snapshot, number) for number in range(1, 31)]
    catalogue.follower.refresh()
    assert [item.id for item in catalogue.snapshots(limit=30).items] == made[::-1]
    assert not any(item.complete for item in catalogue.snapshots(limit=30).items)
    while catalogue.follower.read_more(7):
        pass
    assert all(item.complete for item in catalogue.snapshots(limit=31).items)
    assert catalogue.snapshots("only_17").items[0].id == made[16]


def test_a_lost_or_damaged_file_is_made_anew(
    workspace: Workspace, snapshot: Snapshot, catalogue: Catalogue
) -> None:
    """The catalogue is no truth: whatever happens to its file, the list is the store's."""
    catalogue.follower.refresh()
    catalogue.close()
    file = file_of(workspace)
    for data in (b"", b"no database at all, but long enough to be looked at" * 100):
        file.write_bytes(data)
        again = open_catalogue(workspace)
        again.follower.refresh()
        assert [item.id for item in again.snapshots().items] == [record_id(snapshot)]
        again.close()


def test_another_log_is_noticed(
    workspace: Workspace,
    catalogue: Catalogue,
    snapshot: Snapshot,  # noqa: ARG001 - it is in the store
) -> None:
    """After the ledger was put back from a backup the list has nothing of what is gone."""
    catalogue.follower.refresh()
    file = file_of(workspace)
    with sqlite3.connect(file) as altered:
        altered.execute("UPDATE meta SET value = '3' WHERE key = 'size'")
        altered.execute("UPDATE snapshot SET model = 'ghost'")
    altered.close()
    catalogue.follower.refresh()
    assert [item.model for item in catalogue.snapshots().items] == ["flowers"]


def test_a_damaged_record_hides_no_other(
    workspace: Workspace, snapshot: Snapshot, catalogue: Catalogue
) -> None:
    """Its line says what is wrong; the others are there."""
    bad = another(workspace, snapshot, 1)
    hexed = bad.removeprefix("sha256:")
    [path] = [one for one in workspace.store.folder.rglob("*") if one.name in {hexed, hexed[2:]}]
    path.chmod(0o644)
    path.write_bytes(b"{}")
    catalogue.follower.refresh()
    worse, good = catalogue.snapshots().items
    assert (worse.id, worse.model, worse.complete) == (bad, "flowers", True)
    assert worse.problem
    assert (good.problem, good.metrics) == ("", snapshot.metrics)


def test_two_processes_follow_one_log(
    workspace: Workspace, snapshot: Snapshot, catalogue: Catalogue
) -> None:
    """Two servers of one person share the file, and neither counts a snapshot twice."""
    other = open_catalogue(workspace)
    for each in (catalogue, other, catalogue):
        another(workspace, snapshot, len(each.snapshots().items) + 1)
        each.follower.refresh()
        other.follower.refresh()
    assert catalogue.models().items[0].count == other.models().items[0].count
    assert catalogue.models().items[0].count == len(catalogue.snapshots().items)
    other.close()
