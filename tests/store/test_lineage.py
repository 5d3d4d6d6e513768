from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from py_mlops.records import Author, record_id
from py_mlops.store import Store, open_store
from py_mlops.store.edges import Point, file, key_of, origin, person
from py_mlops.store.ledger.indexing import KEEPING_UP
from py_mlops.store.ledger.ledger import SqlLedger
from py_mlops.store.recovery import recover
from tests.postgresql import PostgreSQL
from tests.store.lineages import ADDRESS, add, asked, blob_of, folder, made_of, wheel
from tests.store.samples import ANN, environment

_numbers = itertools.count()


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of a store of each kind."""
    if request.param == "sqlite":
        return str(tmp_path / "store")
    server: PostgreSQL = request.getfixturevalue("server")
    url = server.address(f"lineage{os.getpid()}_{next(_numbers)}")
    return f"{url}{'&' if '?' in url else '?'}blobs={tmp_path / 'blobs'}"


@pytest.fixture
def store(address: str) -> Iterator[Store]:
    """Return an empty store of each kind."""
    opened = open_store(address)
    yield opened
    opened.close()


def point(identifier: str) -> Point:
    """Return a snapshot's point."""
    return Point("snapshot", key_of(identifier))


def alter(store: Store, statement: str) -> None:
    """Change the database by hand."""
    assert isinstance(store.ledger, SqlLedger)
    with store.ledger.database.transaction("Changing", writing=True) as connection:
        connection.execute(text(statement))


def test_an_output_that_another_snapshot_read_links_them_by_its_bytes(store: Store) -> None:
    """Names do not matter; who made what, who read it and what came of it is found both ways."""
    raw, clean, model = add(
        store,
        made_of("raw", ["a"], ["b"]),
        made_of("clean", ["b"], ["c"]),
        made_of("model", ["c", "d"], code=["m"]),
    )
    lineage = store.lineage
    lineage.catch_up()
    digests = [blob_of(name).digest for name in "abcd"]
    makers = lineage.makers(digests)
    assert {digest: (one.seq, one.count) for digest, one in makers.items()} == {
        digests[1]: (0, 1),
        digests[2]: (1, 1),
    }
    assert lineage.upstream(point(model), 100) == [0, 1]
    assert lineage.upstream(point(raw), 100) == []
    assert lineage.downstream(file(digests[0]), 100) == [0, 1, 2]
    assert lineage.downstream(point(clean), 100) == [2]
    assert lineage.downstream(file(blob_of("m").digest), 100) == [2]
    count, readers = lineage.consumers(point(raw), 10)
    assert (count, [(one.seq, one.files, one.example) for one in readers]) == (
        1,
        [(1, 1, digests[1])],
    )
    uses = [(one.seq, one.role, one.name) for one in lineage.uses(file(digests[1]), 10)]
    assert uses == [(0, "made", "b.csv"), (1, "read", "b.csv")]


def test_a_file_inside_a_folder_counts_as_one_by_itself(store: Store) -> None:
    """What was made in a folder and read in another, or alone, links; both ways."""
    files = {f"{number}.png": f"picture {number}" for number in range(20)}
    made = folder(store.blobs, "output", files)
    read = folder(store.blobs, "input", files | {"more.png": "another"}, "pictures")
    add(
        store,
        made_of("camera", makes=["another"]),
        made_of("crop", trees=[made]),
        made_of("train", trees=[read]),
        made_of("look", ["picture 7"]),
    )
    lineage = store.lineage
    lineage.catch_up()
    assert lineage.folder_makers(read.manifest.digest, 10) == [(1, 20), (0, 1)]
    seven = file(blob_of("picture 7").digest)
    assert lineage.downstream(seven, 10) == [2, 3]
    uses = [(one.seq, one.role, one.name, bool(one.folder)) for one in lineage.uses(seven, 10)]
    assert uses == [
        (1, "made", "images", True),
        (2, "read", "pictures", True),
        (3, "read", "picture 7.csv", False),
    ]
    assert lineage.makers([blob_of("picture 7").digest])[blob_of("picture 7").digest].seq == 1
    train = Point("snapshot", key_of(store.ledger.newest()[1].record))
    assert lineage.upstream(train, 10) == [0, 1]


def test_circles_and_the_very_same_bytes_end(store: Store) -> None:
    """Two that read each other's outputs, and one that reads its own, are each told once."""
    one, two, own = add(
        store,
        made_of("one", ["x"], ["y"]),
        made_of("two", ["y"], ["x"]),
        made_of("own", ["z"], ["z"]),
    )
    lineage = store.lineage
    lineage.catch_up()
    assert lineage.upstream(point(one), 10) == [1]
    assert lineage.downstream(point(two), 10) == [0]
    assert lineage.upstream(point(own), 10) == []
    assert lineage.consumers(point(own), 10) == (0, [])


def test_empty_files_link_nothing(store: Store) -> None:
    """Every empty file has the same bytes, so they say nothing of where they came from."""
    empty = made_of("empty")
    files = [replace(one, blobs=[blob_of("")]) for one in made_of("x", ["i"], ["o"]).data]
    _, reader = add(store, replace(empty, data=files[1:]), replace(empty, data=files[:1]))
    store.lineage.catch_up()
    assert store.lineage.makers([blob_of("").digest]) == {}
    assert store.lineage.upstream(point(reader), 10) == []


