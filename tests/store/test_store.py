from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from py_mlops.errors import Corrupt, HeadMoved, InputError, Missing, StoreUnavailable
from py_mlops.records import (
    Author,
    Blob,
    HeadMove,
    History,
    Import,
    Snapshot,
    digest_of,
    encode,
    record_id,
)
from py_mlops.store import Row, Store, open_store
from tests.store.samples import ANN, TIME, digest, imported, reproduction, snapshot


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return an empty store."""
    opened = open_store(tmp_path / "store")
    yield opened
    opened.close()


@pytest.fixture
def sample(store: Store) -> Snapshot:
    """A snapshot whose blobs are in the store."""
    return snapshot(
        history=store.blobs.put_bytes(encode(History(cells=[]))),
        lock=store.blobs.put_bytes(b"lock-version = '1.0'"),
    )


def overwrite(store: Store, name: str, data: bytes) -> None:
    """Damage a blob."""
    path = store.folder / "objects" / name[7:9] / name[7:]
    path.chmod(0o644)
    path.write_bytes(data)


def test_a_record_comes_back_as_it_was(store: Store, sample: Snapshot) -> None:
    """A record is found by its id, which is the sha256 of its canonical JSON."""
    row = store.add(sample)
    assert row.record == record_id(sample) == digest_of(store.blobs.read(row.record))
    assert store.get(row.record) == sample
    assert store.get_as(row.record, Snapshot) == sample
    assert store.add(sample) == row


def test_a_row_says_what_its_record_is_about(store: Store, sample: Snapshot) -> None:
    """Lists are by model for snapshots, by snapshot for reruns and imports, by head for moves."""
    row = store.add(sample, head="digits@main")
    assert row == Row(record_id(sample), "snapshot", "digits", "Ann", TIME, 0)
    move = store.ledger.newest(kind="head-move", subject="digits@main")[0]
    assert store.get_as(move.record, HeadMove).target == row.record
    rerun = store.add(reproduction(row.record))
    assert (rerun.kind, rerun.subject) == ("reproduction", row.record)
    came = store.add(imported(1))
    assert (came.kind, came.subject) == ("import", imported(1).snapshot)


def test_a_move_is_a_record_of_its_own(store: Store, sample: Snapshot) -> None:
    """Who moved a head, when, from where and why is kept beside the row that moved it."""
    first = store.add(sample, head="digits@main").record
    bob = Author(name="Bob", email=None, source="unverified")
    later = "2026-02-01T00:00:00.000000Z"
    second = store.add(
        imported(1), head="digits@main", previous=first, author=bob, created=later, reason="why"
    ).record
    row = store.ledger.newest(limit=1)[0]
    assert store.get(row.record) == HeadMove(
        head="digits@main", previous=first, target=second, created=later, author=bob, reason="why"
    )
    assert (row.author, row.time) == ("Bob", later)


def test_a_lost_race_enters_nothing(store: Store, sample: Snapshot) -> None:
    """When the head has moved meanwhile, neither record nor move has a row."""
    store.add(sample, head="digits@main")
    with pytest.raises(HeadMoved):
        store.add(imported(1), head="digits@main", previous=None)
    assert store.ledger.size() == 2
    assert store.ledger.head("digits@main") == record_id(sample)


def test_a_head_moves_back(store: Store, sample: Snapshot) -> None:
    """A head-move record on its own moves its head to a record that is there already."""
    first = store.add(sample, head="digits@main").record
    second = store.add(imported(1), head="digits@main", previous=first).record
    back = HeadMove(
        head="digits@main",
        previous=second,
        target=first,
        created="2026-02-01T00:00:00.000000Z",
        author=ANN,
        reason="rollback",
    )
    store.add(back)
    assert store.ledger.head("digits@main") == first
    nowhere = msgspec.structs.replace(back, previous=first, target=digest("nowhere"))
    with pytest.raises(Missing, match="the store has no such record"):
        store.add(nowhere)


def test_a_record_of_another_kind_is_named(store: Store) -> None:
    """Asking for a snapshot where there is something else says what is there."""
    row = store.add(imported(1))
    with pytest.raises(InputError, match="is of kind import, not snapshot"):
        store.get_as(row.record, Snapshot)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda _: b"",
        lambda data: data.replace(b"Ann", b"Bob"),
    ],
    ids=["last byte", "half", "empty", "altered"],
)
def test_a_damaged_record_is_never_believed(
    store: Store, sample: Snapshot, spoil: Callable[[bytes], bytes]
) -> None:
    """A truncated or altered record is an error, for readers and for verify."""
    name = store.add(sample).record
    overwrite(store, name, spoil(encode(sample)))
    with pytest.raises(Corrupt, match=name):
        store.get(name)
    assert any(name in sentence for sentence in store.verify())


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b"[" * 100_000,
        encode(imported(1))[:-1],
        encode(imported(1)) + b" ",
        encode(imported(1)).replace(b'"format":1', b'"format":2'),
        encode(imported(1)).replace(b'"kind":"import"', b'"kind":"os.system"'),
    ],
    ids=["empty", "deep", "truncated", "longer", "format", "kind"],
)
def test_bytes_that_are_no_record_are_refused(store: Store, data: bytes) -> None:
    """A blob with the right digest is still no record unless it decodes strictly as one."""
    with pytest.raises(Corrupt, match="not a record this version can read"):
        store.get(store.blobs.put_bytes(data).digest)


def test_verify_finds_a_row_that_tells_another_story(store: Store, sample: Snapshot) -> None:
    """A row whose fields are not those of its record, or whose record is lost, is named."""
    store.add(sample, head="digits@main")
    assert list(store.verify()) == []
    from_entry = store.ledger.append(
        [Row(store.blobs.put_bytes(encode(imported(1))).digest, "import", "x", "Eve", TIME, 0)]
    )
    assert list(store.verify()) == [
        f"Row 2 of the log does not describe its record {from_entry[0].record}."
    ]
    store.blobs.delete(record_id(sample))
    assert any("does not hold" in sentence for sentence in store.verify())


def test_verify_finds_a_row_changed_by_hand(store: Store, sample: Snapshot) -> None:
    """A name changed in the database is found, though every record is whole and is checked."""
    store.add(sample)
    with closing(sqlite3.connect(store.folder / "ledger.sqlite")) as connection, connection:
        connection.execute("UPDATE log SET author = 'Eve'")
    [found] = store.verify()
    assert "Row 0 of the ledger" in found
    overwrite(store, record_id(sample), b"{}")
    assert record_id(sample) in list(store.verify())[-1]


def test_a_record_enters_the_log_with_the_import_that_brought_it_or_not_at_all(
    store: Store, sample: Snapshot
) -> None:
    """When the second row cannot be written the first is not there either."""
    block = (
        "CREATE TRIGGER full BEFORE INSERT ON log WHEN NEW.kind = 'snapshot' "
        "BEGIN SELECT RAISE(ABORT, 'full'); END"
    )
    with closing(sqlite3.connect(store.folder / "ledger.sqlite")) as connection, connection:
        connection.execute(block)
    with pytest.raises(StoreUnavailable):
        store.add(sample, after=[imported(1)])
    assert store.ledger.size() == 0
    with closing(sqlite3.connect(store.folder / "ledger.sqlite")) as connection, connection:
        connection.execute("DROP TRIGGER full")
    assert store.add(sample, after=[imported(1)]).seq == 1
    assert [row.kind for row in store.ledger.rows()] == ["import", "snapshot"]
    assert list(store.verify()) == []


def test_a_record_cannot_name_files(store: Store) -> None:
    """Ids, heads and names are never paths: `../` finds nothing and writes nothing."""
    hostile = "../../../../tmp/evil"
    record = Import(snapshot=digest(1), bundle=digest(2), created=TIME, author=ANN)
    store.add(record, head=hostile)
    assert store.ledger.heads() == {hostile: record_id(record)}
    with pytest.raises(InputError, match="is not a digest"):
        store.get(hostile)
    lying = msgspec.structs.replace(record, snapshot="sha256:../../x")
    store.add(lying)  # our own writer does not check, every reader does
    with pytest.raises(Corrupt):
        store.get(record_id(lying))
    assert not any("evil" in path.name for path in store.folder.rglob("*"))


def test_reachable_is_everything_a_snapshot_needs(store: Store, sample: Snapshot) -> None:
    """A snapshot reaches its blobs and itself."""
    name = store.add(sample).record
    assert store.reachable(name) == {
        name,
        sample.program.history.digest,
        sample.environment.lock.digest,
    }
    assert Blob(digest=name, size=len(encode(sample))) in set(store.blobs)
