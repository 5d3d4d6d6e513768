"""The catalogue's own database: lists of a store that are quick to turn, made from its log."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from py_mlops.store.base import Row
from py_mlops.workspace import CLOCKS_APART

Values = Sequence[str | int | float | None] | Mapping[str, str]

VERSION = 2
"""Part of the file's name: other tables are another file, a catalogue may be lost at any time."""

_TABLES = """
    CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS snapshot (
        seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, model TEXT NOT NULL,
        author TEXT NOT NULL, created TEXT NOT NULL, words TEXT NOT NULL,
        level TEXT NOT NULL DEFAULT '', notebook TEXT NOT NULL DEFAULT '',
        path TEXT NOT NULL DEFAULT '', sources TEXT NOT NULL DEFAULT '',
        metrics TEXT NOT NULL DEFAULT '{}', capture TEXT, holes INTEGER NOT NULL DEFAULT 0,
        blocking INTEGER NOT NULL DEFAULT 0, complete INTEGER NOT NULL DEFAULT 0,
        problem TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX IF NOT EXISTS snapshot_by_model ON snapshot (model, seq);
    CREATE INDEX IF NOT EXISTS snapshot_by_path ON snapshot (path, seq) WHERE path != '';
    CREATE INDEX IF NOT EXISTS snapshot_by_sources ON snapshot (sources, seq) WHERE sources != '';
    CREATE INDEX IF NOT EXISTS snapshot_unread ON snapshot (seq) WHERE complete = 0;
    CREATE TABLE IF NOT EXISTS verdict (
        seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, snapshot TEXT NOT NULL,
        model TEXT NOT NULL, author TEXT NOT NULL, created TEXT NOT NULL,
        level TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',
        cause TEXT NOT NULL DEFAULT '', seconds REAL NOT NULL DEFAULT 0,
        complete INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX IF NOT EXISTS verdict_by_snapshot ON verdict (snapshot, complete, created, seq);
    CREATE INDEX IF NOT EXISTS verdict_by_model ON verdict (model, complete, created, seq);
    CREATE INDEX IF NOT EXISTS verdict_unread ON verdict (seq) WHERE complete = 0;
    CREATE TABLE IF NOT EXISTS model (
        name TEXT PRIMARY KEY, count INTEGER NOT NULL, newest INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS model_by_newest ON model (newest);
    CREATE TABLE IF NOT EXISTS head (
        name TEXT PRIMARY KEY, model TEXT NOT NULL, branch TEXT NOT NULL, target TEXT NOT NULL,
        moved TEXT NOT NULL, author TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS head_by_model ON head (model);
    CREATE INDEX IF NOT EXISTS head_by_target ON head (target);
    CREATE TABLE IF NOT EXISTS child (
        parent TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (parent, seq)
    ) WITHOUT ROWID;
"""
NEWEST_VERDICT = (
    "(created <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now', "
    f"'+{CLOCKS_APART.total_seconds():.0f} seconds')) || created || printf('%016d', seq)"
)
"""What the newest verdict has the most of, and ends in its place in the log; see
`history.reruns_of` for why that is not the place alone."""

_EVERYTHING = ("meta", "snapshot", "verdict", "model", "head", "child")


class CatalogueFile:
    """An SQLite file that may be lost: a damaged one is replaced, an unwritable one kept in memory.

    Several processes may use one file; each row is derived from the log alone,
    so writing it twice changes nothing.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, or make it.

        Args:
            path: Where it is; its folder is made.
        """
        self._lock = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = _open(str(path))
        except (OSError, sqlite3.Error):
            self._connection = self._again(path)

    def ask(self, query: str, values: Values = ()) -> list[sqlite3.Row]:
        """Return what a query finds."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def number(self, query: str, values: Values = ()) -> int:
        """Return the one number that a query asks for; 0 for none."""
        found = self.ask(query, values)
        return int(found[0][0] or 0) if found else 0

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Run a block in one transaction."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.rollback()
                raise
            self._connection.commit()

    def place(self) -> tuple[int, str]:
        """Return how many rows of the log it has, and the last one's record."""
        known = dict(map(tuple, self.ask("SELECT key, value FROM meta")))
        return int(known.get("size", "0")), known.get("last", "")

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._connection.close()

    @staticmethod
    def _again(path: Path) -> sqlite3.Connection:
        """Make the file anew, in memory where that cannot be done either."""
        with suppress(OSError, sqlite3.Error):
            for suffix in ("", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            return _open(str(path))
        return _open(":memory:")


def enter(connection: sqlite3.Connection, rows: Sequence[Row], size: int) -> None:
    """Enter rows of the log, in their order; one that is there already changes nothing.

    Args:
        connection: In a transaction.
        rows: The rows.
        size: How many rows of the log are known with them.
    """
    for row in rows:
        if row.move is not None:
            model, _, branch = row.move.head.rpartition("@")
            connection.execute(
                "INSERT OR REPLACE INTO head VALUES (?, ?, ?, ?, ?, ?)",
                (row.move.head, model, branch, row.move.target, row.time, row.author),
            )
        if row.kind == "snapshot":
            _enter_snapshot(connection, row)
        elif row.kind == "reproduction":
            connection.execute(
                "INSERT OR IGNORE INTO verdict (seq, id, snapshot, model, author, created) VALUES "
                "(?, ?, ?, coalesce((SELECT model FROM snapshot WHERE id = ?), ''), ?, ?)",
                (row.seq, row.record, row.subject, row.subject, row.author, row.time),
            )
    if rows:
        for key, value in (("size", str(size)), ("last", rows[-1].record)):
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def _enter_snapshot(connection: sqlite3.Connection, row: Row) -> None:
    words = f"{row.subject} {row.author} {row.time}".lower()
    made = connection.execute(
        "INSERT OR IGNORE INTO snapshot (seq, id, model, author, created, words) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (row.seq, row.record, row.subject, row.author, row.time, words),
    )
    if made.rowcount:
        connection.execute(
            "INSERT INTO model VALUES (?, 1, ?) ON CONFLICT (name) DO UPDATE "
            "SET count = count + 1, newest = max(newest, excluded.newest)",
            (row.subject, row.seq),
        )


def forget(connection: sqlite3.Connection) -> None:
    """Forget everything: the log is not the one that was followed."""
    for table in _EVERYTHING:
        connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names of this module


def _open(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=10, check_same_thread=False, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")  # it may be lost, but not damaged
        connection.executescript(_TABLES)
    except BaseException:
        connection.close()
        raise
    return connection
