"""What every store must do, whatever it is made of.

A backend's test module subclasses the classes and provides their fixtures.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from py_mlops.errors import Corrupt, FileGone, HeadMoved, InputError, Missing
from py_mlops.store import Blobs, Entry, Ledger, Move
from py_mlops.store.ledger.merkle import (
    EMPTY,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from py_mlops.store.ledger.schema import leaf_data
from tests.store.samples import TIME, digest, entry

HOSTILE = [
    "",
    "sha256:",
    "../../etc/passwd",
    "sha256:../../../../etc/passwd",
    "sha256:" + "A" * 64,
    "sha256:" + "a" * 63,
    "sha256:" + "a" * 65,
    "sha256:" + "a" * 64 + "\n",
    "sha256:" + "a" * 62 + "/.",
    "md5:" + "a" * 64,
    "a" * 64,
    "sha256:" + "\u0661" * 64,
    "sha256:" + "a" * 63 + "\0",
]
"""What a careless or hostile record may hold where a digest is due."""


class BlobsContract:
    """Needs the fixtures ``blobs`` and ``damage(digest, data)``."""

    @settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.binary(max_size=5000))
    def test_bytes_come_back_under_their_sha256(self, blobs: Blobs, data: bytes) -> None:
        """Whatever is put in comes back, named by its sha256 as `sha256sum` prints it."""
        blob = blobs.put_bytes(data)
        assert blob.digest == "sha256:" + hashlib.sha256(data).hexdigest()
        assert blob.size == len(data)
        assert blobs.read(blob.digest) == data

    @pytest.mark.parametrize("size", [0, 1, 4096, (1 << 20) + 1, 9 * (1 << 20) + 7])
    def test_a_file_of_any_size_is_kept_whole(
        self, blobs: Blobs, tmp_path: Path, size: int
    ) -> None:
        """A file's copy has its digest and size, and the file itself is left alone."""
        data = os.urandom(size)
        path = tmp_path / "data.bin"
        path.write_bytes(data)
        blob = blobs.put_file(path)
        assert blob.digest == "sha256:" + hashlib.sha256(data).hexdigest()
        assert blob.size == size
        path.write_bytes(b"the author goes on working")
        assert blobs.read(blob.digest) == data
        blobs.copy_to(blob.digest, tmp_path / "back.bin")
        assert (tmp_path / "back.bin").read_bytes() == data

    def test_storing_again_changes_nothing(self, blobs: Blobs, tmp_path: Path) -> None:
        """The same bytes, by whatever way they come, are kept once."""
        (tmp_path / "same").write_bytes(b"same")
        first = blobs.put_bytes(b"same")
        assert blobs.put_bytes(b"same") == first
        assert blobs.put_file(tmp_path / "same") == first
        assert list(blobs) == [first]

    def test_a_batch_appears_when_it_closes(self, blobs: Blobs, tmp_path: Path) -> None:
        """Blobs of a batch become visible together, also more than fit one by one."""
        (tmp_path / "file").write_bytes(b"from a file")
        with blobs.batch() as writer:
            put = {writer.put_bytes(b"%d" % number) for number in range(100)}
            put |= {writer.put_bytes(b"7"), writer.put_file(tmp_path / "file")}
            put.add(writer.put_pieces(iter([b"in ", b"", b"pieces"])))
            assert not any(blobs.has(blob.digest) for blob in put)
        assert set(blobs) == put
        assert len(put) == 102

    def test_a_failed_batch_leaves_nothing(self, blobs: Blobs) -> None:
        """When the work that fills a batch fails, none of its blobs is kept."""

        def work() -> None:
            with blobs.batch() as writer:
                writer.put_bytes(b"half of it")
                writer.put_bytes(b"%d" % (1 // 0))

        with pytest.raises(ZeroDivisionError):
            work()
        assert list(blobs) == []
        assert blobs.sweep_tmp(-1, dry_run=True) == []

    def test_a_vanished_file_does_not_spoil_its_batch(self, blobs: Blobs, tmp_path: Path) -> None:
        """A caller may note that a file is gone and keep the others."""
        with blobs.batch() as writer:
            kept = writer.put_bytes(b"kept")
            with pytest.raises(FileGone, match="no longer there"):
                writer.put_file(tmp_path / "gone.csv")
        assert list(blobs) == [kept]

    def test_what_is_not_a_file_is_refused(self, blobs: Blobs, tmp_path: Path) -> None:
        """A folder, a pipe or a device is no data, and a pipe does not make us wait."""
        os.mkfifo(tmp_path / "pipe")
        for path in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
            with pytest.raises(InputError, match="is not a file"):
                blobs.put_file(path)

    def test_missing_bytes_are_named(self, blobs: Blobs, tmp_path: Path) -> None:
        """Reading what the store lacks says which digest it lacks, and writes nothing."""
        blobs.put_bytes(b"something else")
        for ask in (blobs.read, blobs.open, lambda name: blobs.copy_to(name, tmp_path / "x")):
            with pytest.raises(Missing, match=digest("never")):
                ask(digest("never"))
        assert not blobs.has(digest("never"))
        assert blobs.touch(digest("never")) is None
        assert list(tmp_path.glob("x*")) == []

    @pytest.mark.parametrize("now", [b"", b"dat", b"dbta", b"data and more"])
    def test_damaged_bytes_are_never_handed_out(
        self, blobs: Blobs, damage: Callable[[str, bytes], None], tmp_path: Path, now: bytes
    ) -> None:
        """Altered, truncated or lengthened bytes raise `Corrupt`, and nothing is left behind."""
        blob = blobs.put_bytes(b"data")
        damage(blob.digest, now)
        with pytest.raises(Corrupt, match=blob.digest):
            blobs.read(blob.digest)
        (tmp_path / "out").mkdir()
        with pytest.raises(Corrupt, match=blob.digest):
            blobs.copy_to(blob.digest, tmp_path / "out" / "x")
        assert list((tmp_path / "out").iterdir()) == []

    def test_a_truncated_blob_is_healed_by_storing_it_again(
        self, blobs: Blobs, damage: Callable[[str, bytes], None]
    ) -> None:
        """A blob of the wrong size is replaced when the right bytes come by."""
        blob = blobs.put_bytes(b"data")
        damage(blob.digest, b"da")
        assert blobs.put_bytes(b"data") == blob
        assert blobs.read(blob.digest) == b"data"

    @pytest.mark.parametrize("name", HOSTILE)
    def test_a_hostile_digest_reaches_no_path(
        self, blobs: Blobs, tmp_path: Path, name: str
    ) -> None:
        """What is not a digest is refused by every question, before any file is touched."""
        asks: list[Callable[[], object]] = [
            lambda: blobs.has(name),
            lambda: blobs.open(name),
            lambda: blobs.read(name),
            lambda: blobs.touch(name),
            lambda: blobs.delete(name),
            lambda: blobs.copy_to(name, tmp_path / "x"),
        ]
        for ask in asks:
            with pytest.raises(InputError, match="is not a digest"):
                ask()

    def test_copying_replaces_a_file_without_sharing_it(self, blobs: Blobs, tmp_path: Path) -> None:
        """A restored file belongs to the user: writing to it does not reach the store."""
        blob = blobs.put_bytes(b"data")
        target = tmp_path / "data.csv"
        target.write_bytes(b"old")
        blobs.copy_to(blob.digest, target)
        with target.open("r+b") as file:
            file.write(b"EDIT")
        assert blobs.read(blob.digest) == b"data"

    def test_the_collector_spares_what_was_touched(self, blobs: Blobs) -> None:
        """A blob that was just put or touched is not stale and not removed."""
        blob = blobs.put_bytes(b"young")
        assert list(blobs.stale(3600)) == []
        assert not blobs.delete(blob.digest, idle=3600)
        assert list(blobs.stale(-1)) == [blob]
        assert blobs.touch(blob.digest) == blob
        assert blobs.delete(blob.digest)
        assert not blobs.delete(blob.digest)
        assert not blobs.has(blob.digest)


def _moves(opener: Callable[[], Ledger], writer: int, count: int) -> None:
    """Move one head ``count`` times against all others, in a process of its own."""
    ledger = opener()
    for number in range(count):
        move = digest((writer, number))
        row = Entry(move, "head-move", "digits@main", f"writer {writer}", TIME)
        with ledger.turn("digits@main") as previous:
            ledger.append([row], Move("digits@main", previous, move))
    ledger.close()


class LedgerContract:
    """Needs the fixtures ``ledger`` and ``opener``, which opens it once more and can be pickled."""

    def test_rows_are_numbered_without_gaps(self, ledger: Ledger) -> None:
        """Rows stand in the order in which they were appended, from 0."""
        ledger.append([entry(number) for number in range(3)])
        ledger.append([entry(3), entry(4)])
        assert [row.seq for row in ledger.rows()] == [0, 1, 2, 3, 4]
        assert [row.record for row in ledger.rows(3)] == [digest(3), digest(4)]
        assert ledger.size() == 5

    def test_appending_again_returns_the_row_there_is(self, ledger: Ledger) -> None:
        """A write repeated after a lost answer is safe, alone or among new ones."""
        first = ledger.append([entry(1)])
        assert ledger.append([entry(1)]) == first
        assert [row.seq for row in ledger.append([entry(2), entry(1), entry(2)])] == [1, 0, 1]
        assert ledger.size() == 2

    def test_a_head_moves_from_what_the_caller_saw(self, ledger: Ledger) -> None:
        """A head moves only from where the caller saw it; else nothing at all is appended."""
        assert ledger.head("digits@main") is None
        ledger.append([entry(1)], Move("digits@main", None, digest(1)))
        ledger.append([entry(2)], Move("digits@main", digest(1), digest(2)))
        for seen in (None, digest(1), digest(7)):
            with pytest.raises(HeadMoved, match="digits@main points at"):
                ledger.append([entry(3)], Move("digits@main", seen, digest(3)))
        with pytest.raises(HeadMoved, match="points at nothing"):
            ledger.append([entry(3)], Move("digits@new", digest(1), digest(3)))
        assert ledger.heads() == {"digits@main": digest(2)}
        assert ledger.size() == 2

    def test_a_repeated_move_is_the_same_move(self, ledger: Ledger) -> None:
        """A move repeated after a lost answer succeeds, also when the head has gone on since."""
        move = Move("digits@main", None, digest(1))
        rows = ledger.append([entry(1)], move)
        assert ledger.append([entry(1)], move) == rows
        ledger.append([entry(2)], Move("digits@main", digest(1), digest(2)))
        assert ledger.append([entry(1)], move) == rows
        assert ledger.head("digits@main") == digest(2)

    def test_a_head_does_not_move_without_a_row(self, ledger: Ledger) -> None:
        """Every move is a row of the log."""
        ledger.append([entry(1)])
        for entries in ([], [entry(1)]):
            with pytest.raises(InputError, match="without a new record"):
                ledger.append(entries, Move("digits@main", None, digest(1)))
        assert ledger.heads() == {}

    @pytest.mark.parametrize("name", HOSTILE)
    def test_only_digests_are_entered(self, ledger: Ledger, name: str) -> None:
        """A record, target or predecessor that is no digest is refused."""
        with pytest.raises(InputError, match="is not a record's id"):
            ledger.append([Entry(name, "snapshot", "digits", "Ann", TIME)])
        with pytest.raises(InputError, match="is not a record's id"):
            ledger.append([entry(1)], Move("digits@main", None, name))
        assert ledger.size() == 0

    def test_text_is_never_taken_for_sql(self, ledger: Ledger) -> None:
        """Whatever a name holds, it comes back as it was entered, and nothing else happens."""
        head = "a'); DROP TABLE log; -- \\' %s %(of)s :of ? $1 \"é\u2028"
        rows = ledger.append([entry(0, subject=head)], Move(head, None, digest(0)))
        assert ledger.head(head) == digest(0)
        assert ledger.newest(subject=head) == rows
        assert list(ledger.verify()) == []

    def test_pages_come_newest_first(self, ledger: Ledger) -> None:
        """Pages follow one another by position and may be of one kind and subject."""
        kinds, subjects = ("snapshot", "reproduction"), ("digits", "wine")
        ledger.append(
            [entry(n, kind=kinds[n % 2], subject=subjects[n // 2 % 2]) for n in range(20)]
        )
        assert [row.seq for row in ledger.newest(limit=3)] == [19, 18, 17]
        assert [row.seq for row in ledger.newest(before=17, limit=3)] == [16, 15, 14]
        assert [row.seq for row in ledger.newest(kind="snapshot", limit=3)] == [18, 16, 14]
        assert [row.seq for row in ledger.newest(subject="wine", limit=3)] == [19, 18, 15]
        both = ledger.newest(kind="snapshot", subject="wine", before=18, limit=2)
        assert [row.seq for row in both] == [14, 10]
        assert ledger.newest(kind="nothing") == []

    def test_a_prefix_finds_ids(self, ledger: Ledger) -> None:
        """The beginning of an id finds its rows, oldest first; anything else finds none."""
        ledger.append([entry(number) for number in range(300)])
        wanted = [digest(n) for n in range(300) if digest(n).startswith("sha256:a")]
        assert [row.record for row in ledger.find("a", limit=300)] == wanted
        assert [row.record for row in ledger.find(digest(7)[7:])] == [digest(7)]
        assert len(ledger.find("", limit=3)) == 3
        for hostile in ("%", "_", "A", "sha256:a", "' or 1=1 --", "g"):
            assert ledger.find(hostile) == []

    def test_the_log_proves_itself(self, ledger: Ledger) -> None:
        """Every row is provably in the log, and every earlier log is provably its beginning."""
        assert ledger.root() == EMPTY
        roots = [ledger.root()]
        for number in range(21):
            ledger.append([entry(number)])
            roots.append(ledger.root())
        for row in ledger.rows():
            leaf = leaf_hash(leaf_data(row))
            path = ledger.inclusion(row.seq)
            assert verify_inclusion(leaf, row.seq, 21, path, roots[-1])
            assert not verify_inclusion(leaf, row.seq, 21, path, roots[-2])
        for first in range(22):
            assert ledger.root(first) == roots[first]
            proof = ledger.consistency(first, 21)
            assert verify_consistency(first, 21, roots[first], roots[21], proof)
        assert list(ledger.verify()) == []

    def test_positions_outside_the_log_are_refused(self, ledger: Ledger) -> None:
        """A proof about rows that are not there is refused by name."""
        ledger.append([entry(1)])
        asks: list[Callable[[], object]] = [
            lambda: ledger.root(2),
            lambda: ledger.root(-1),
            lambda: ledger.inclusion(1),
            lambda: ledger.inclusion(-1),
            lambda: ledger.consistency(2),
            lambda: ledger.consistency(1, 2),
        ]
        for ask in asks:
            with pytest.raises(InputError, match="has no position"):
                ask()

    def test_a_batch_of_rows_has_the_root_of_single_rows(
        self, ledger: Ledger, opener: Callable[[], Ledger]
    ) -> None:
        """How rows were grouped when they were appended does not show in the log."""
        ledger.append([entry(n) for n in range(5)])
        ledger.append([entry(n) for n in range(5, 37)])
        other = opener()
        assert other.root() == ledger.root()
        assert list(other.rows()) == list(ledger.rows())
        assert list(other.verify()) == []
        other.close()

    def test_without_turns_a_race_has_one_winner(
        self, ledger: Ledger, opener: Callable[[], Ledger]
    ) -> None:
        """Threads that saw the same head move it once; the others are told, and append nothing."""
        others = [opener() for _ in range(4)]

        def move(number: int) -> bool:
            to = Move("digits@main", None, digest(number))
            try:
                return bool(others[number % 4].append([entry(number)], to))
            except HeadMoved:
                return False

        with ThreadPoolExecutor(12) as pool:
            won = [number for number, moved in enumerate(pool.map(move, range(12))) if moved]
        assert [row.record for row in ledger.rows()] == [digest(number) for number in won]
        assert len(won) == 1
        for other in others:
            other.close()

    def test_eight_writers_lose_no_move(self, ledger: Ledger, opener: Callable[[], Ledger]) -> None:
        """Eight processes that take turns move one head 25 times each, all in one chain."""
        processes = multiprocessing.get_context("forkserver")
        processes.set_forkserver_preload([__name__])
        writers = [processes.Process(target=_moves, args=(opener, n, 25)) for n in range(8)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join(60)
        assert [writer.exitcode for writer in writers] == [0] * 8
        rows = list(ledger.rows())
        assert {row.record for row in rows} == {digest((w, n)) for w in range(8) for n in range(25)}
        chain = [None, *(row.record for row in rows)]
        assert [row.move and row.move.previous for row in rows] == chain[:-1]
        assert ledger.head("digits@main") == chain[-1]
        assert list(ledger.verify()) == []
