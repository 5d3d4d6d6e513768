"""Copies a file and hashes the copy while it grows, so that both cost about the time of one."""

from __future__ import annotations

import errno
import hashlib
import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

_CHUNK = 4 << 20
_LAG = 32
"""Chunks the hash may lag behind the copy, so that it reads from the page cache."""
_BUFFER = 1 << 20
_UNSUPPORTED = frozenset(
    {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EBADF}
)


class _Copier:
    """Copies chunk after chunk inside the kernel, or through memory where it cannot.

    In-kernel copies share extents (reflinks) on file systems that can.
    """

    def __init__(self, source: int, target: int) -> None:
        self.source = source
        self.target = target
        self.offset = 0
        self._in_kernel = True

    def step(self) -> int:
        """Copy the next chunk and return its length; 0 at the end."""
        length = self._range() if self._in_kernel else 0
        if length == 0:
            # Some file systems answer 0 where there is more to read.
            length = self._through_memory()
        self.offset += length
        return length

    def _range(self) -> int:
        try:
            return os.copy_file_range(self.source, self.target, _CHUNK, self.offset, self.offset)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            self._in_kernel = False
            return 0

    def _through_memory(self) -> int:
        data = memoryview(os.pread(self.source, _BUFFER, self.offset))
        written = 0
        while written < len(data):
            written += os.pwrite(self.target, data[written:], self.offset + written)
        return len(data)


class _Hasher:
    """The sha256 of a file, fed by positions in it."""

    def __init__(self, file: int) -> None:
        self.sha256 = hashlib.sha256()
        self._file = file
        self._buffer = memoryview(bytearray(_BUFFER))

    def feed(self, offset: int, length: int) -> None:
        """Hash the next ``length`` bytes, which begin at ``offset``."""
        end = offset + length
        while offset < end:
            count = os.preadv(self._file, [self._buffer[: end - offset]], offset)
            if count == 0:
                raise OSError(errno.EIO, "the copy became shorter while it was hashed")
            self.sha256.update(self._buffer[:count])
            offset += count


def copy_and_hash(source: int, target: int) -> tuple[str, int]:
    """Copy one open file into another and hash what was written.

    Args:
        source: Descriptor of the file to copy, from its beginning.
        target: Descriptor of an empty file, open for reading and writing.

    Returns:
        The digest of the copy and its size in bytes.

    Raises:
        OSError: When reading or writing fails.
    """
    copier, hasher = _Copier(source, target), _Hasher(target)
    first = copier.step()
    hasher.feed(0, first)
    if first == _CHUNK:
        _pipeline(copier, hasher)
    else:
        while length := copier.step():
            hasher.feed(copier.offset - length, length)
    return "sha256:" + hasher.sha256.hexdigest(), copier.offset


def _pipeline(copier: _Copier, hasher: _Hasher) -> None:
    """Copy in this thread while one other hashes; both leave the interpreter's lock."""
    with ThreadPoolExecutor(1, thread_name_prefix="hash") as thread:
        lag: deque[Future[None]] = deque()
        while length := copier.step():
            lag.append(thread.submit(hasher.feed, copier.offset - length, length))
            if len(lag) > _LAG:
                lag.popleft().result()
        for task in lag:
            task.result()
