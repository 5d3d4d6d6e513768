"""Stores one blob by itself: a batch of one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path

from py_mlops.records import Blob
from py_mlops.store.base import BlobWriter


class Singly(ABC):
    """The part of `Blobs` that every kind of place has alike."""

    @abstractmethod
    def batch(self) -> AbstractContextManager[BlobWriter]:
        """Return a writer whose blobs become durable together, see `Blobs`."""

    def put_bytes(self, data: bytes) -> Blob:
        """Store some bytes, see `Blobs`."""
        with self.batch() as writer:
            return writer.put_bytes(data)

    def put_pieces(self, pieces: Iterable[bytes]) -> Blob:
        """Store some pieces as one blob, see `Blobs`."""
        with self.batch() as writer:
            return writer.put_pieces(pieces)

    def put_file(self, path: Path) -> Blob:
        """Store a copy of a file, see `Blobs`."""
        with self.batch() as writer:
            return writer.put_file(path)
