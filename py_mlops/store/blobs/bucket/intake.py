"""Takes new blobs into a bucket: hashed and kept apart first, sent together, several at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import FIRST_EXCEPTION, Executor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from py_mlops.errors import StoreUnavailable
from py_mlops.records import Blob, digest_of
from py_mlops.store.blobs.bucket.ages import Ages
from py_mlops.store.blobs.bucket.keys import key
from py_mlops.store.blobs.bucket.objects import WHOLE, Objects
from py_mlops.store.blobs.copying import copy_and_hash
from py_mlops.store.blobs.intake import check_unchanged, opened
from py_mlops.store.blobs.spool import spool
from py_mlops.store.failures import disk_failures

T = TypeVar("T")
R = TypeVar("R")

_IN_MEMORY = 32 << 20
_ASK_FROM = 64 << 10
"""From so many bytes on a blob is asked for before it is sent."""
_ROUNDS = 3


@dataclass(frozen=True)
class _Draft:
    """A blob that is not sent yet: its bytes, or the file they are in."""

    blob: Blob
    content: bytes | Path

    def data(self) -> bytes:
        return self.content if isinstance(self.content, bytes) else self.content.read_bytes()


class BucketIntake:
    """A batch of new blobs on their way into a bucket."""

    def __init__(self, objects: Objects, ages: Ages, folder: Path) -> None:
        """Begin a batch.

        Args:
            objects: The bucket.
            ages: Its notes.
            folder: A folder of the batch's own, for what is too large for memory.
        """
        self._objects = objects
        self._ages = ages
        self._folder = folder
        self._drafts: dict[str, _Draft] = {}
        self._held = 0

    def put_bytes(self, data: bytes) -> Blob:
        """Take some bytes in, see `BlobWriter`."""
        blob = Blob(digest=digest_of(data), size=len(data))
        if blob.digest in self._drafts:
            return blob
        content: bytes | Path = bytes(data)
        if self._held + len(data) > _IN_MEMORY:
            content = self._folder / blob.digest[7:]
            with disk_failures("Keeping what is to be sent"):
                content.write_bytes(data)
        else:
            self._held += len(data)
        self._drafts[blob.digest] = _Draft(blob, content)
        return blob

    def put_pieces(self, pieces: Iterable[bytes]) -> Blob:
        """Take some pieces in as one blob, see `BlobWriter`."""
        file = spool(pieces, self._folder)
        try:
            return self.put_file(file)
        finally:
            file.unlink()

    def put_file(self, path: Path) -> Blob:
        """Take a copy of a file in, see `BlobWriter`.

        Raises:
            InputError: When it is not a file that can be read.
        """
        with opened(path) as (source, before):
            return self._copied(path, source, before)

    def send(self, pool: Executor) -> None:
        """Send what the batch holds; afterwards it is durable.

        Raises:
            StoreUnavailable: When the bucket does not take it all; what it took
                stays and is not sent again next time.
        """
        unsent: Collection[str] = list(self._drafts)
        for _ in range(_ROUNDS):
            each(pool, self._send, [self._drafts[digest] for digest in unsent])
            # Only what was there before can be in a collector's hand.
            if not self._ages.settle(self._drafts.keys()):
                return
            unsent = [digest for digest in self._drafts if not self._objects.meta(key(digest))]
            if not unsent:
                return
        raise StoreUnavailable(
            f"{self._objects.client.place} does not keep what is put into it.",
            hint="See whether something else removes objects there, such as a lifecycle rule.",
        )

    def _copied(self, path: Path, source: int, before: os.stat_result) -> Blob:
        draft = self._folder / f"{len(self._drafts)}.draft"
        with disk_failures(f"Copying {path}"):
            file = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                digest, size = copy_and_hash(source, file)
            finally:
                os.close(file)
            check_unchanged(path, before, size)
            content = draft.rename(self._folder / digest[7:])
        blob = Blob(digest=digest, size=size)
        self._drafts.setdefault(digest, _Draft(blob, content))
        return blob

    def _send(self, draft: _Draft) -> None:
        path, blob = key(draft.blob.digest), draft.blob
        if blob.size >= _ASK_FROM:
            there = self._objects.meta(path)
            if there and there.size == blob.size:
                self._ages.want(blob.digest)
                return
        if blob.size > WHOLE and isinstance(draft.content, Path):
            self._objects.put_file(path, draft.content, blob.size)
        elif not self._objects.create(path, draft.data()):
            self._there_already(draft)

    def _there_already(self, draft: _Draft) -> None:
        there = self._objects.meta(key(draft.blob.digest))
        if there and there.size == draft.blob.size:
            self._ages.want(draft.blob.digest)
        else:  # a damaged one is replaced
            self._objects.put(key(draft.blob.digest), draft.data())


def each(pool: Executor, work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Do some work for each item, several at a time; the first failure ends it.

    Args:
        pool: Does it.
        work: What is done.
        items: For which.

    Returns:
        What came of each, in their order.
    """
    tasks = [pool.submit(work, item) for item in items]
    try:
        done, _ = wait(tasks, return_when=FIRST_EXCEPTION)
        for task in done:
            task.result()
        return [task.result() for task in tasks]
    finally:
        for task in tasks:
            task.cancel()