def test_a_wheel_a_database_and_a_person_lead_to_their_snapshots(store: Store) -> None:
    """A package's bytes, an address and a name or mail address are found, in any case of it."""
    around = replace(environment(blob_of("lock")), distributions=[wheel("numpy"), wheel("torch")])
    source = "postgresql://db:5432/shop"
    bob = Author(name="Bob", email="Bob@Example.org", source="git")
    add(
        store,
        made_of("a", environment=around),
        made_of("b", environment=around, author=bob),
        made_of("c", answers=[asked(source), asked(source)]),
    )
    lineage = store.lineage
    lineage.catch_up()
    assert lineage.downstream(file(blob_of("numpy").digest), 10) == [0, 1]
    assert lineage.consumers(file(blob_of("numpy").digest), 10)[0] == 2
    assert lineage.downstream(origin(source), 10) == [2]
    assert [one.seq for one in lineage.uses(person("bob"), 10)] == [1]
    assert [one.seq for one in lineage.uses(person("bob@example.org"), 10)] == [1]
    assert [one.seq for one in lineage.uses(person(ADDRESS), 10)] == [0, 2]
    assert [one.name for one in lineage.uses(person("BOB"), 10)] == ["Bob"]


def test_a_bound_is_kept(store: Store) -> None:
    """However much there is, no more is returned than was asked for."""
    add(store, *(made_of(f"m{number}", ["a"], [f"b{number}"]) for number in range(9)))
    store.lineage.catch_up()
    assert len(store.lineage.downstream(file(blob_of("a").digest), 4)) == 4
    count, some = store.lineage.consumers(file(blob_of("a").digest), 3)
    assert (count, [one.seq for one in some]) == (9, [0, 1, 2])


def test_what_could_not_be_read_is_told_and_found_when_it_is_back(store: Store) -> None:
    """A snapshot whose record or manifest is gone is a gap; restored, it is linked."""
    tree = folder(store.blobs, "input", {"1.png": "one"})
    manifest = store.blobs.read(tree.manifest.digest)
    snapshot = made_of("train", ["a"], trees=[tree])
    _, train = add(store, made_of("first"), snapshot)
    store.blobs.delete(tree.manifest.digest)
    lineage = store.lineage
    lineage.catch_up()
    (gap,) = lineage.gaps()
    assert gap.startswith("Row 1 of the log: ")
    assert tree.manifest.digest in gap
    assert lineage.downstream(file(blob_of("a").digest), 10) == [1]  # the rest is linked
    assert lineage.downstream(file(blob_of("one").digest), 10) == []
    store.blobs.put_bytes(manifest)
    lineage.catch_up()
    assert lineage.gaps() == []
    assert lineage.downstream(file(blob_of("one").digest), 10) == [1]
    assert list(lineage.differences()) == []
    assert train == record_id(snapshot)


def test_the_index_keeps_up_with_its_writers(store: Store) -> None:
    """Without anyone asking, what is added is indexed now and then, in few transactions."""
    add(store, *(made_of(f"m{number}", ["a"]) for number in range(KEEPING_UP + 3)))
    assert len(store.lineage.downstream(file(blob_of("a").digest), 1000)) == KEEPING_UP + 1


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM lineage_edge WHERE role = 'read'",
        "UPDATE lineage_edge SET name = 'other.csv' WHERE role = 'read'",
        "UPDATE lineage_edge SET role = 'code' WHERE role = 'read'",
        "UPDATE lineage_node SET seq = 1 - seq WHERE kind = 'snapshot'",
        "UPDATE lineage_node SET kind = 'origin' WHERE kind = 'file'",
        "DELETE FROM lineage_node WHERE kind = 'person'",
        "UPDATE meta SET value = '1' WHERE key = 'lineage'",
    ],
)
def test_an_altered_index_is_noticed_and_made_anew(store: Store, address: str, change: str) -> None:
    """Whoever edits the index is found by `verify`; rebuilding it needs nothing but the records."""
    add(store, made_of("a", ["x"], ["y"]), made_of("b", ["y"]))
    store.lineage.catch_up()
    assert list(store.verify()) == []
    alter(store, change)
    (said,) = store.verify()
    assert "index of lineage" in said
    made = recover(address)
    assert made.rows == 2
    assert list(store.verify()) == []
    assert store.lineage.downstream(file(blob_of("x").digest), 9) == [0, 1]


def test_a_ledger_that_is_made_anew_has_its_index(store: Store, address: str) -> None:
    """After the database was lost, lineage is there again with the rows."""
    add(store, made_of("a", ["x"], ["y"]), made_of("b", ["y"]))
    alter(store, "DELETE FROM lineage_edge")
    alter(store, "UPDATE log SET author = 'Mallory' WHERE seq = 0")
    if address.startswith("postgresql"):
        for table in ("head", "lineage_gap", "lineage_node", "checkpoint", "node", "log"):
            alter(store, f"DELETE FROM {table}")  # noqa: S608 - ours
        alter(store, "UPDATE meta SET value = '0' WHERE key = 'size'")
        alter(store, "UPDATE meta SET value = '" + ("e" * 64) + "' WHERE key = 'root'")
    store.close()
    recover(address)
    again = open_store(address)
    assert again.lineage.downstream(file(blob_of("x").digest), 9) == [0, 1]
    assert list(again.verify()) == []
    again.close()


def test_names_that_no_database_can_hold_do_no_harm(store: Store) -> None:
    """A name with NUL characters, or a very long one, is indexed all the same."""
    hostile = made_of("a", ["x"])
    file_ = replace(hostile.data[0], requested="a\0b" + "é" * 5000)
    author = Author(name="A\0nn\u202e", email=None, source="unverified")
    add(store, made_of("ok", ["x"]))
    snapshot = replace(hostile, data=[file_])
    lineage = store.lineage
    add(store, snapshot)
    lineage.catch_up()
    uses = lineage.uses(file(blob_of("x").digest), 9)
    assert [one.seq for one in uses] == [0, 1]
    assert uses[1].name.startswith("a\\0bé")
    assert len(uses[1].name) <= 400
    assert author.name != ANN.name
