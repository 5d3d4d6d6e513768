"""Follows a store's log into its catalogue, and reads each record of it once."""

from __future__ import annotations

import json
import sqlite3
import threading
from typing import TypeVar

import msgspec

from py_mlops.commands.catalogue.file import NEWEST_VERDICT, CatalogueFile, enter, forget
from py_mlops.errors import MlopsError, StoreError, StoreUnavailable
from py_mlops.notebook.cells import cells_of, sources_digest
from py_mlops.notebook.document import parse
from py_mlops.records import Blob, Level
from py_mlops.records.capture import CaptureLevel
from py_mlops.store import Store
from py_mlops.store.base import Row

_AT_ONCE = 500
"""Rows of the log that are entered in one transaction."""

_READ_AT_ONCE = 20
"""So many new records are read before a list is answered; more are left to `read_more`."""

_LARGEST_NOTEBOOK = 64 * 1024 * 1024


class _Program(msgspec.Struct):
    notebook: str | None
    saved: Blob | None


class _Hole(msgspec.Struct):
    blocking: bool


class _Capture(msgspec.Struct):
    level: CaptureLevel
    holes: list[_Hole]


class _Snapshot(msgspec.Struct, tag_field="kind", tag="snapshot"):
    """What a list tells of a snapshot; reading the whole record takes twenty times as long."""

    parents: list[str]
    program: _Program
    metrics: dict[str, float]
    capture: _Capture


class _Reproduction(msgspec.Struct, tag_field="kind", tag="reproduction"):
    """What a list tells of a verdict."""

    snapshot: str
    level: Level
    reason: str
    cause: str
    seconds: float


_Glimpsed = TypeVar("_Glimpsed", _Snapshot, _Reproduction)


class Follower:
    """Keeps a catalogue's file as new as a store's log."""

    def __init__(self, store: Store, file: CatalogueFile) -> None:
        """Take the store and the file."""
        self._store, self._file = store, file
        self._turn = threading.Lock()

    def refresh(self) -> bool:
        """Follow the log to its end, and read the newest records when they are few.

        Returns:
            Whether there was anything new.

        Raises:
            StoreError: When the log cannot be read, or a row of it is damaged;
                the rows before it are entered.
        """
        with self._turn:
            size, last = self._file.place()
            if self._store.ledger.size() == size and not self._changed(size, last):
                return False
            self._follow(size, last)
        if self.unread() <= _READ_AT_ONCE:
            self.read_more(_READ_AT_ONCE)
        return True

    def size(self) -> int:
        """Return how many rows of the log it has."""
        return self._file.place()[0]

    def unread(self) -> int:
        """Return how many records are not read yet."""
        return sum(
            self._file.number(f"SELECT count(*) FROM {table} WHERE complete = 0")  # noqa: S608 - two names
            for table in ("snapshot", "verdict")
        )

    def read_more(self, most: int = 50) -> int:
        """Read records that are not read yet, the newest first.

        Args:
            most: At most so many of each kind.

        Returns:
            How many were read.
        """
        query = "SELECT id, seq FROM {} WHERE complete = 0 ORDER BY seq DESC LIMIT ?"
        verdicts = [
            (row["seq"], row["id"], self._read(row["id"], _Reproduction))
            for row in self._file.ask(query.format("verdict"), (most,))
        ]
        snapshots = [
            (row["seq"], self._read(row["id"], _Snapshot))
            for row in self._file.ask(query.format("snapshot"), (most,))
        ]
        read = [
            (seq, found, "" if isinstance(found, str) else self._sources(found))
            for seq, found in snapshots
        ]
        with self._file.writing() as connection:
            for seq, identifier, verdict in verdicts:
                if isinstance(verdict, str):
                    done = "UPDATE verdict SET complete = 2, reason = ? WHERE seq = ?"
                    connection.execute(done, (verdict, seq))
                else:
                    _enter_verdict(connection, identifier, verdict)
            for seq, snapshot, sources in read:
                if isinstance(snapshot, str):
                    done = "UPDATE snapshot SET complete = 1, problem = ? WHERE seq = ?"
                    connection.execute(done, (snapshot, seq))
                else:
                    _enter_details(connection, seq, snapshot, sources)
        return len(verdicts) + len(snapshots)

    def _changed(self, size: int, last: str) -> bool:
        """Say whether the log is not the one that was followed."""
        row = next(iter(self._store.ledger.rows(size - 1)), None) if size else None
        return bool(size) and (row is None or row.record != last)

    def _follow(self, size: int, last: str) -> None:
        if self._changed(size, last):
            with self._file.writing() as connection:
                forget(connection)
            size = 0
        waiting: list[Row] = []
        try:
            for row in self._store.ledger.rows(size):
                waiting.append(row)
                if len(waiting) == _AT_ONCE:
                    self._enter(waiting)
                    waiting = []
        finally:
            self._enter(waiting)

    def _enter(self, rows: list[Row]) -> None:
        if rows:
            with self._file.writing() as connection:
                enter(connection, rows, rows[-1].seq + 1)

    def _read(self, identifier: str, kind: type[_Glimpsed]) -> _Glimpsed | str:
        """Return what a list tells of a record, or why it cannot.

        Its bytes are what its id says; that they are a whole record of our
        format is checked when somebody looks at it.
        """
        try:
            return msgspec.json.decode(self._store.blobs.read(identifier), type=kind)
        except StoreUnavailable:
            raise  # another time
        except StoreError as error:
            return error.message
        except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
            return f"It is no record that this version can read: {error}."

    def _sources(self, snapshot: _Snapshot) -> str:
        saved = snapshot.program.saved
        if saved is None or saved.size > _LARGEST_NOTEBOOK:
            return ""
        try:
            return sources_digest(cells_of(parse(self._store.blobs.read(saved.digest))))
        except MlopsError:
            return ""  # its record is fine; only the badge of its notebook cannot be told


def _enter_details(
    connection: sqlite3.Connection, seq: int, snapshot: _Snapshot, sources: str
) -> None:
    notebook = (snapshot.program.notebook or "").rpartition("/")[2]
    holes = snapshot.capture.holes
    said = " ".join([notebook, *snapshot.metrics]).lower()
    connection.execute(
        "UPDATE snapshot SET words = words || ' ' || ?, notebook = ?, path = ?, sources = ?, "
        "metrics = ?, capture = ?, holes = ?, blocking = ?, complete = 1 "
        "WHERE seq = ? AND complete = 0",
        (
            said,
            notebook,
            snapshot.program.notebook or "",
            sources,
            json.dumps(snapshot.metrics),
            snapshot.capture.level,
            len(holes),
            sum(hole.blocking for hole in holes),
            seq,
        ),
    )
    for parent in snapshot.parents:
        connection.execute("INSERT OR IGNORE INTO child VALUES (?, ?)", (parent, seq))


def _enter_verdict(connection: sqlite3.Connection, identifier: str, record: _Reproduction) -> None:
    connection.execute(
        "UPDATE verdict SET level = ?, reason = ?, cause = ?, seconds = ?, complete = 1 "
        "WHERE id = ?",
        (record.level, record.reason, record.cause, record.seconds, identifier),
    )
    connection.execute(
        "UPDATE snapshot SET level = (SELECT level FROM verdict WHERE snapshot = ?1 "  # noqa: S608
        f"AND complete = 1 ORDER BY {NEWEST_VERDICT} DESC LIMIT 1) WHERE id = ?1",
        (record.snapshot,),
    )
