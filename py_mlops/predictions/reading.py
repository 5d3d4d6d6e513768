"""Reads predictions by their ids, and checks segments against their commitments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from py_mlops.errors import Corrupt, Missing, StoreError
from py_mlops.predictions.line import (
    COMMITMENT,
    ENTRY,
    GONE,
    LONGEST,
    LoggedPrediction,
    commitment,
    is_whole,
    key_of,
    read,
)
from py_mlops.records import PredictionSegment, Redaction
from py_mlops.store import Store
from py_mlops.store.blobs.check import check as check_bytes
from py_mlops.store.ledger.merkle import Frontier, leaf_hash


@dataclass(frozen=True)
class Found:
    """A prediction in its log.

    Attributes:
        segment: Id of its segment.
        row: Its row there, from 0.
        prediction: What it says.
    """

    segment: str
    row: int
    prediction: LoggedPrediction


@dataclass(frozen=True)
class Current:
    """What is left of a segment.

    Attributes:
        payload: Digest of its rows; ``None`` when all are deleted.
        index: Digest of the index.
        deleted: First and last row of each deleted run.
    """

    payload: str | None
    index: str | None
    deleted: tuple[tuple[int, int], ...]

    def lacks(self, row: int) -> bool:
        """Say whether a row was deleted."""
        return any(first <= row <= last for first, last in self.deleted)


def current(store: Store, segment_id: str, segment: PredictionSegment) -> Current:
    """Return what is left of a segment after all redactions.

    Args:
        store: Where it is.
        segment_id: Its id.
        segment: Its record.
    """
    payload: str | None = segment.payload
    index: str | None = segment.index
    deleted: list[tuple[int, int]] = []
    for redaction in redactions(store, segment_id):
        payload, index = redaction.payload, redaction.index
        deleted += [(first, last) for first, last in redaction.rows]
    return Current(payload, index, tuple(deleted))


def redactions(store: Store, segment_id: str) -> list[Redaction]:
    """Return what was deleted of a segment, oldest first."""
    rows = []
    before: int | None = None
    while page := store.ledger.newest(kind="redaction", subject=segment_id, before=before):
        rows += page
        before = page[-1].seq
    return [store.get_as(row.record, Redaction) for row in reversed(rows)]


def find(store: Store, identifier: str, *, log: str | None = None) -> Found | None:
    """Return a prediction by its id; the newest segment that has it counts.

    Args:
        store: Where it was logged.
        identifier: The prediction's id.
        log: Only in the log of this name.

    Returns:
        It; ``None`` when no segment has it, or it was deleted.

    Raises:
        Corrupt, Missing: When a segment is damaged.
    """
    before: int | None = None
    while rows := store.ledger.newest(kind="prediction-segment", subject=log, before=before):
        for row in rows:
            found = _find_in(store, row.record, identifier)
            if found is not None:
                return found
        before = rows[-1].seq
    return None


def _find_in(store: Store, segment_id: str, identifier: str) -> Found | None:
    left = current(store, segment_id, store.get_as(segment_id, PredictionSegment))
    if left.payload is None or left.index is None:
        return None
    with store.blobs.open(left.index) as index, store.blobs.open(left.payload) as payload:
        for row, at in _entries(index, key_of(identifier)):
            payload.seek(at)
            line = payload.readline(LONGEST)
            prediction = read(line)
            if prediction.id == identifier:
                _check_committed(store, segment_id, row, line)
                return Found(segment_id, row, prediction)
    return None


def _check_committed(store: Store, segment_id: str, row: int, line: bytes) -> None:
    """Refuse a line that is not what its segment committed to: nothing read here is unchecked."""
    segment = store.get_as(segment_id, PredictionSegment)
    with store.blobs.open(segment.commitments.digest) as commitments:
        commitments.seek(row * COMMITMENT)
        if commitments.read(COMMITMENT) != commitment(line):
            raise Corrupt(
                f"Row {row} of segment {segment_id[7:19]} is not what was logged.",
                hint="Run `mlops verify` to see what was altered.",
            )


def _entries(index: BinaryIO, key: bytes) -> Iterator[tuple[int, int]]:
    """Yield row and place of the entries of a key, found by halving."""
    low, high = 0, index.seek(0, 2) // ENTRY.size
    end = high
    while low < high:
        middle = (low + high) // 2
        index.seek(middle * ENTRY.size)
        if index.read(8) < key:
            low = middle + 1
        else:
            high = middle
    for number in range(low, end):
        index.seek(number * ENTRY.size)
        found, row, at = ENTRY.unpack(index.read(ENTRY.size))
        if found != key:
            return
        yield row, at


def check(store: Store, segment_id: str, segment: PredictionSegment) -> Iterator[str]:
    """Yield a sentence for each thing in a segment that is not as it was logged.

    Args:
        store: Where it is; its blob of commitments is checked elsewhere.
        segment_id: Its id.
        segment: Its record.
    """
    who = f"Segment {segment_id[7:19]} of the predictions of {segment.log}"
    try:
        known = store.blobs.read(segment.commitments.digest)
        left = current(store, segment_id, segment)
    except (Missing, Corrupt):
        return  # said where blobs and records are checked
    tree = Frontier()
    for start in range(0, len(known), COMMITMENT):
        tree.append(leaf_hash(known[start : start + COMMITMENT]))
    if (tree.size, f"sha256:{tree.root().hex()}") != (segment.rows, segment.root):
        yield f"{who}: its commitments do not give its root."
        return
    for stale in {segment.payload, segment.index} - {left.payload, left.index}:
        if store.blobs.has(stale):
            yield f"{who}: what was to be deleted is still there; `mlops gc --delete` removes it."
    if left.payload is None or left.index is None:
        return
    for digest in (left.payload, left.index):
        try:
            check_bytes(store.blobs, digest)
        except Missing:
            yield f"{who}: {digest[:19]}… is missing, and no redaction says why."
            return
        except StoreError as error:
            yield f"{who}: {error.message}"
    yield from (f"{who}: {wrong}" for wrong in _differences(store, left, known, segment))


def _differences(
    store: Store, left: Current, known: bytes, segment: PredictionSegment
) -> Iterator[str]:
    count, answered = 0, Counter[str]()
    assert left.payload is not None  # noqa: S101 - for mypy; the caller has looked
    with store.blobs.open(left.payload) as payload:
        for row, line in enumerate(iter(lambda: payload.readline(LONGEST), b"")):
            count += 1
            if line == GONE:
                if not left.lacks(row):
                    yield f"row {row} was deleted, and no redaction says so."
            elif (
                not is_whole(line)
                or commitment(line) != known[row * COMMITMENT : (row + 1) * COMMITMENT]
            ):
                yield f"row {row} is not what was logged."
            elif left.lacks(row):
                yield f"row {row} was to be deleted, and is still there."
            else:
                answered[read(line).snapshot] += 1
    if count != segment.rows:
        yield f"it has {count} rows instead of {segment.rows}."
    elif not left.deleted and answered != {one.snapshot: one.rows for one in segment.answered}:
        yield "its record names other models than its rows."
