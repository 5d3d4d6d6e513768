from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from py_mlops.commands.transfer import moving as transfer
from py_mlops.commands.transfer.pull import pull
from py_mlops.commands.transfer.push import push
from py_mlops.commands.upkeep.verify import verify
from py_mlops.errors import (
    Corrupt,
    Hostile,
    InputError,
    Missing,
    MlopsError,
    StoreUnavailable,
    UnknownReference,
)
from py_mlops.records import Import, Snapshot, canonical, digest_of
from py_mlops.store import Store, open_store
from py_mlops.store.base import Entry, Move
from py_mlops.workspace import Workspace
from tests.buckets import Service, moto
from tests.handovers import MODEL, a_project, take
from tests.postgresql import PostgreSQL, server
from tests.store.samples import reproduction

__all__ = ["server"]

_numbers = itertools.count()


@pytest.fixture
def team(workspace: Workspace, taken: str, tmp_path: Path) -> str:
    """The folder of a team's store that Ada has pushed her snapshot to."""
    assert push(workspace, str(tmp_path / "team")).carried.snapshots == [taken]
    return str(tmp_path / "team")


@pytest.fixture
def theirs(team: str) -> Iterator[Store]:
    """The team's store, opened."""
    with closing(open_store(team)) as store:
        yield store


def refuse(elsewhere: Workspace, team: str, error: type[MlopsError], reference: str) -> MlopsError:
    """Check that a pull is refused and nothing of it is visible; return the refusal."""
    with pytest.raises(error) as refused:
        pull(elsewhere, team, [reference])
    assert elsewhere.store.ledger.size() == 0
    assert refused.value.hint
    left = elsewhere.cache / "transfers"
    assert not left.exists() or list(left.iterdir()) == []
    return refused.value


def objects(store: Store, digest: str) -> Path:
    """Return the file of an object, which may be written to."""
    path = store.folder / "objects" / digest[7:9] / digest[7:]
    path.chmod(0o644)
    return path


def enter(store: Store, snapshot: Snapshot | bytes, name: str = "flowers") -> str:
    """Enter a record as only someone can who writes to the store by other means than ours."""
    data = snapshot if isinstance(snapshot, bytes) else canonical(snapshot)
    identifier = store.blobs.put_bytes(data).digest
    row = Entry(identifier, "snapshot", name, "Mallory", "2026-01-31T12:00:00.000000Z")
    move = Entry(digest_of(b"move"), "head-move", f"{name}@main", "Mallory", row.time)
    store.ledger.append(
        [row, move], Move(f"{name}@main", store.ledger.head(f"{name}@main"), identifier)
    )
    return identifier


def test_a_pull_brings_a_head_with_all_it_stands_on(
    elsewhere: Workspace, workspace: Workspace, taken: str, team: str
) -> None:
    """The snapshot is here whole, its head points at it, and the log says where it came from."""
    done = pull(elsewhere, team, ["flowers"])
    assert done.snapshots == {"flowers": taken}
    assert done.heads == {"flowers@main": taken}
    assert elsewhere.store.get_as(taken, Snapshot) == workspace.store.get_as(taken, Snapshot)
    assert list(verify(elsewhere)) == []
    came = elsewhere.store.get_as(elsewhere.store.ledger.newest(kind="import")[0].record, Import)
    with closing(open_store(team)) as store:
        assert (came.snapshot, came.store) == (taken, store.ledger.name())
    assert pull(elsewhere, team, [taken]).carried.snapshots == []


def test_an_id_moves_no_head(elsewhere: Workspace, taken: str, team: str) -> None:
    """Who asks for one snapshot gets that one, and keeps their heads."""
    assert pull(elsewhere, team, [taken[7:19]]).heads == {}
    assert elsewhere.store.ledger.heads() == {}
    assert elsewhere.store.get_as(taken, Snapshot).request.name == "flowers"


def test_ones_own_way_is_left_alone(
    elsewhere: Workspace, taken: str, team: str, tmp_path: Path
) -> None:
    """A head that went another way here stays, and the other one's snapshot is found by its id."""
    mine = take(elsewhere, tmp_path / "h3", a_project(tmp_path / "bob"), model=MODEL)
    done = pull(elsewhere, team, ["flowers"])
    assert (done.heads, done.left) == ({}, ("flowers@main",))
    assert elsewhere.store.ledger.head("flowers@main") == mine
    assert elsewhere.store.get_as(taken, Snapshot).request.name == "flowers"


