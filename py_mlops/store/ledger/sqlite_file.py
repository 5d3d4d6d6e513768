"""Opens an SQLite file for writing where one may, and for reading alone where one may not."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

Stamp = tuple[int, int, int] | None

_READING = ("foreign_keys=ON", "query_only=ON")
_WRITING = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")


def connect(path: str, **options: Any) -> tuple[sqlite3.Connection, Stamp]:
    """Connect to a file.

    A file in WAL mode needs a second one beside it even to be read. Where none
    may be made, SQLite is told that the file does not change, which is true of
    a disk that is mounted read-only, and else only until somebody writes.

    Args:
        path: The file; it is made where it is not there.
        options: As for `sqlite3.connect`.

    Returns:
        The connection, and what the file looked like where it is taken for one
        that does not change; else ``None``. Look at it again with `stamp_of`
        before each use: a connection to a file that changed all the same must
        be closed.

    Raises:
        sqlite3.Error: When it cannot be opened.
    """
    file = Path(path)
    if path == ":memory:" or not path or _may_be_written(file):
        connection = sqlite3.connect(path, **options)
        return _set(connection, _WRITING), None
    address = f"file:{quote(str(file.absolute()))}?mode=ro"
    if _has_more(file):  # another program writes, or was killed: its second file says where
        return _set(sqlite3.connect(address, uri=True, **options), _READING), None
    stamp = stamp_of(path)
    connection = sqlite3.connect(f"{address}&immutable=1", uri=True, **options)
    return _set(connection, _READING), stamp


def stamp_of(path: str) -> Stamp:
    """Return what changes about a file when somebody writes to it; ``None`` when it is gone."""
    file = Path(path)
    if _has_more(file):
        return None
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _may_be_written(file: Path) -> bool:
    if not os.access(file.parent, os.W_OK):
        return False
    return os.access(file, os.W_OK) or not file.exists()


def _has_more(file: Path) -> bool:
    try:
        return file.with_name(f"{file.name}-wal").stat().st_size > 0
    except OSError:
        return False


def _set(connection: sqlite3.Connection, pragmas: tuple[str, ...]) -> sqlite3.Connection:
    # The driver must not open transactions by itself; whoever uses it does.
    connection.isolation_level = None
    # Text that somebody damaged is read too, so that its row is called altered and the
    # rows behind it are read.
    connection.text_factory = lambda data: data.decode("utf-8", "backslashreplace")
    try:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection
