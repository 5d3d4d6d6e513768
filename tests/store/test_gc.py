from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from py_mlops.errors import Corrupt
from py_mlops.records import Blob, History, encode
from py_mlops.store import Store, open_store
from py_mlops.store.gc import plan, sweep
from tests.store.samples import reproduction, snapshot

LONG_AGO = (1, 1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return an empty store."""
    opened = open_store(tmp_path / "store")
    yield opened
    opened.close()


def age(store: Store) -> None:
    """Make everything in the store old."""
    for path in [*(store.folder / "objects").rglob("*"), *(store.folder / "tmp").iterdir()]:
        if path.is_file():
            os.utime(path, LONG_AGO)


def fill(store: Store, name: str = "digits") -> set[str]:
    """Add a snapshot and a rerun of it and return the digests of all they reach."""
    record = snapshot(
        name,
        history=store.blobs.put_bytes(encode(History(cells=[]))),
        lock=store.blobs.put_bytes(name.encode()),
    )
    row = store.add(record, head=f"{name}@main")
    return store.reachable(store.add(reproduction(row.record)).record)


def test_only_what_nothing_reaches_is_removed(store: Store) -> None:
    """Bytes of an interrupted snapshot go; what a record or head reaches stays and verifies."""
    kept = fill(store)
    garbage = store.blobs.put_bytes(b"of a snapshot that never came")
    (store.folder / "tmp" / "1-a.tmp").write_bytes(b"half")
    age(store)
    found = plan(store)
    assert (found.blobs, found.bytes, found.tmp_files) == ((garbage,), garbage.size, ("1-a.tmp",))
    assert store.blobs.has(garbage.digest)  # a plan removes nothing
    assert sweep(store, found).blobs == (garbage,)
    present = {blob.digest for blob in store.blobs}
    moves = {row.record for row in store.ledger.newest(kind="head-move")}
    checkpoints = {mark.record for mark in store.ledger.marks()}
    assert present == kept | moves | checkpoints
    assert list((store.folder / "tmp").iterdir()) == []
    assert list(store.verify()) == []
    assert plan(store).blobs == ()


def test_what_is_young_is_spared(store: Store) -> None:
    """Bytes whose record may still be on its way are not touched."""
    store.blobs.put_bytes(b"just now")
    (store.folder / "tmp" / "2-b.tmp").write_bytes(b"being written")
    found = plan(store)
    assert (found.blobs, found.bytes, found.tmp_files) == ((), 0, ())


def test_what_is_stored_again_after_the_plan_is_spared(store: Store) -> None:
    """Bytes that someone puts again while the collector runs are kept."""
    blob = store.blobs.put_bytes(b"needed after all")
    age(store)
    found = plan(store)
    store.blobs.put_bytes(b"needed after all")
    assert sweep(store, found).blobs == ()
    assert store.blobs.has(blob.digest)


def test_what_is_recorded_after_the_plan_is_spared(store: Store) -> None:
    """Bytes that a new record names while the collector runs are kept, however old they are."""
    lock, history = store.blobs.put_bytes(b"lock"), store.blobs.put_bytes(b"history")
    age(store)
    found = plan(store)
    assert set(found.blobs) == {lock, history}
    store.add(snapshot(history=history, lock=lock), head="digits@main")
    age(store)
    assert sweep(store, found).blobs == ()
    assert list(store.verify()) == []


def test_a_plan_is_no_licence_for_paths(store: Store, tmp_path: Path) -> None:
    """A plan that names what is not in the store removes nothing."""
    found = plan(store)
    stranger = Blob(digest="sha256:" + "0" * 64, size=1)
    forged = type(found)((stranger,), 1, ("../../x",), found.grace_seconds, found.size)
    (tmp_path / "x").write_text("mine")
    assert sweep(store, forged).blobs == ()
    assert (tmp_path / "x").exists()


def test_nothing_is_removed_when_a_record_is_unreadable(store: Store) -> None:
    """What a damaged record reaches is unknown, so the collector refuses to guess."""
    fill(store)
    name = store.ledger.newest(kind="snapshot")[0].record
    path = store.folder / "objects" / name[7:9] / name[7:]
    path.chmod(0o644)
    path.write_bytes(b"{}")
    store.blobs.put_bytes(b"garbage")
    age(store)
    with pytest.raises(Corrupt, match=name):
        plan(store)