@pytest.mark.parametrize("now", [b"", b"altered", None])
@pytest.mark.parametrize("large", [False, True])
def test_altered_bytes_are_refused(
    elsewhere: Workspace,
    theirs: Store,
    taken: str,
    team: str,
    now: bytes | None,
    large: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Cut, altered and endless objects are noticed, small or large, before a row is entered."""
    monkeypatch.setattr(transfer, "_SMALL", 0 if large else 1 << 20)
    lock = theirs.get_as(taken, Snapshot).environment.lock
    path = objects(theirs, lock.digest)
    path.write_bytes(path.read_bytes() + bytes(1 << 20) if now is None else now)
    refused = refuse(elsewhere, team, Corrupt, "flowers")
    assert team in refused.message


def test_missing_bytes_are_refused(
    elsewhere: Workspace, theirs: Store, taken: str, team: str
) -> None:
    """A snapshot that lacks some of what it stands on is not entered."""
    objects(theirs, theirs.get_as(taken, Snapshot).environment.lock.digest).unlink()
    assert "lacks object" in refuse(elsewhere, team, Missing, "flowers").message


def test_an_altered_record_is_refused(
    elsewhere: Workspace, theirs: Store, taken: str, team: str
) -> None:
    """A record whose bytes are others than its id says is not believed."""
    record = msgspec.structs.replace(theirs.get_as(taken, Snapshot), metrics={"accuracy": 1.0})
    objects(theirs, taken).write_bytes(canonical(record))
    assert "not what its name says" in refuse(elsewhere, team, Corrupt, "flowers").message


@pytest.mark.parametrize("how", ["other snapshot", "altered", "no rerun", "notebook gone"])
def test_a_bad_verdict_is_left_out(
    workspace: Workspace, elsewhere: Workspace, taken: str, theirs: Store, team: str, how: str
) -> None:
    """A verdict that is not what it says is not taken over; the snapshot comes all the same."""
    notebook = theirs.blobs.put_bytes(b"executed")
    of = digest_of(b"another") if how == "other snapshot" else taken
    bad = msgspec.structs.replace(reproduction(of), notebook=notebook)
    data = canonical(workspace.store.get(taken) if how == "no rerun" else bad) + b" " * (
        how == "no rerun"
    )
    identifier = theirs.blobs.put_bytes(data).digest
    theirs.ledger.append(
        [Entry(identifier, "reproduction", taken, "Mallory", "2026-01-31T12:00:00.000000Z")]
    )
    if how == "altered":
        objects(theirs, identifier).write_bytes(data.replace(b"cannot", b"failed"))
    if how == "notebook gone":
        objects(theirs, notebook.digest).unlink()
    done = pull(elsewhere, team, ["flowers"])
    assert done.heads == {"flowers@main": taken}
    assert (done.carried.reruns, len(done.carried.refused)) == ([], 1)
    assert elsewhere.store.ledger.newest(kind="reproduction") == []
    assert list(verify(elsewhere)) == []


def test_a_record_that_is_none_is_refused(elsewhere: Workspace, theirs: Store, team: str) -> None:
    """What is entered as a snapshot and is something else is refused."""
    enter(theirs, b'{"kind":"snapshot"}')
    refuse(elsewhere, team, Corrupt, "flowers")


def test_a_record_too_large_for_memory_is_refused(
    elsewhere: Workspace, theirs: Store, team: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record that goes on and on is not read to its end."""
    monkeypatch.setattr(transfer, "_LARGEST_RECORD", 5000)
    enter(theirs, b"{" * 6000)
    refuse(elsewhere, team, Hostile, "flowers")


def test_a_head_that_leads_to_another_model_is_refused(
    elsewhere: Workspace, theirs: Store, taken: str, team: str
) -> None:
    """Who asks for one model is not given another one under its name."""
    other = msgspec.structs.replace(
        theirs.get_as(taken, Snapshot),
        request=msgspec.structs.replace(theirs.get_as(taken, Snapshot).request, name="wine"),
    )
    enter(theirs, other)
    assert "'wine'" in refuse(elsewhere, team, Hostile, "flowers").message


def test_what_is_not_there_is_named(elsewhere: Workspace, team: str, tmp_path: Path) -> None:
    """An unknown snapshot, and a folder without a store, which is not made one."""
    assert "'wine'" in refuse(elsewhere, team, UnknownReference, "wine").message
    refuse(elsewhere, str(tmp_path / "nowhere"), InputError, "flowers")
    assert not (tmp_path / "nowhere").exists()


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Return a running bucket service."""
    with moto() as running:
        yield running


@pytest.fixture
def shared(service: Service, server: PostgreSQL, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a team's store: a database and a bucket."""
    for name, value in service.environment.items():
        monkeypatch.setenv(name, value)
    return server.address(f"push{os.getpid()}_{next(_numbers)}", blobs=service.address())


def test_a_team_shares_a_database_and_a_bucket(
    workspace: Workspace, elsewhere: Workspace, taken: str, shared: str
) -> None:
    """What Ada pushes to PostgreSQL and S3, Bob pulls, and it verifies on every side."""
    assert push(workspace, shared).carried.snapshots == [taken]
    assert push(workspace, shared).carried.objects == 0
    assert pull(elsewhere, shared, ["flowers"]).heads == {"flowers@main": taken}
    assert list(verify(elsewhere)) == []
    with closing(open_store(shared)) as store:
        assert list(store.verify()) == []
        assert len(list(store.blobs)) >= len(list(elsewhere.store.blobs))


def test_a_bucket_that_is_gone_loses_nothing(
    workspace: Workspace, taken: str, shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A push into a bucket that cannot be reached says so; the next one brings all of it."""
    del taken
    with monkeypatch.context() as away:
        away.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        away.setenv("MLOPS_BUCKET_TIMEOUT", "0.5")
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            push(workspace, shared)
    push(workspace, shared)
    with closing(open_store(shared)) as store:
        assert store.resolve("flowers")
        assert list(store.verify()) == []
