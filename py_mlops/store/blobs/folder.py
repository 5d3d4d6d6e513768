"""Blobs in a folder: one read-only file each, named by its sha256, durable once it is named."""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from py_mlops.errors import Corrupt, InputError, Missing, StoreUnavailable
from py_mlops.records import Blob, digest_of, is_digest
from py_mlops.store.blobs.copying import copy_and_hash
from py_mlops.store.blobs.intake import Intake, sync_folder, temporary_name
from py_mlops.store.blobs.singly import Singly
from py_mlops.store.failures import disk_failures

_NAME = re.compile(r"[0-9a-f]{64}")
_RESTORE = "Restore it from a backup or from a bundle, or take the snapshot again."


class FolderBlobs(Singly):
    """Blobs in the folder ``objects``, written by way of the folder ``tmp``.

    A blob is written to ``tmp``, hashed, synchronised, renamed into place, and
    its folder synchronised: after a power cut it is either whole or not there.
    """

    def __init__(self, root: Path) -> None:
        """Use a folder; it is made when the first blob is written.

        Args:
            root: The folder that holds ``objects`` and ``tmp``.
        """
        self._root = root
        self._objects = root / "objects"
        self._tmp = root / "tmp"
        self._prepared = False

    @contextmanager
    def batch(self) -> Iterator[Intake]:
        """Return a writer whose blobs become durable together, see `Blobs`.

        When the block fails, none of its blobs is stored.
        """
        with disk_failures("Writing to the store"):
            self._prepare()
        intake = Intake(self, self._tmp)
        try:
            yield intake
            with disk_failures("Writing to the store"):
                intake.sync()
                with self._lock(fcntl.LOCK_SH):
                    intake.publish()
                intake.sync_folders()
        finally:
            intake.discard()

    def has(self, digest: str) -> bool:
        """Say whether the store holds these bytes, see `Blobs`."""
        path = self.path(digest)
        with disk_failures("Looking into the store"):
            return path.is_file()

    def open(self, digest: str) -> BinaryIO:
        """Open a blob for reading, unverified, see `Blobs`."""
        path = self.path(digest)
        try:
            with disk_failures(f"Reading {digest} from the store"):
                return path.open("rb")
        except StoreUnavailable as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise _missing(digest) from error.__cause__
            raise

    def read(self, digest: str) -> bytes:
        """Return a blob's bytes, verified, see `Blobs`."""
        with self.open(digest) as file, disk_failures(f"Reading {digest} from the store"):
            data = file.read()
        if digest_of(data) != digest:
            raise _corrupt(digest)
        return data

    def copy_to(self, digest: str, target: Path) -> None:
        """Write a verified copy of a blob to a file, see `Blobs`.

        A file that is there already is replaced. The copy never shares the
        store's inode, so writing to it cannot harm the store.
        """
        draft = target.with_name(f".{temporary_name()}")
        with self.open(digest) as source, disk_failures(f"Writing {target}"):
            copy = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            try:
                found, _ = copy_and_hash(source.fileno(), copy)
                if found == digest:
                    draft.replace(target)
                    return
            finally:
                os.close(copy)
                draft.unlink(missing_ok=True)
        raise _corrupt(digest)

    def __iter__(self) -> Iterator[Blob]:
        """Iterate over every blob, in no order."""
        return self.stale(float("-inf"))

    def stale(self, seconds: float) -> Iterator[Blob]:
        """Iterate over the blobs not put or touched for so long, see `Blobs`."""
        before = time.time() - seconds
        with disk_failures("Listing the store"):
            folders = sorted(self._objects.iterdir()) if self._objects.is_dir() else []
            for folder in folders:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if _NAME.fullmatch(entry.name) is None or entry.name[:2] != folder.name:
                            continue
                        with suppress(FileNotFoundError):  # collected a moment ago
                            status = entry.stat(follow_symlinks=False)
                            if status.st_mtime <= before:
                                yield Blob(digest=f"sha256:{entry.name}", size=status.st_size)

    def touch(self, digest: str) -> Blob | None:
        """Keep a blob from the garbage collector, see `Blobs`."""
        path = self.path(digest)
        with disk_failures("Writing to the store"):
            try:
                # Under the lock, so that `delete` sees the new time or we see no file.
                with self._lock(fcntl.LOCK_SH):
                    os.utime(path)
                return Blob(digest=digest, size=path.stat().st_size)
            except (FileNotFoundError, PermissionError):
                return None  # a colleague's blob: writing it again makes it ours

    def delete(self, digest: str, *, idle: float = 0) -> bool:
        """Remove a blob that was not put or touched lately, see `Blobs`."""
        path = self.path(digest)
        with disk_failures("Removing from the store"), suppress(FileNotFoundError):
            with self._lock(fcntl.LOCK_EX):
                if idle and time.time() - path.stat().st_mtime < idle:
                    return False
                path.unlink()
            return True
        return False

    def sweep_tmp(self, older_than_seconds: float, *, dry_run: bool = False) -> list[str]:
        """Remove what interrupted writers left behind, see `Blobs`."""
        before, swept = time.time() - older_than_seconds, []
        with disk_failures("Removing from the store"):
            for entry in os.scandir(self._tmp) if self._tmp.is_dir() else ():
                with suppress(FileNotFoundError):  # its writer has just finished
                    if entry.stat(follow_symlinks=False).st_mtime <= before:
                        if not dry_run:
                            Path(entry.path).unlink()
                        swept.append(entry.name)
        return swept

    def path(self, digest: str) -> Path:
        """Return where a blob lies, whether it is there or not.

        Raises:
            InputError: When the text is not a digest, whatever else it may be.
        """
        if not is_digest(digest):
            raise InputError(
                f"{str(digest)[:80]!r} is not a digest.",
                hint="A digest is `sha256:` and 64 hexadecimal digits.",
            )
        name = digest.removeprefix("sha256:")
        return self._objects / name[:2] / name

    def _prepare(self) -> None:
        """Make the folders, all 256 at once, so that no later write has to sync their parent."""
        if self._prepared:
            return
        self._tmp.mkdir(parents=True, exist_ok=True)
        self._objects.mkdir(exist_ok=True)
        wanted = {self._objects / f"{number:02x}" for number in range(256)}
        missing = wanted.difference(self._objects.iterdir())
        for folder in missing:
            folder.mkdir(exist_ok=True)
        if missing:
            sync_folder(self._objects)
            sync_folder(self._root)
        self._prepared = True

    @contextmanager
    def _lock(self, mode: int) -> Iterator[None]:
        """Hold the lock that keeps `delete` and writers apart, for an instant each."""
        folder = os.open(self._objects, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, mode)
            yield
        finally:
            os.close(folder)


def _missing(digest: str) -> Missing:
    return Missing(f"The store does not hold {digest}.", hint=_RESTORE)


def _corrupt(digest: str) -> Corrupt:
    return Corrupt(f"The store's copy of {digest} is damaged: its sha256 differs.", hint=_RESTORE)
