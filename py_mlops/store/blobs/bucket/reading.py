"""Reads an object of a bucket range by range, some ahead, with little in memory."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future

from py_mlops.errors import StoreUnavailable
from py_mlops.store.blobs.bucket.objects import Meta, Objects

_RANGE = 4 << 20
_UNRANGED = 256 << 20
_FIRST = 64 << 10
_AHEAD = 4


def ranges(objects: Objects, meta: Meta, pool: Executor) -> Iterator[bytes]:
    """Iterate over an object's bytes, a few ranges of it asked for at a time.

    Args:
        objects: Where it is.
        meta: What the bucket said of it; not a byte more than that is taken.
        pool: Asks.

    Raises:
        FileNotFoundError: When it is not there any more.
        StoreUnavailable: When the bucket does not give it.
    """
    waiting: deque[Future[bytes]] = deque()
    # Where a service gives no parts, each of them costs all before it: few large ones cost least.
    length = _RANGE if objects.ranges else _UNRANGED
    try:
        for start in range(0, meta.size, length):
            end = min(start + length, meta.size)
            waiting.append(pool.submit(objects.part, meta, start, end))
            if len(waiting) > _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


class Reader(io.RawIOBase):
    """A file that lies in a bucket; what is read is not verified."""

    def __init__(self, objects: Objects, meta: Meta) -> None:
        """Read an object; its first bytes are asked for when they are wanted."""
        self._objects = objects
        self._meta = meta
        self._position = 0
        self._begin = 0
        self._held = b""

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes: a place costs nothing until it is read from."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._meta.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """Return the place."""
        return self._position

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]  # any buffer
        """Fill a buffer, as far as what is held or one more range does."""
        if self._position >= self._meta.size:
            return 0
        if not self._begin <= self._position < self._begin + len(self._held):
            self._fetch()
        offset = self._position - self._begin
        data = self._held[offset : offset + len(buffer)]
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _fetch(self) -> None:
        # Who reads on wants all; who only looks at the beginning is not made to wait for it.
        length = _RANGE if self._held else _FIRST
        end = min(self._position + length, self._meta.size)
        try:
            data = self._objects.part(self._meta, self._position, end)
        except FileNotFoundError:
            data = b""
        if not data:
            raise StoreUnavailable(
                f"Reading from {self._objects.client.place} failed: an object became shorter.",
                hint="Try again; when it stays so, restore the bucket from a backup.",
            )
        self._begin, self._held = self._position, data
