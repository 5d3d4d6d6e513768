"""Takes new blobs into a folder store: written apart first, named together when all are on disk."""

from __future__ import annotations

import ctypes
import os
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from py_mlops.errors import FileChanged, FileGone, InputError
from py_mlops.records import Blob, digest_of
from py_mlops.store.blobs.copying import copy_and_hash, write_and_hash
from py_mlops.store.failures import disk_failures

_SYNCFS_FROM = 64
"""More files than this are synchronised by one ``syncfs`` of their file system."""
_CHANGED = "Wait until nothing writes to it, run the cell that reads it again, and snapshot anew."


Look = tuple[int, int, int, int, int]
"""What changes when a file does: size, mtime, ctime (ns), inode, device."""


class Shelf(Protocol):
    """Where an intake's blobs end up."""

    def path(self, digest: str) -> Path:
        """Return where a blob lies."""
        ...

    def touch(self, digest: str) -> Blob | None:
        """Keep a blob that is there already from the garbage collector."""
        ...


class Intake:
    """A batch of new blobs on their way into a folder."""

    def __init__(self, shelf: Shelf, tmp: Path) -> None:
        """Begin a batch.

        Args:
            shelf: Where the blobs end up.
            tmp: Folder of the same file system for drafts.
        """
        self._shelf = shelf
        self._tmp = tmp
        self._drafts: dict[str, tuple[Path, Blob]] = {}
        self._folders: set[Path] = set()

    def put_bytes(self, data: bytes) -> Blob:
        """Take some bytes in, see `BlobWriter`."""
        blob = Blob(digest=digest_of(data), size=len(data))
        if self._held(blob):
            return blob
        with disk_failures("Writing to the store"), self._draft() as (path, file):
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(file, rest) :]
            self._drafts[blob.digest] = path, blob
        return blob

    def put_pieces(self, pieces: Iterable[bytes]) -> Blob:
        """Take pieces in as one blob, see `BlobWriter`."""
        with disk_failures("Writing to the store"), self._draft() as (draft, file):
            digest, size = write_and_hash(pieces, file)
            blob = Blob(digest=digest, size=size)
            if self._held(blob):
                draft.unlink()
            else:
                self._drafts[digest] = draft, blob
        return blob

    def put_file(self, path: Path) -> Blob:
        """Take a copy of a file in, see `BlobWriter`.

        Raises:
            InputError: When it is not a file that can be read.
        """
        copying = disk_failures(f"Copying {path} into the store")
        with opened(path) as (source, before), copying, self._draft() as (draft, file):
            digest, size = copy_and_hash(source, file, durable=True)
            check_unchanged(path, before, size)
            blob = Blob(digest=digest, size=size)
            if self._held(blob):
                draft.unlink()
            else:
                self._drafts[digest] = draft, blob
        return blob

    def sync(self) -> None:
        """Bring the drafts to the disk."""
        if len(self._drafts) > _SYNCFS_FROM:
            _sync(self._tmp, syncfs)
        else:
            for draft, _ in self._drafts.values():
                _sync(draft, os.fsync)

    def publish(self) -> None:
        """Give every draft its name."""
        while self._drafts:
            digest, (draft, _) = self._drafts.popitem()
            path = self._shelf.path(digest)
            try:
                draft.replace(path)
            except BaseException:
                draft.unlink(missing_ok=True)
                raise
            self._folders.add(path.parent)

    def sync_folders(self) -> None:
        """Bring the names to the disk; afterwards the batch is durable."""
        for folder in sorted(self._folders):
            sync_folder(folder)

    def discard(self) -> None:
        """Remove the drafts that were not given a name."""
        while self._drafts:
            _, (draft, _) = self._drafts.popitem()
            with suppress(OSError):  # the garbage collector sweeps what we cannot
                draft.unlink()

    def _held(self, blob: Blob) -> bool:
        """Say whether the blob needs no draft, because it is there or in this batch."""
        if blob.digest in self._drafts:
            return True
        if self._shelf.touch(blob.digest) != blob:
            return False  # also when what is there has another size: it is replaced
        # Whoever wrote it may not have come to synchronising its name yet.
        self._folders.add(self._shelf.path(blob.digest).parent)
        return True

    @contextmanager
    def _draft(self) -> Iterator[tuple[Path, int]]:
        """Open a new file in ``tmp``; it is removed when the block fails."""
        path = self._tmp / temporary_name()
        # Read-only for everyone from the start; this descriptor may write all the same.
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)
        try:
            yield path, file
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        finally:
            os.close(file)


def temporary_name() -> str:
    """Return a file name nobody else uses, with the process it belongs to."""
    return f"{os.getpid()}-{secrets.token_hex(8)}.tmp"


def sync_folder(folder: Path) -> None:
    """Bring a folder's names to the disk."""
    _sync(folder, os.fsync)


@contextmanager
def opened(path: Path) -> Iterator[tuple[int, os.stat_result]]:
    """Open a file to be taken in.

    Args:
        path: The file.

    Yields:
        Its descriptor, and what it was when it was opened.

    Raises:
        FileGone: When there is none.
        InputError: When it is no file, or cannot be read.
    """
    source = _descriptor(path)
    try:
        found = os.fstat(source)
        if not stat.S_ISREG(found.st_mode):
            raise InputError(
                f"{path} is not a file but a folder, pipe or device.",
                hint="Name a file; only the bytes of files can be kept.",
            )
        yield source, found
    finally:
        os.close(source)


def _descriptor(path: Path) -> int:
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileGone(
            f"{path} is no longer there.",
            hint="Put the file back, or run the notebook again without it.",
        ) from error
    except (OSError, ValueError) as error:
        raise InputError(
            f"{str(path)!r} cannot be read: {error}.", hint="Check the file's permissions."
        ) from error


def check_unchanged(path: Path, before: os.stat_result, size: int) -> None:
    """Compare the file with what it was before it was copied.

    By its path, so that a file put in its place meanwhile is noticed too.

    Raises:
        FileChanged: When it is another one by now.
    """
    try:
        after = path.stat()
    except OSError:
        after = None
    if after is None or size != before.st_size or identity(after) != identity(before):
        raise FileChanged(f"{path} changed while it was being copied.", hint=_CHANGED)


def identity(status: os.stat_result) -> Look:
    """Return what changes when a file does."""
    return (
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_ino,
        status.st_dev,
    )


def _sync(path: Path, how: Callable[[int], object]) -> None:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        how(file)
    finally:
        os.close(file)


_libc = ctypes.CDLL(None, use_errno=True)


def syncfs(file: int) -> None:
    """Synchronise the whole file system a descriptor belongs to (Linux)."""
    if _libc.syncfs(file) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
