"""A team's store: its ledger in PostgreSQL, its bytes in a folder that all share."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.event import listen, remove

from py_mlops.errors import Corrupt, InputError
from py_mlops.records import HeadMove
from py_mlops.store import Store, ingest, keep_unchanged, open_store
from py_mlops.store.blobs import statcache
from py_mlops.store.blobs.leased import LeasedBlobs
from py_mlops.store.gc import plan, sweep
from py_mlops.store.recovery import recover
from tests.postgresql import PostgreSQL
from tests.store.samples import imported

_numbers = itertools.count()
DAY = 86400


@pytest.fixture
def schema() -> str:
    """Return the name of what takes the place of a database of the test's own."""
    return f"team{os.getpid()}_{next(_numbers)}"


@pytest.fixture
def address(server: PostgreSQL, tmp_path: Path, schema: str) -> str:
    """Return the address of a team's store that is not made yet."""
    return server.address(schema, blobs=str(tmp_path / "blobs"))


@pytest.fixture
def store(address: str, tmp_path: Path) -> Iterator[Store]:
    """Return an empty store."""
    opened = open_store(address, cache=tmp_path / "cache")
    yield opened
    opened.close()


def statements(store: Store, paths: list[Path]) -> int:
    """Take files in that are there unchanged; return how often the database was asked."""
    engine = store.ledger.database.connect().engine  # type: ignore[attr-defined]
    asked: list[str] = []

    def note(*event: Any) -> None:
        asked.append(event[2])

    listen(engine, "before_cursor_execute", note)
    held = keep_unchanged(paths, store.blobs, store.stat_cache)
    for path in paths:
        ingest(path, store.blobs, store.stat_cache, held=held)
    remove(engine, "before_cursor_execute", note)
    return len(asked)


def move(store: Store, number: int) -> str:
    """Add a record and move a head to it."""
    head = "digits@main"
    return store.add(imported(number), head=head, previous=store.ledger.head(head)).record


def test_two_colleagues_see_one_store(store: Store, address: str) -> None:
    """What one adds, the other reads, verified; what one of them moved, the other sees moved."""
    theirs = open_store(address)
    first = move(store, 1)
    assert theirs.ledger.head("digits@main") == first
    second = move(theirs, 2)
    assert store.ledger.head("digits@main") == second
    assert store.get(second) == imported(2)
    assert list(store.verify()) == list(theirs.verify()) == []
    theirs.close()


