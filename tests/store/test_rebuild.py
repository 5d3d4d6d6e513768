from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from py_mlops.errors import Corrupt, InputError
from py_mlops.records import Checkpoint, HeadMove, encode
from py_mlops.store import Row, Store, open_store
from py_mlops.store.checkpoints import WIDTH
from py_mlops.store.recovery import recover
from tests.store.samples import ANN, TIME, imported

HEAD = "digits@main"
Was = tuple[list[Row], dict[str, str], bytes]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a store with 20 rows and two heads."""
    store = open_store(tmp_path / "store")
    for number in range(10):
        head = HEAD if number % 2 else "wine@main"
        store.add(imported(number), head=head, previous=store.ledger.head(head))
    store.close()
    return tmp_path / "store"


@pytest.fixture
def before(folder: Path) -> Iterator[Was]:
    """What the ledger was."""
    store = open_store(folder)
    yield list(store.ledger.rows()), store.ledger.heads(), store.ledger.root()
    store.close()


def lose(folder: Path) -> None:
    """Lose the ledger."""
    for path in folder.glob("ledger.sqlite*"):
        path.unlink()


def path_of(folder: Path, identifier: str) -> Path:
    """Return where an object lies."""
    path = folder / "objects" / identifier[7:9] / identifier[7:]
    path.chmod(0o644)
    return path


def now(folder: Path) -> Was:
    """Return what the ledger is, which verifies."""
    store = open_store(folder)
    assert list(store.verify()) == []
    found = list(store.ledger.rows()), store.ledger.heads(), store.ledger.root()
    store.close()
    return found


def test_a_lost_ledger_is_made_anew_to_the_last_row(folder: Path, before: Was) -> None:
    """Rows, heads and root are what they were, and nothing is unknown."""
    lose(folder)
    with pytest.raises(Corrupt, match="has lost its ledger") as caught:
        open_store(folder)
    assert "mlops verify --rebuild" in caught.value.hint
    made = recover(folder)
    assert (made.rows, made.entered, made.unknown) == (20, 0, ())
    assert made.heads == before[1]
    assert now(folder) == before


def test_a_damaged_ledger_is_moved_aside(folder: Path, before: Was) -> None:
    """Pages overwritten with rubbish, or a row altered: the ledger is whole again, the old kept."""
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as connection, connection:
        connection.execute("UPDATE log SET author = 'Mallory' WHERE seq = 3")
    assert recover(folder).rows == 20
    assert now(folder) == before
    (folder / "ledger.sqlite").write_bytes(b"rubbish" * 10_000)
    assert recover(folder).rows == 20
    assert now(folder) == before
    aside = [path for path in folder.iterdir() if "damaged" in path.name]
    assert b"rubbish" * 10_000 in [path.read_bytes() for path in aside]


def test_a_whole_ledger_is_left_alone(folder: Path) -> None:
    """Nothing is made anew where nothing is wrong, nor where there is no store."""
    with pytest.raises(InputError, match="as it was written"):
        recover(folder)
    with pytest.raises(InputError, match="There is no store"):
        recover(folder.parent / "nowhere")


def test_more_rows_than_one_checkpoint_holds(tmp_path: Path) -> None:
    """A log of several checkpoints is proven by each of them."""
    store = open_store(tmp_path / "store")
    for start in range(0, 2 * WIDTH + 10, 90):
        rest = [imported(number) for number in range(start + 1, start + 90)]
        store.add(imported(start), after=rest)
    size, root = store.ledger.size(), store.ledger.root()
    assert [mark.size for mark in store.ledger.marks()] == [size, 2 * WIDTH, WIDTH]
    assert sum(isinstance(_get(store, blob.digest), Checkpoint) for blob in store.blobs) == 3
    store.close()
    lose(tmp_path / "store")
    assert recover(tmp_path / "store").rows == size
    assert now(tmp_path / "store")[2] == root


def _get(store: Store, identifier: str) -> object:
    return store.get(identifier)


def test_a_lost_record_is_named_and_takes_no_other_along(folder: Path) -> None:
    """Without one record the others stand in their order, and the heads where they stood."""
    store = open_store(folder)
    row, heads = list(store.ledger.rows())[6], store.ledger.heads()
    store.close()
    path_of(folder, row.record).write_bytes(b'{"damaged')
    lose(folder)
    made = recover(folder)
    assert made.heads == heads
    assert made.rows + made.entered == 19
    assert any(f"Row 6 is lost: its record {row.record}" in said for said in made.unknown)
    assert len(now(folder)[0]) == 19


def test_what_no_checkpoint_has_is_entered_and_moves_no_head(folder: Path) -> None:
    """A record beyond the checkpoint is kept from the collector; a head's move is only named."""
    store = open_store(folder)
    late = store.blobs.put_bytes(encode(imported(77))).digest
    forged = HeadMove(
        head=HEAD,
        previous=store.ledger.head(HEAD),
        target=late,
        created=TIME,
        author=ANN,
        reason="",
    )
    move = store.blobs.put_bytes(encode(forged)).digest
    heads = store.ledger.heads()
    store.close()
    lose(folder)
    made = recover(folder)
    assert (made.rows, made.entered, made.heads) == (20, 1, heads)
    assert any("1 records stand in no checkpoint" in said for said in made.unknown)
    assert any(move in said and "was not repeated" in said for said in made.unknown)
    assert [row.record for row in now(folder)[0]][-1:] == [late]


def test_a_forged_checkpoint_proves_nothing(folder: Path) -> None:
    """A checkpoint whose root is not that of its records is not believed."""
    store = open_store(folder)
    newest = store.get_as(store.ledger.marks(limit=1)[0].record, Checkpoint)
    forged = msgspec.structs.replace(newest, size=19, records=newest.records[::-1][:19])
    store.blobs.put_bytes(encode(forged))
    longer = msgspec.structs.replace(newest, size=40, records=newest.records * 2)
    store.blobs.put_bytes(encode(longer))
    before = list(store.ledger.rows())
    store.close()
    lose(folder)
    made = recover(folder)
    assert made.rows == 20
    assert now(folder)[0] == before


def test_an_interrupted_rebuilding_is_done_again(folder: Path, before: Was) -> None:
    """What a killed rebuilding left is no ledger, and does not stop the next."""
    lose(folder)
    (folder / "ledger.sqlite-anew").write_bytes(b"half")
    (folder / "ledger.sqlite-anew-wal").write_bytes(b"half")
    recover(folder)
    assert now(folder) == before
    assert not list(folder.glob("ledger.sqlite-anew*"))


def test_an_altered_note_of_a_checkpoint_is_noticed_and_made_anew(folder: Path) -> None:
    """The ledger's note of where its checkpoint is cannot be altered silently, and is healed."""
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as connection, connection:
        connection.execute("UPDATE checkpoint SET record = 'nothing'")
    store = open_store(folder)
    assert any("note of a checkpoint of 20 rows was altered" in said for said in store.verify())
    store.close()
    assert recover(folder).rows == 20
    assert len(now(folder)[0]) == 20


def test_checkpoints_are_checked_with_the_log(folder: Path) -> None:
    """A log that was cut short, or a checkpoint that was altered, is named by verify."""
    store = open_store(folder)
    identifier = store.ledger.marks(limit=1)[0].record
    path = path_of(folder, identifier)
    path.write_bytes(path.read_bytes().replace(b'"size":20', b'"size":21'))
    assert any("The checkpoint of 20 rows" in said for said in store.verify())
    store.close()
