"""Remembers the digests of files that have not changed, so that none is hashed twice."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from py_mlops.errors import FileGone
from py_mlops.records import Blob, Tree, is_digest
from py_mlops.store.base import Blobs, BlobWriter
from py_mlops.store.blobs.intake import Look, identity
from py_mlops.store.blobs.touching import touch_all

_RACY = 2_000_000_000
"""Nanoseconds: a file system's clock may be so coarse that a later change has the same time."""

_TABLE = """
    CREATE TABLE IF NOT EXISTS file (
        path TEXT PRIMARY KEY, size INT, mtime_ns INT, ctime_ns INT, inode TEXT, dev TEXT,
        digest TEXT
    ) WITHOUT ROWID
"""
_TREES = """
    CREATE TABLE IF NOT EXISTS tree (
        manifest TEXT PRIMARY KEY, fingerprint TEXT, folder TEXT, tree BLOB, stats BLOB,
        used INTEGER
    )
"""
_NEAR = """
    SELECT tree, stats FROM tree
    WHERE folder = :folder OR substr(folder, 1, length(:below)) = :below
       OR substr(:below, 1, length(folder) + 1) = folder || '/'
    ORDER BY used DESC LIMIT :most
"""
_FORGET = """
    DELETE FROM tree
    WHERE manifest NOT IN (SELECT manifest FROM tree ORDER BY used DESC LIMIT ?)
"""
_MOST_NEAR = 8
_MOST_TREES = 64
_FIND = """
    SELECT digest FROM file
    WHERE path = ? AND size = ? AND mtime_ns = ? AND ctime_ns = ? AND inode = ? AND dev = ?
"""


_looks = msgspec.msgpack.Decoder(list[Look])


class StatCache:
    """A file's digest by its path, size, times, inode and device.

    It may be lost or deleted at any time: every failure of it is a miss, and a
    damaged file is replaced by an empty one.
    """

    def __init__(self, path: Path) -> None:
        """Use a cache file; it is opened at the first question."""
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def find(self, path: Path, status: os.stat_result) -> str | None:
        """Return the digest of a file that is as it was when it was hashed."""
        with self._lock:
            try:
                row = self._open().execute(_FIND, (_key(path), *_columns(status))).fetchone()
            except (sqlite3.Error, OSError, UnicodeError) as error:
                self._recover(error)
                return None
        return row[0] if row and is_digest(row[0]) else None

    def remember(self, path: Path, status: os.stat_result, digest: str, hashed_ns: int) -> None:
        """Remember a digest, unless the file changed just before it was hashed.

        Args:
            path: The file.
            status: What it was before and after it was hashed.
            digest: Its digest.
            hashed_ns: When hashing began. A file changed less than two seconds
                before could change again without its times showing it, so it is
                hashed next time as well (git calls such an entry racily clean).
        """
        if max(status.st_mtime_ns, status.st_ctime_ns) > hashed_ns - _RACY:
            return
        with self._lock:
            try:
                values = (_key(path), *_columns(status), digest)
                self._open().execute("REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?, ?)", values)
            except (sqlite3.Error, OSError, UnicodeError) as error:
                self._recover(error)

    def find_tree(self, fingerprint: str) -> Tree | None:
        """Return a tree by what its files looked like; its labels are for the caller to set."""
        query = "SELECT tree FROM tree WHERE fingerprint = ?"
        rows = self._ask(query, (fingerprint,)) if fingerprint else []
        with suppress(msgspec.MsgspecError, TypeError):
            return msgspec.json.decode(rows[0][0], type=Tree) if rows else None
        return None

    def trees_near(self, folder: str) -> list[tuple[Tree, list[Look]]]:
        """Return the newest trees at, above or below a folder.

        Returns:
            Each tree, and how its files looked, in the order of its manifest.
        """
        below = f"{folder.rstrip('/')}/"
        found = []
        for tree, stats in self._ask(_NEAR, {"folder": folder, "below": below, "most": _MOST_NEAR}):
            with suppress(msgspec.MsgspecError, TypeError, ValueError):
                found.append((msgspec.json.decode(tree, type=Tree), _looks.decode(stats)))
        return found

    def remember_tree(self, fingerprint: str, tree: Tree, stats: list[Look]) -> None:
        """Remember a tree.

        Args:
            fingerprint: What its files looked like; empty when that may not be trusted.
            tree: The tree.
            stats: As `trees_near` returns them.
        """
        name, packed = str(tree.manifest.digest), msgspec.msgpack.encode(stats)
        row = (name, fingerprint, tree.folder, msgspec.json.encode(tree), packed, time.time_ns())
        self._ask("REPLACE INTO tree VALUES (?, ?, ?, ?, ?, ?)", row)
        self._ask(_FORGET, (_MOST_TREES,))

    def _ask(self, query: str, values: Any) -> list[Any]:
        with self._lock:
            try:
                return self._open().execute(query, values).fetchall()
            except (sqlite3.Error, OSError, UnicodeError) as error:
                self._recover(error)
                return []

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._disconnect()

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(
                self._path, timeout=1, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA synchronous=OFF")
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute(_TABLE)
            self._connection.execute(_TREES)
        return self._connection

    def _recover(self, error: Exception) -> None:
        """Go on after a failure: a busy or full disk passes, a damaged file does not."""
        self._disconnect()
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}:
            for suffix in ("", "-wal", "-shm"):
                with suppress(OSError):
                    Path(f"{self._path}{suffix}").unlink()

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


