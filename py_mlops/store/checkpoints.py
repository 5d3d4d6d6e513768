"""Writes down among the objects what the ledger is, so that a lost database can be made anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from py_mlops.errors import StoreError
from py_mlops.records import Checkpoint, LogSignature, decode, encode
from py_mlops.store.base import Blobs, Ledger, Mark

WIDTH = 256
"""Rows after which a checkpoint is kept for good; between, each takes its predecessor's place."""


def export(blobs: Blobs, ledger: Ledger) -> None:
    """Write a checkpoint of the log as it is now, and those that are still missing before it.

    A checkpoint is a function of the log alone, so it does not matter how many
    writers do this at the same time, nor where one of them stops.

    Raises:
        StoreError: When it cannot be done now; the next export makes up for it.
    """
    size = ledger.size()
    newest = next(iter(ledger.marks(limit=1)), None)
    if size == 0 or (newest is not None and newest.size >= size):
        return
    previous = _full_before(ledger, size)
    name = ledger.name()
    start = previous.size if previous else 0
    for end in [*range(start + WIDTH, size, WIDTH), size]:
        previous = _write(blobs, ledger, name, previous, end)


def check(blobs: Blobs, ledger: Ledger) -> Iterator[str]:
    """Yield a sentence for every checkpoint that is damaged, or does not agree with the log."""
    try:
        marks, size, name = ledger.marks(), ledger.size(), ledger.name()
    except StoreError as error:
        yield error.message
        return
    for mark in marks:
        try:
            found = read(blobs, mark.record)
            agrees = (
                found is not None
                and found.size == mark.size <= size
                and found.store == name
                and found.root == f"sha256:{ledger.root(mark.size).hex()}"
                and found.signatures == _signed(ledger, found)
            )
        except StoreError as error:
            yield f"The checkpoint of {mark.size} rows: {error.message}"
            continue
        if not agrees:
            yield f"The log does not agree with its checkpoint of {mark.size} rows."


def _signed(ledger: Ledger, record: Checkpoint) -> list[LogSignature]:
    """Return the signatures that a checkpoint must have."""
    above = record.size - len(record.records)
    return [one for one in ledger.signatures(above) if one.size <= record.size]


def read(blobs: Blobs, identifier: str) -> Checkpoint | None:
    """Return a checkpoint; ``None`` when the object is something else.

    Raises:
        Missing, Corrupt: As for `Blobs.read`.
    """
    record = decode(blobs.read(identifier))
    return record if isinstance(record, Checkpoint) else None


def _full_before(ledger: Ledger, size: int) -> Mark | None:
    """Return the newest full checkpoint of fewer than ``size`` rows."""
    most = (size - 1) // WIDTH * WIDTH
    while most:
        found = next(iter(ledger.marks(most=most, limit=1)), None)
        if found is None or found.size % WIDTH == 0:
            return found
        most = found.size // WIDTH * WIDTH
    return None


def _write(blobs: Blobs, ledger: Ledger, name: str, previous: Mark | None, size: int) -> Mark:
    start = previous.size if previous else 0
    rows = list(islice(ledger.rows(start), size - start))
    record = Checkpoint(
        store=name,
        size=size,
        root=f"sha256:{ledger.root(size).hex()}",
        created=rows[-1].time,
        previous=previous.record if previous else None,
        records=[row.record for row in rows],
        signatures=[one for one in ledger.signatures(start) if one.size <= size],
    )
    mark = Mark(size, blobs.put_bytes(encode(record)).digest)
    for old in ledger.note(mark, every=WIDTH):
        with suppress(StoreError):  # else the garbage collector finds it
            blobs.delete(old.record)
    return mark
