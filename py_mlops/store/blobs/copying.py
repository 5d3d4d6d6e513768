"""Copies a file and hashes the copy while it grows, so that both cost about the time of one."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

_CHUNK = 4 << 20
_LAG = 32
"""Chunks the hash may lag behind the copy, so that it reads from the page cache."""
_SYNC = 128 << 20
"""Bytes after which a durable copy is brought to the disk again."""
_AHEAD = 16 << 20
"""Bytes after which the disk is told to begin with a pack's."""
_WRITE = 2
"""Linux's ``SYNC_FILE_RANGE_WRITE``: begin, and wait for nothing."""
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


def copy_and_hash(source: int, target: int, *, durable: bool = False) -> tuple[str, int]:
    """Copy one open file into another and hash what was written.

    Args:
        source: Descriptor of the file to copy, from its beginning.
        target: Descriptor of an empty file, open for reading and writing.
        durable: Bring a large copy to the disk as it grows, so that the
            caller's ``fsync`` at the end has little left to do.

    Returns:
        The digest of the copy and its size in bytes.

    Raises:
        OSError: When reading or writing fails.
    """
    copier, hasher = _Copier(source, target), _Hasher(target)
    first = copier.step()
    hasher.feed(0, first)
    if first == _CHUNK:
        _pipeline(copier, hasher, durable=durable)
    else:
        while length := copier.step():
            hasher.feed(copier.offset - length, length)
    return "sha256:" + hasher.sha256.hexdigest(), copier.offset


def _pipeline(copier: _Copier, hasher: _Hasher, *, durable: bool) -> None:
    """Copy in this thread while others hash and write; all leave the interpreter's lock."""
    with (
        ThreadPoolExecutor(1, thread_name_prefix="hash") as hashing,
        ThreadPoolExecutor(1, thread_name_prefix="sync") as syncing,
    ):
        hashes: deque[Future[None]] = deque()
        syncs: list[Future[None]] = []
        while length := copier.step():
            hashes.append(hashing.submit(hasher.feed, copier.offset - length, length))
            if durable and copier.offset // _SYNC > len(syncs):
                syncs.append(syncing.submit(os.fdatasync, copier.target))
            if len(hashes) > _LAG:
                hashes.popleft().result()
        for task in (*hashes, *syncs):
            task.result()


def write_and_hash(pieces: Iterable[bytes], target: int) -> tuple[str, int]:
    """Write pieces one behind the other and hash them, while the next are being made.

    Args:
        pieces: What to write; each is asked for in this thread.
        target: Descriptor of an empty file, open for writing.

    Returns:
        The digest of all and their size in bytes.

    Raises:
        OSError: When writing fails.
    """
    sha256, size = hashlib.sha256(), 0

    def write(chunk: bytes, end: int) -> None:
        sha256.update(chunk)
        rest = memoryview(chunk)
        while rest:
            rest = rest[os.write(target, rest) :]
        if end // _AHEAD > len(syncs):
            syncs.append(syncing.submit(_begin_sync, target, len(syncs) * _AHEAD))

    with (
        ThreadPoolExecutor(1, thread_name_prefix="sync") as syncing,
        ThreadPoolExecutor(1, thread_name_prefix="write") as writing,
    ):
        writes: deque[Future[None]] = deque()
        syncs: list[Future[None]] = []
        for chunk in _chunks(pieces):
            size += len(chunk)
            writes.append(writing.submit(write, chunk, size))
            if len(writes) > _LAG:
                writes.popleft().result()
        for task in (*writes, *syncs):
            task.result()
    return "sha256:" + sha256.hexdigest(), size


_libc = ctypes.CDLL(None, use_errno=True)


def _begin_sync(file: int, offset: int) -> None:
    """Let the disk begin with the next bytes of a file, so that `fsync` has little to wait for.

    Where the system cannot, nothing is lost but that time.
    """
    start = getattr(_libc, "sync_file_range", None)
    if start and start(file, ctypes.c_int64(offset), ctypes.c_int64(_AHEAD), _WRITE) != 0:
        code = ctypes.get_errno()
        if code in {errno.EIO, errno.ENOSPC, errno.EDQUOT}:
            raise OSError(code, os.strerror(code))


def _chunks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Join small pieces, so that a thread has something to do."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= _BUFFER:
            yield b"".join(held)
            held, size = [], 0
    if size:
        yield b"".join(held)
