"""Writes a log of predictions: appended line by line, then sealed into the store as a segment."""

from __future__ import annotations

import errno
import fcntl
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from py_mlops.errors import InputError
from py_mlops.predictions.line import (
    ENTRY,
    GONE,
    LONGEST,
    LoggedPrediction,
    commitment,
    key_of,
    line_of,
    read,
)
from py_mlops.records import Answered, Author, PredictionSegment, record_id
from py_mlops.store import Store
from py_mlops.store.failures import disk_failures
from py_mlops.store.ledger.merkle import Frontier, leaf_hash

_PIECE = 1 << 20


class SegmentWriter:
    """Appends predictions to a file of one's own; each is there before `append` returns.

    What a killed process had appended is still there; the line that it was
    writing is cut off. One process writes a file at a time.
    """

    def __init__(self, file: Path) -> None:
        """Open the file, or take up one that was left.

        Raises:
            InputError: When another process writes it.
            StoreUnavailable: When it cannot be opened.
        """
        with disk_failures(f"Opening {file}"):
            self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise InputError(
                f"Another process is logging to {file}.", hint="Give each writer its own file."
            ) from error
        with disk_failures(f"Opening {file}"):
            _cut_off(self._descriptor)

    def append(self, prediction: LoggedPrediction) -> None:
        """Append one prediction.

        Raises:
            StoreUnavailable: When it cannot be written; then nothing of it is there.
            InputError: When it is larger than a line can be.
        """
        line = line_of(prediction)
        if len(line) > LONGEST:
            raise InputError(
                f"The prediction {prediction.id[:80]!r} has {len(line):,} bytes.",
                hint="Log a reference to what it was asked instead.",
            )
        with disk_failures("Logging a prediction"):
            end = os.fstat(self._descriptor).st_size
            if os.write(self._descriptor, line) != len(line):
                os.ftruncate(self._descriptor, end)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def sync(self) -> None:
        """Make all that was appended survive a loss of power."""
        with disk_failures("Logging a prediction"):
            os.fsync(self._descriptor)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Sync and close."""
        try:
            self.sync()
        finally:
            os.close(self._descriptor)


def _cut_off(descriptor: int) -> None:
    """Cut off a line that was not finished."""
    size = os.fstat(descriptor).st_size
    at = size
    while at > 0:
        start = max(at - _PIECE, 0)
        found = os.pread(descriptor, at - start, start).rfind(b"\n")
        if found >= 0:
            os.ftruncate(descriptor, start + found + 1)
            return
        at = start
    os.ftruncate(descriptor, 0)


def seal(store: Store, file: Path, *, log: str, author: Author) -> str:
    """Bring a closed file into the store as a segment, and remove it.

    Sealing again what was interrupted gives the same segment.

    Args:
        store: Where it goes.
        file: What a `SegmentWriter` has written.
        log: The log's name.
        author: Who keeps it.

    Returns:
        The segment's id.

    Raises:
        InputError: When there is nothing in it.
        Corrupt: When a line of it is none.
        StoreUnavailable: When the store cannot be written.
    """
    with disk_failures(f"Reading {file}"), file.open("rb") as lines, store.blobs.batch() as writer:
        parts = Parts(lines)
        commitments = writer.put_pieces(parts.commitments())
        index = writer.put_bytes(parts.index())
        payload = writer.put_file(file)
    if parts.first is None or parts.last is None:
        raise InputError(f"No prediction is in {file}.", hint="Seal it when there is one.")
    segment = PredictionSegment(
        created=parts.last.time,
        author=author,
        log=log,
        began=parts.first.time,
        rows=parts.rows,
        root=f"sha256:{parts.tree.root().hex()}",
        commitments=commitments,
        payload=payload.digest,
        index=index.digest,
        answered=parts.answered(),
    )
    store.add(segment)
    file.unlink()
    return record_id(segment)


class Parts:
    """What follows from a payload: commitments, their tree, and the index."""

    def __init__(self, lines: BinaryIO) -> None:
        """Take the payload, from its beginning."""
        self._lines = lines
        self._entries: list[bytes] = []
        self._answered = Counter[str]()
        self.tree = Frontier()
        self.first: LoggedPrediction | None = None
        self.last: LoggedPrediction | None = None
        self.rows = 0

    def commitments(self) -> Iterator[bytes]:
        """Yield the commitments in pieces; afterwards the rest is known as well."""
        held: list[bytes] = []
        at = 0
        for line in iter(lambda: self._lines.readline(LONGEST), b""):
            if line != GONE:
                held.append(self._take(line, at))
            self.rows += 1
            at += len(line)
            if len(held) == _PIECE >> 5:
                yield b"".join(held)
                held = []
        yield b"".join(held)

    def _take(self, line: bytes, at: int) -> bytes:
        self.last = read(line)
        self.first = self.first or self.last
        self._entries.append(ENTRY.pack(key_of(self.last.id), self.rows, at))
        self._answered[self.last.snapshot] += 1
        made = commitment(line)
        self.tree.append(leaf_hash(made))
        return made

    def answered(self) -> list[Answered]:
        """Return whose models made the predictions."""
        return [Answered(snapshot=one, rows=rows) for one, rows in sorted(self._answered.items())]

    def index(self) -> bytes:
        """Return the index: entries sorted by id, then by row."""
        return b"".join(sorted(self._entries))
