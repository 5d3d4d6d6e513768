"""Blobs in a bucket of S3, Google Cloud Storage or Azure: one object each, named by its sha256."""

from __future__ import annotations

import functools
import hashlib
import io
import tempfile
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from py_mlops.errors import Corrupt, Missing
from py_mlops.records import Blob
from py_mlops.store.blobs.bucket.ages import Ages
from py_mlops.store.blobs.bucket.client import Client
from py_mlops.store.blobs.bucket.intake import BucketIntake, each
from py_mlops.store.blobs.bucket.keys import (
    CLOCK,
    DOOMED,
    OBJECTS,
    TOUCHED,
    digest_at,
    key,
    noted_at,
)
from py_mlops.store.blobs.bucket.objects import Meta, Objects
from py_mlops.store.blobs.bucket.reading import Reader, ranges
from py_mlops.store.blobs.intake import temporary_name
from py_mlops.store.blobs.singly import Singly
from py_mlops.store.failures import disk_failures

_AT_ONCE = 16
_IN_MEMORY = 64 << 20
_LIST_FROM = 40
"""So many questions cost about what a page of the list does."""
_RESTORE = "Restore it from a backup or from a bundle, or take the snapshot again."


class BucketBlobs(Singly):
    """Blobs in a bucket. The server is believed nothing: what is read is hashed.

    Whether a blob may be removed is settled by notes in the bucket, see
    `ages`; a team's store settles it in its database as well.
    """

    def __init__(self, address: str, *, timeout: float | None = None) -> None:
        """Use a bucket; nothing is asked yet.

        Args:
            address: ``s3://BUCKET/PREFIX``, ``gs://…`` or ``az://…``.
            timeout: Seconds for one request, see `Client`.

        Raises:
            InputError: When the address or the surroundings make no sense.
        """
        self._objects = Objects(Client(address, timeout=timeout))
        self._ages = Ages(self._objects)
        self._place = address

    @contextmanager
    def batch(self) -> Iterator[BucketIntake]:
        """Return a writer whose blobs become durable together, see `Blobs`.

        When the block fails, none of its blobs is stored; when sending fails,
        some may be, whole, and nothing refers to them.
        """
        with disk_failures("Making a folder for what is to be sent"):
            folder = tempfile.TemporaryDirectory(prefix="mlops-", ignore_cleanup_errors=True)
        with folder as name:
            intake = BucketIntake(self._objects, self._ages, Path(name))
            yield intake
            intake.send(self._pool)

    def has(self, digest: str) -> bool:
        """Say whether the store holds these bytes, see `Blobs`."""
        return self._objects.meta(key(digest)) is not None

    def open(self, digest: str) -> BinaryIO:
        """Open a blob for reading, unverified, see `Blobs`."""
        return io.BufferedReader(Reader(self._objects, self._meta(digest)), 1 << 16)

    def read(self, digest: str) -> bytes:
        """Return a blob's bytes, verified, see `Blobs`."""
        meta = self._meta(digest)
        if meta.size > _IN_MEMORY:
            # A size is only a claim: memory is given to what has been verified.
            with tempfile.TemporaryDirectory(prefix="mlops-", ignore_cleanup_errors=True) as folder:
                self._copy(digest, meta, Path(folder) / "blob")
                with disk_failures(f"Reading {digest}"):
                    return (Path(folder) / "blob").read_bytes()
        sink = io.BytesIO()
        self._fill(digest, meta, sink)
        return sink.getvalue()

    def copy_to(self, digest: str, target: Path) -> None:
        """Write a verified copy of a blob to a file, see `Blobs`."""
        self._copy(digest, self._meta(digest), target)

    def __iter__(self) -> Iterator[Blob]:
        """Iterate over every blob, in no order."""
        for blob, _ in self._listed():
            yield blob

    def touch(self, digest: str) -> Blob | None:
        """Keep a blob from the garbage collector, see `Blobs`."""
        return self.touch_all([digest]).get(digest)

    def touch_all(self, digests: Collection[str]) -> dict[str, Blob]:
        """Keep many blobs from the garbage collector at once.

        Args:
            digests: Which.

        Returns:
            Those that the store holds, by digest.
        """
        held = {
            digest: Blob(digest=digest, size=meta.size)
            for digest, meta in self._metas(digests).items()
        }
        each(self._pool, self._ages.want, held)
        if held and self._ages.settle(held.keys()):
            return {digest: blob for digest, blob in held.items() if self.has(digest)}
        return held

    def stale(self, seconds: float) -> Iterator[Blob]:
        """Iterate over the blobs not put or touched for so long, see `Blobs`."""
        before = self._ages.now() - timedelta(seconds=seconds)
        wanted = {
            noted_at(note.path): note.modified
            for page in self._objects.list(TOUCHED)
            for note in page
        }
        for blob, modified in self._listed():
            if max(modified, wanted.get(blob.digest, modified)) <= before:
                yield blob

    def delete(self, digest: str, *, idle: float = 0) -> bool:
        """Remove a blob that was not put or touched lately, see `Blobs`."""
        return self._ages.remove(digest, idle)

    def sweep_tmp(self, older_than_seconds: float, *, dry_run: bool = False) -> list[str]:
        """Remove old notes and return their names, see `Blobs`.

        Parts of large uploads that never ended are seen by the provider alone;
        a lifecycle rule of the bucket removes them.
        """
        before = self._ages.now() - timedelta(seconds=older_than_seconds)
        swept = [
            note.path
            for folder in (CLOCK, DOOMED, TOUCHED)
            for page in self._objects.list(folder)
            for note in page
            if note.modified <= before
        ]
        if not dry_run:
            each(self._pool, self._objects.remove, swept)
        return swept

    @functools.cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="bucket")

    def _listed(self) -> Iterator[tuple[Blob, datetime]]:
        for page in self._objects.list(OBJECTS):
            for meta in page:
                if digest := digest_at(meta.path):
                    yield Blob(digest=digest, size=meta.size), meta.modified

    def _metas(self, digests: Collection[str]) -> dict[str, Meta]:
        """Return what the bucket says of those of some blobs that it has.

        Many are looked for in its list, a thousand a request, as long as that
        can be less work than to ask for each.
        """
        paths = {key(digest): digest for digest in digests}
        found: dict[str, Meta] = {}
        if len(paths) >= _LIST_FROM:
            for number, page in enumerate(self._objects.list(OBJECTS), 1):
                found |= {paths[meta.path]: meta for meta in page if meta.path in paths}
                if number * _LIST_FROM > len(paths):
                    break
            else:
                return found
        rest = [path for path, digest in paths.items() if digest not in found]
        asked = each(self._pool, self._objects.meta, rest)
        return found | {paths[meta.path]: meta for meta in asked if meta}

    def _meta(self, digest: str) -> Meta:
        meta = self._objects.meta(key(digest))
        if meta is None:
            # Of a bucket that is not there, too, they say only that the object is not.
            next(self._objects.list(f"{OBJECTS}/{digest[7:9]}"), None)
            raise Missing(f"{self._place} does not hold {digest}.", hint=_RESTORE)
        return meta

    def _copy(self, digest: str, meta: Meta, target: Path) -> None:
        draft = target.with_name(f".{temporary_name()}")
        with disk_failures(f"Writing {target}"):
            try:
                with draft.open("xb") as file:
                    self._fill(digest, meta, file)
                draft.replace(target)
            finally:
                draft.unlink(missing_ok=True)

    def _fill(self, digest: str, meta: Meta, sink: BinaryIO) -> None:
        """Write an object's bytes to a file, and see that they are what the digest says."""
        found = hashlib.sha256()
        try:
            for data in ranges(self._objects, meta, self._pool):
                found.update(data)
                sink.write(data)
        except FileNotFoundError as error:
            raise Missing(
                f"{self._place} does not hold {digest} any more.", hint=_RESTORE
            ) from error
        if found.hexdigest() != digest.removeprefix("sha256:"):
            raise Corrupt(
                f"{self._place} gave other bytes for {digest}: their sha256 differs.", hint=_RESTORE
            )
