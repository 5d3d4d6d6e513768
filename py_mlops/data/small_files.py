"""Reads many small files, several at a time: a disk or a file server answers each of them late."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from py_mlops.data.groups import Member
from py_mlops.store.blobs.intake import identity

READERS = 8
"""Files that are waited for at the same time."""

_BATCH = 64
"""Files that a thread is given at a time, so that handing over costs little."""

_BATCH_BYTES = 1 << 20


class Content(NamedTuple):
    """What a file holds.

    Attributes:
        data: Its bytes.
        sha256: Their digest, 64 hexadecimal digits.
    """

    data: bytes
    sha256: str


def read_many(members: Iterable[Member]) -> Iterator[Content | None]:
    """Read files, a few ahead of the one that is asked for.

    Args:
        members: The files, as they looked when they were judged.

    Yields:
        The content of each, in their order; ``None`` for one that is no longer
        the one that was judged.
    """
    with ThreadPoolExecutor(READERS, thread_name_prefix="read") as pool:
        ahead: deque[Future[list[Content | None]]] = deque()
        for batch in _batches(members):
            ahead.append(pool.submit(_read_batch, batch))
            if len(ahead) > READERS:
                yield from ahead.popleft().result()
        while ahead:
            yield from ahead.popleft().result()


def _batches(members: Iterable[Member]) -> Iterator[list[Member]]:
    batch: list[Member] = []
    size = 0
    for member in members:
        batch.append(member)
        size += member.size
        if len(batch) == _BATCH or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _read_batch(members: list[Member]) -> list[Content | None]:
    return [_read(member) for member in members]


def _read(member: Member) -> Content | None:
    path = member.finding.seen.path
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            data = _all(file, member.size)
            after = os.fstat(file)
        finally:
            os.close(file)
    except OSError:
        return None
    if len(data) != member.size or identity(after) != member.look:
        return None
    return Content(data, hashlib.sha256(data).hexdigest())


def _all(file: int, size: int) -> bytes:
    data = os.read(file, size + 1)
    while len(data) < size:
        more = os.read(file, size + 1 - len(data))
        if not more:
            break
        data += more
    return data
