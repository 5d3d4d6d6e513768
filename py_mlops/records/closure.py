"""Which bytes a record stands on."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from py_mlops.records.base import Blob, Part


def named_blobs(part: object) -> Iterator[Blob]:
    """Yield every blob that a record or part names, in the order of its fields.

    Other records it points at by id (a snapshot's parents) are not followed:
    a snapshot stands on its own bytes.

    Args:
        part: A record, a part, or a list of parts.

    Yields:
        The blobs; one that is named twice comes twice.
    """
    if isinstance(part, Blob):
        yield part
    elif isinstance(part, Part):
        for field in msgspec.structs.fields(part):
            yield from named_blobs(getattr(part, field.name))
    elif isinstance(part, list):
        for item in part:
            yield from named_blobs(item)