def _key(path: Path) -> str:
    return str(path.absolute())


def _columns(status: os.stat_result) -> tuple[int, int, int, str, str]:
    # Inode and device are unsigned 64-bit numbers, which SQLite's integers are not.
    size, mtime_ns, ctime_ns, inode, dev = identity(status)
    return size, mtime_ns, ctime_ns, str(inode), str(dev)


def keep_unchanged(paths: Iterable[Path], blobs: Blobs, cache: StatCache) -> dict[str, Blob]:
    """Keep the blobs of files that are as they were, all at once, for `ingest` to find.

    Args:
        paths: The files; those that changed or are gone are passed over.
        blobs: The store's blobs.
        cache: What is known of files.

    Returns:
        What of it the store holds, by digest.

    Raises:
        StoreUnavailable: When the store does not answer.
    """
    known: dict[str, None] = {}
    for path in paths:
        with suppress(OSError, ValueError):
            if digest := cache.find(path, path.stat()):
                known[digest] = None
    return touch_all(blobs, known) if known else {}


def ingest(
    path: Path,
    blobs: Blobs,
    cache: StatCache,
    writer: BlobWriter | None = None,
    held: Mapping[str, Blob] = MappingProxyType({}),
) -> Blob:
    """Put a file into the store, without reading it when it is there unchanged.

    Args:
        path: The file.
        blobs: The store's blobs.
        cache: What is known of files.
        writer: Takes the file in when it must be read; ``blobs`` by default.
        held: What `keep_unchanged` returned of this and other files.

    Returns:
        The file's blob.

    Raises:
        FileGone, FileChanged, StoreUnavailable: As for `BlobWriter.put_file`.
    """
    try:
        before = path.stat()
    except OSError as error:
        raise FileGone(
            f"{path} is no longer there.",
            hint="Put the file back, or run the notebook again without it.",
        ) from error
    known = cache.find(path, before)
    if known is not None:
        blob = Blob(digest=known, size=before.st_size)
        if (held.get(known) or blobs.touch(known)) == blob:
            return blob
    hashed_ns = time.time_ns()
    blob = (writer or blobs).put_file(path)
    with suppress(OSError):
        if identity(path.stat()) == identity(before):
            cache.remember(path, before, blob.digest, hashed_ns)
    return blob