def test_unchanged_files_are_asked_for_all_at_once(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred unchanged files cost the database no more questions than two of them."""
    monkeypatch.setattr(statcache, "_RACY", -(10**18))  # as if they had been written long ago
    paths = [tmp_path / f"{number}.csv" for number in range(100)]
    with closing(open_store(address, cache=tmp_path / "cache")) as store, store.blobs.batch() as w:
        for number, path in enumerate(paths):
            path.write_text(str(number))
            ingest(path, store.blobs, store.stat_cache, w)
    asked = []
    for some in (paths, paths[:2]):
        with closing(open_store(address, cache=tmp_path / "cache")) as store:
            asked.append(statements(store, some))
    assert 0 < asked[0] <= asked[1]


def test_only_what_may_be_deleted_stays_on_this_machine(store: Store, tmp_path: Path) -> None:
    """Beside the cache of files' states nothing of a team's store is kept here."""
    move(store, 1)
    assert {path.name for path in store.folder.iterdir()} <= {"cache.sqlite"}
    assert store.folder.is_relative_to(tmp_path / "cache")


def test_a_store_is_not_made_over_somebody_elses_objects(
    store: Store, server: PostgreSQL, schema: str, tmp_path: Path
) -> None:
    """An empty database beside objects is a wrong address or a lost ledger, and says so."""
    move(store, 1)
    other = server.address(f"{schema}_other", blobs=str(tmp_path / "blobs"))
    with pytest.raises(Corrupt, match="is empty, but there are objects") as caught:
        open_store(other)
    assert "mlops verify --rebuild" in caught.value.hint
    with pytest.raises(Corrupt, match="has lost its ledger"):
        open_store(tmp_path / "blobs")


def test_none_is_made_unasked(address: str) -> None:
    """A reader of a team's store that is not there is told so."""
    with pytest.raises(InputError, match="There is no store in postgresql://"):
        open_store(address, create=False)


def test_the_collector_buries_first_and_removes_after_the_grace(store: Store) -> None:
    """Bytes that nothing reaches go at the second run, a day after the first."""
    move(store, 1)
    garbage = store.blobs.put_bytes(b"of a snapshot that never came")
    _age(store)
    assert plan(store).blobs == (garbage,)
    assert sweep(store, plan(store)).blobs == ()  # claimed: its record may be on its way
    _end_claims(store)
    assert sweep(store, plan(store)).blobs == ()  # buried
    assert sweep(store, plan(store)).blobs == ()  # not for long
    _end_claims(store, buried=True)
    assert sweep(store, plan(store)).blobs == (garbage,)
    assert not store.blobs.has(garbage.digest)
    assert list(store.verify()) == []


def test_what_is_put_again_is_dug_up(store: Store) -> None:
    """Bytes that someone puts again after they were buried are kept."""
    garbage = store.blobs.put_bytes(b"needed after all")
    _age(store)
    _end_claims(store)
    sweep(store, plan(store))
    _end_claims(store, buried=True)
    store.blobs.put_bytes(b"needed after all")
    _age(store)
    assert sweep(store, plan(store)).blobs == ()
    assert store.blobs.read(garbage.digest) == b"needed after all"


def test_what_is_removed_while_it_is_put_is_put_again(store: Store) -> None:
    """A writer who took a buried object for stored writes it again when it was removed."""
    assert isinstance(store.blobs, LeasedBlobs)
    garbage = store.blobs.put_bytes(b"needed after all")
    _age(store)
    _end_claims(store)
    sweep(store, plan(store))
    _end_claims(store, buried=True)
    with store.blobs.batch() as writer:
        writer.put_bytes(b"needed after all")  # it is there, and not written again
        _age(store)
        assert sweep(store, plan(store)).blobs == (garbage,)
    assert store.blobs.read(garbage.digest) == b"needed after all"


def _age(store: Store) -> None:
    """Make all bytes old."""
    assert isinstance(store.blobs, LeasedBlobs)
    for blob in store.blobs:
        os.utime(store.blobs._blobs.path(blob.digest), (1, 1))  # type: ignore[attr-defined]


def _end_claims(store: Store, *, buried: bool = False) -> None:
    """Let a day and more pass, for claims or for tombstones."""
    days = "buried = buried - 200000" if buried else "until = until - 200000"
    with store.ledger.database.connect() as connection:  # type: ignore[attr-defined]
        connection.exec_driver_sql(f"UPDATE claim SET {days}")  # noqa: S608 - ours
        connection.commit()


def test_a_lost_database_is_made_anew(
    store: Store, server: PostgreSQL, schema: str, address: str
) -> None:
    """With its database gone, a store has every row and head again, and verifies."""
    for number in range(5):
        move(store, number)
    rows, heads, root = list(store.ledger.rows()), store.ledger.heads(), store.ledger.root()
    store.close()
    server.execute(f"DROP SCHEMA {schema} CASCADE; CREATE SCHEMA {schema}")
    with pytest.raises(Corrupt, match="is empty, but there are objects"):
        open_store(address)
    made = recover(address)
    assert (made.rows, made.entered, made.unknown) == (10, 0, ())
    again = open_store(address)
    assert (list(again.ledger.rows()), again.ledger.heads(), again.ledger.root()) == (
        rows, heads, root
    )  # fmt: skip
    move(again, 5)
    assert list(again.verify()) == []
    again.close()


def test_a_ledger_that_is_whole_is_not_made_anew(store: Store, address: str) -> None:
    """Rebuilding never replaces a ledger that is as it was written."""
    move(store, 1)
    with pytest.raises(InputError, match="as it was written"):
        recover(address)


def test_a_folders_store_becomes_a_teams(server: PostgreSQL, schema: str, tmp_path: Path) -> None:
    """Rebuilding in a team's database over a folder's objects brings all of it along."""
    mine = open_store(tmp_path / "store")
    for number in range(3):
        move(mine, number)
    root = mine.ledger.root()
    mine.close()
    address = server.address(schema, blobs=str(tmp_path / "store"))
    assert recover(address).rows == 6
    ours = open_store(address)
    assert ours.ledger.root() == root
    assert isinstance(ours.get(list(ours.ledger.rows())[-1].record), HeadMove)
    ours.close()
