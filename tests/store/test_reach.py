from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from py_mlops.errors import Corrupt, Missing
from py_mlops.records import Blob, ExecutedCell, History, encode, record_id
from py_mlops.records.closure import named_blobs
from py_mlops.records.program import CellOutput
from py_mlops.store import Store, open_store
from py_mlops.store.reach import reachable
from tests.store.samples import digest, reproduction, snapshot


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return an empty store."""
    opened = open_store(tmp_path / "store")
    yield opened
    opened.close()


def test_a_rerun_reaches_its_snapshot_and_its_parents(store: Store) -> None:
    """Records that are named are followed, as far as the store holds them."""
    lock = store.blobs.put_bytes(b"lock")
    history = store.blobs.put_bytes(encode(History(cells=[])))
    stranger = digest("a parent that stayed in another store")
    parent = snapshot(history=history, lock=store.blobs.put_bytes(b"old lock"))
    child = snapshot(history=history, lock=lock, parents=(store.add(parent).record, stranger))
    rerun = store.add(reproduction(store.add(child).record)).record
    assert store.reachable(rerun) == {
        rerun,
        record_id(child),
        record_id(parent),
        history.digest,
        lock.digest,
        parent.environment.lock.digest,
    }


def test_a_blob_that_is_missing_is_reached_all_the_same(store: Store) -> None:
    """A snapshot's own bytes are part of it though the store has lost them."""
    gone = Blob(digest=digest("gone"), size=4)
    record = snapshot(history=gone, lock=store.blobs.put_bytes(b"lock"))
    assert gone.digest in store.reachable(store.add(record).record)
    assert gone in set(named_blobs(record))


def test_the_digest_of_an_output_is_no_blob(store: Store) -> None:
    """A history names its outputs by digest without the store holding them."""
    output = CellOutput(stream="stdout", text="hi", digest=digest("hi"))
    cell = ExecutedCell(
        count=1, cell_id=None, source="", outputs=[output], error=None, seconds=0, watched=True
    )
    history = store.blobs.put_bytes(encode(History(cells=[cell])))
    record = snapshot(history=history, lock=store.blobs.put_bytes(b"lock"))
    assert output.digest not in store.reachable(store.add(record).record)


def test_a_digest_in_any_field_keeps_what_it_names(store: Store) -> None:
    """The collector would rather keep too much: a digest counts wherever it stands."""
    kept = store.blobs.put_bytes(b"mentioned in a parameter").digest
    record = msgspec.structs.replace(
        snapshot(history=store.blobs.put_bytes(b"h"), lock=store.blobs.put_bytes(b"l")),
        parameters={"deep": [{"er": kept}], "text": f"{kept} inside a sentence does not"},
    )
    assert kept in store.reachable(store.add(record).record)


def test_data_that_looks_like_a_record_is_only_data(store: Store) -> None:
    """A data file that is JSON, but no record, is not followed."""
    other = store.blobs.put_bytes(b"other").digest
    data = store.blobs.put_bytes(b'{"snapshot":"' + other.encode() + b'"}')
    record = snapshot(history=data, lock=store.blobs.put_bytes(b"lock"))
    assert other not in store.reachable(store.add(record).record)


def test_an_unreadable_record_reaches_nothing_knowable(store: Store) -> None:
    """What a lost or damaged record reached nobody knows, so asking is an error."""
    with pytest.raises(Missing):
        reachable(store.blobs, [digest("lost")])
    with pytest.raises(Corrupt):
        reachable(store.blobs, [store.blobs.put_bytes(b"no record").digest])


def test_records_that_name_each_other_end(store: Store) -> None:
    """A long chain of parents is walked to its end, without recursion."""
    lock, history = store.blobs.put_bytes(b"lock"), store.blobs.put_bytes(b"history")
    parents: tuple[str, ...] = ()
    with store.blobs.batch() as writer:
        for _ in range(1100):
            record = snapshot(history=history, lock=lock, parents=parents)
            parents = (writer.put_bytes(encode(record)).digest,)
    assert len(store.reachable(parents[0])) == 1102


def test_an_altered_record_in_between_stops_the_question(store: Store) -> None:
    """What an altered record named is not known, so nobody is told that nothing reaches it."""
    history = store.blobs.put_bytes(encode(History(cells=[])))
    record = snapshot(history=history, lock=store.blobs.put_bytes(b"lock"))
    path = store.folder / "objects" / history.digest[7:9] / history.digest[7:]
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"history", b"hist0ry"))
    taken = store.add(record).record
    with pytest.raises(Corrupt, match=history.digest):
        store.reachable(taken)
