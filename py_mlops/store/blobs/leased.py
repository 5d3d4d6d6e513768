"""Blobs of a team: what is put is claimed, so that no colleague's garbage collector removes it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from py_mlops.errors import FileChanged
from py_mlops.records import Blob
from py_mlops.store.base import Blobs, BlobWriter
from py_mlops.store.blobs.singly import Singly
from py_mlops.store.blobs.spool import spool
from py_mlops.store.blobs.touching import touch_all
from py_mlops.store.ledger.claims import DAY, Claims

_FRESH = DAY / 24
"""Seconds after which this process claims an object anew."""


class LeasedBlobs(Singly):
    """Blobs in any place, with their leases in a database.

    A place such as a bucket has no locks: whether an object may be removed is
    decided in the database, where it and a writer's claim exclude each other.
    """

    def __init__(self, blobs: Blobs, claims: Claims) -> None:
        """Lease blobs.

        Args:
            blobs: The bytes.
            claims: The leases.
        """
        self._blobs = blobs
        self._claims = claims
        self._claimed: dict[str, float] = {}

    @contextmanager
    def batch(self) -> Iterator[BlobWriter]:
        """Return a writer whose blobs become durable and claimed together, see `Blobs`."""
        with ExitStack() as held:
            with self._blobs.batch() as inner:
                taken = _Taken(inner, held)
                yield taken
            # Only now, since a file's digest is known when it has been read. What was there
            # before and buried, and was therefore not written, may be gone by now.
            doubtful = self._claim(taken.sources)
            lost = [digest for digest in sorted(doubtful) if not self._blobs.has(digest)]
            if lost:
                with self._blobs.batch() as again:
                    for digest in lost:
                        taken.put_again(digest, again)

    def has(self, digest: str) -> bool:
        """Say whether the store holds these bytes, see `Blobs`."""
        return self._blobs.has(digest)

    def open(self, digest: str) -> BinaryIO:
        """Open a blob for reading, unverified, see `Blobs`."""
        return self._blobs.open(digest)

    def read(self, digest: str) -> bytes:
        """Return a blob's bytes, verified, see `Blobs`."""
        return self._blobs.read(digest)

    def copy_to(self, digest: str, target: Path) -> None:
        """Write a verified copy of a blob to a file, see `Blobs`."""
        self._blobs.copy_to(digest, target)

    def __iter__(self) -> Iterator[Blob]:
        """Iterate over every blob, in no order."""
        return iter(self._blobs)

    def touch(self, digest: str) -> Blob | None:
        """Claim a blob, see `Blobs`."""
        if self._blobs.has(digest):  # checks the name, too
            if time.monotonic() - self._claimed.get(digest, -_FRESH) >= _FRESH:
                self._claim([digest])
            return self._blobs.touch(digest)
        return None

    def touch_all(self, digests: Collection[str]) -> dict[str, Blob]:
        """Claim many blobs at once, see `touching.touch_all`."""
        held = touch_all(self._blobs, digests)
        doubtful = self._claim(held)
        return {one: held[one] for one in held if one not in doubtful or self._blobs.has(one)}

    def stale(self, seconds: float) -> Iterator[Blob]:
        """Iterate over the blobs not put or touched for so long, see `Blobs`."""
        return self._blobs.stale(seconds)

    def delete(self, digest: str, *, idle: float = 0) -> bool:
        """Bury a blob, and remove it when it has been buried for ``idle`` seconds, see `Blobs`."""
        self._claimed.pop(digest, None)
        return self._claims.bury(digest, idle, lambda: self._blobs.delete(digest, idle=idle))

    def sweep_tmp(self, older_than_seconds: float, *, dry_run: bool = False) -> list[str]:
        """Remove what interrupted writers left behind, see `Blobs`."""
        if not dry_run:
            self._claims.forget(older_than_seconds, self._blobs.has)
        return self._blobs.sweep_tmp(older_than_seconds, dry_run=dry_run)

    def _claim(self, digests: Collection[str]) -> set[str]:
        found = self._claims.claim(digests) if digests else set()
        self._claimed.update(dict.fromkeys(digests, time.monotonic()))
        return found


class _Taken:
    """A batch's writer, which remembers where each blob came from until it is claimed."""

    def __init__(self, inner: BlobWriter, held: ExitStack) -> None:
        self._inner, self._held = inner, held
        self.sources: dict[str, bytes | Path] = {}

    def put_bytes(self, data: bytes) -> Blob:
        """Store some bytes, see `BlobWriter`."""
        blob = self._inner.put_bytes(data)
        self.sources[blob.digest] = data
        return blob

    def put_pieces(self, pieces: Iterable[bytes]) -> Blob:
        """Store some pieces as one blob, see `BlobWriter`."""
        folder = self._held.enter_context(
            tempfile.TemporaryDirectory(prefix="mlops-batch-", ignore_cleanup_errors=True)
        )
        return self.put_file(spool(pieces, Path(folder)))

    def put_file(self, path: Path) -> Blob:
        """Store a copy of a file, see `BlobWriter`."""
        blob = self._inner.put_file(path)
        self.sources.setdefault(blob.digest, path)
        return blob

    def put_again(self, digest: str, writer: BlobWriter) -> None:
        """Store a blob once more, which was removed while its batch was open."""
        source = self.sources[digest]
        if isinstance(source, bytes):
            writer.put_bytes(source)
        elif writer.put_file(source).digest != digest:
            raise FileChanged(
                f"{source} changed while it was being copied.",
                hint="Wait until nothing writes to it, and take the snapshot anew.",
            )
