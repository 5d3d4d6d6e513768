"""Deletes rows of a segment: what they say and their salts go, their commitments stay."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress

from py_mlops.errors import InputError, StoreError
from py_mlops.predictions.line import GONE, LONGEST
from py_mlops.predictions.reading import current
from py_mlops.predictions.writing import Parts
from py_mlops.records import Author, PredictionSegment, Redaction, record_id
from py_mlops.store import Store


def redact(
    store: Store,
    segment_id: str,
    rows: Collection[int] | None,
    *,
    reason: str,
    author: Author,
    created: str,
) -> str:
    """Delete rows of a segment, with a record that says so.

    What is left is written first, then the record, and the old bytes go last;
    where that was interrupted, the next `mlops gc --delete` removes them.

    Args:
        store: Where the segment is.
        segment_id: Its id.
        rows: The rows, from 0; ``None`` for all.
        reason: Why, in words; it stays for ever.
        author: Who does it.
        created: When.

    Returns:
        The redaction's id.

    Raises:
        InputError: When there is no such row, or no reason.
        Corrupt, Missing: When the segment is damaged.
        StoreUnavailable: When the store cannot be written.
    """
    segment = store.get_as(segment_id, PredictionSegment)
    unknown = [row for row in rows or () if not 0 <= row < segment.rows]
    if unknown or not reason.strip() or (rows is not None and not rows):
        raise InputError(
            f"The segment has no row {unknown[0]}." if unknown else "Rows and a reason are needed.",
            hint=f"Its rows are 0 to {segment.rows - 1}; say why they are deleted.",
        )
    left = current(store, segment_id, segment)
    gone = set(rows) if rows is not None else set[int]()
    payload = index = None
    if rows is not None and left.payload is not None:
        with store.blobs.batch() as writer:
            payload = writer.put_pieces(_without(store, left.payload, gone)).digest
        with store.blobs.open(payload) as lines, store.blobs.batch() as writer:
            parts = Parts(lines)
            for _ in parts.commitments():
                pass
            index = writer.put_bytes(parts.index()).digest
    record = Redaction(
        created=created,
        author=author,
        segment=segment_id,
        rows=list(_runs(sorted(gone))) if rows is not None else [(0, segment.rows - 1)],
        reason=reason,
        payload=payload,
        index=index,
    )
    store.add(record)
    for digest in {left.payload, left.index} - {None, payload, index}:
        with suppress(StoreError):  # else the garbage collector does it
            store.blobs.delete(str(digest))
    return record_id(record)


def superseded(store: Store) -> set[str]:
    """Return the payloads and indexes that redactions have put others in the place of."""
    found: set[str] = set()
    before: int | None = None
    while rows := store.ledger.newest(kind="prediction-segment", before=before):
        for row in rows:
            segment = store.get_as(row.record, PredictionSegment)
            left = current(store, row.record, segment)
            found |= {segment.payload, segment.index} - {left.payload, left.index}
        before = rows[-1].seq
    before = None
    while rows := store.ledger.newest(kind="redaction", before=before):
        for row in rows:
            record = store.get_as(row.record, Redaction)
            segment = store.get_as(record.segment, PredictionSegment)
            left = current(store, record.segment, segment)
            mine = {one for one in (record.payload, record.index) if one is not None}
            found |= mine - {left.payload, left.index}
        before = rows[-1].seq
    return found


def _without(store: Store, payload: str, gone: Collection[int]) -> Iterator[bytes]:
    with store.blobs.open(payload) as lines:
        for row, line in enumerate(iter(lambda: lines.readline(LONGEST), b"")):
            yield GONE if row in gone else line


def _runs(rows: list[int]) -> Iterator[tuple[int, int]]:
    start = last = rows[0]
    for row in rows[1:]:
        if row != last + 1:
            yield start, last
            start = row
        last = row
    yield start, last
