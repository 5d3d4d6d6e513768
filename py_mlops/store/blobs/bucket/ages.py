"""When a bucket's blobs were last wanted, and how removing one and wanting it exclude each other.

A bucket has neither locks nor times of access. So wanting a blob writes a note
and then looks for the collector's; the collector writes its note and then looks
for ours. As what is written is seen by whoever asks afterwards, at least one of
them sees the other; the collector gives way.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection
from datetime import datetime, timedelta

from py_mlops.errors import StoreUnavailable
from py_mlops.store.blobs.bucket.keys import CLOCK, DOOMED, doomed, key, noted_at, touched
from py_mlops.store.blobs.bucket.objects import Meta, Objects

_IN_HAND = 30.0
"""Seconds after its note in which the collector removes the blob, or lets it be."""

_DEAD = 180.0
"""Seconds after which a collector's note is that of one that died."""

_LOOK = 0.2


class Ages:
    """The notes of who wants blobs and who removes them, by the server's own clock."""

    def __init__(self, objects: Objects) -> None:
        """Keep notes in a bucket."""
        self._objects = objects
        self._clock: tuple[datetime, float] | None = None

    def now(self) -> datetime:
        """Return the server's time: ours may be another one."""
        if self._clock is None:
            path = f"{CLOCK}/{secrets.token_hex(16)}"
            before = time.monotonic()
            self._objects.put(path)
            meta = self._objects.meta(path)
            self._objects.remove(path)
            if meta is None:
                raise StoreUnavailable(
                    f"{self._objects.client.place} does not hold what was just written to it.",
                    hint="Use a bucket that shows at once what was written, as S3 does.",
                )
            self._clock = meta.modified, before
        said, then = self._clock
        return said + timedelta(seconds=time.monotonic() - then)

    def wanted(self, meta: Meta, digest: str) -> datetime:
        """Return when a blob was last put or wanted."""
        note = self._objects.meta(touched(digest))
        return max(meta.modified, note.modified) if note else meta.modified

    def want(self, digest: str) -> None:
        """Note that a blob is wanted; `settle` says whether that came in time."""
        self._objects.put(touched(digest))

    def settle(self, digests: Collection[str]) -> bool:
        """Wait until no collector has any of some blobs in hand that were noted as wanted.

        Returns:
            Whether one had, so that its blob may be gone.
        """
        met = False
        while found := self._in_hand(digests):
            met = True
            for path in found:
                # One that died removed its blob or did not; either way it does nothing more.
                if self._age(path) > _DEAD:
                    self._objects.remove(path)
            time.sleep(_LOOK)
        return met

    def remove(self, digest: str, idle: float) -> bool:
        """Remove a blob that was not wanted in the last ``idle`` seconds, see `Blobs.delete`."""
        meta = self._objects.meta(key(digest))
        if meta is None or self._young(meta, digest, idle):
            return False
        began = time.monotonic()
        self._objects.put(doomed(digest))
        try:
            again = self._objects.meta(key(digest))
            if again is None or self._young(again, digest, idle):
                return False
            if time.monotonic() - began > _IN_HAND:
                return False  # a writer may take us for dead before the next request is through
            self._objects.remove(key(digest), touched(digest))
        finally:
            self._objects.remove(doomed(digest))
        return True

    def _young(self, meta: Meta, digest: str, idle: float) -> bool:
        return idle > 0 and self.wanted(meta, digest) > self.now() - timedelta(seconds=idle)

    def _in_hand(self, digests: Collection[str]) -> list[str]:
        return [
            note.path
            for page in self._objects.list(DOOMED)
            for note in page
            if noted_at(note.path) in digests
        ]

    def _age(self, path: str) -> float:
        note = self._objects.meta(path)
        return (self.now() - note.modified).total_seconds() if note else 0.0
