"""What records reach: every blob and record they name, and what those name in turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from py_mlops.errors import Corrupt
from py_mlops.records import AnyRecord, decode, digest_of, is_digest
from py_mlops.records.closure import named_blobs
from py_mlops.store.base import Blobs

_LARGEST_RECORD = 1 << 28


def reachable(blobs: Blobs, identifiers: Iterable[str]) -> set[str]:
    """Return the digests of all that some records reach, themselves included.

    A record's blobs are always among them, also when the store lacks one. Any
    other digest it names, such as a parent's, is when the store holds it: a
    snapshot that came in a bundle names parents that did not come along.

    Args:
        blobs: Where the records lie.
        identifiers: The records' ids.

    Raises:
        Missing: When one of ``identifiers`` is not in the store.
        Corrupt: When the bytes of one of them are damaged.
    """
    reached: set[str] = set()
    roots = set(identifiers)
    todo = list(roots)
    while todo:
        digest = todo.pop()
        if digest in reached:
            continue
        reached.add(digest)
        record = decode(blobs.read(digest)) if digest in roots else _as_record(blobs, digest)
        if record is not None:
            todo.extend(_named(blobs, record, reached))
    return reached


def _named(blobs: Blobs, record: AnyRecord, reached: set[str]) -> Iterator[str]:
    for blob in named_blobs(record):
        yield blob.digest
    # Any string that is a digest counts, whatever its field is: the garbage
    # collector may keep too much but never too little.
    for text in _strings(msgspec.to_builtins(record)):
        if is_digest(text) and text not in reached and blobs.has(text):
            yield text


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _as_record(blobs: Blobs, digest: str) -> AnyRecord | None:
    """Return a blob as a record, when it is one; data is not read to find out."""
    if not blobs.has(digest):
        return None
    with blobs.open(digest) as file:
        if file.read(2) != b'{"' or file.seek(0, 2) > _LARGEST_RECORD:
            return None
        file.seek(0)
        data = file.read()
    if digest_of(data) != digest:
        # Altered on its way, perhaps by who would have us collect what it names; or on the disk,
        # and then the error says so.
        data = blobs.read(digest)
    try:
        return decode(data)
    except Corrupt:
        return None
