"""Asks a store for many blobs at once, and keeps those it has."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, runtime_checkable

from py_mlops.records import Blob
from py_mlops.store.base import Blobs

_AT_ONCE = 4


@runtime_checkable
class TouchesMany(Protocol):
    """A store that answers for many blobs at once sooner than for one after the other."""

    def touch_all(self, digests: Collection[str]) -> dict[str, Blob]:
        """Keep many blobs, and return those that the store holds."""
        ...


def touch_all(blobs: Blobs, digests: Collection[str]) -> dict[str, Blob]:
    """Keep many blobs from the garbage collector for another grace period.

    Args:
        blobs: The store.
        digests: Which.

    Returns:
        Those that the store holds, by digest; the others must be put.

    Raises:
        StoreUnavailable: When the store does not answer.
    """
    if isinstance(blobs, TouchesMany):
        return blobs.touch_all(digests)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return {blob.digest: blob for blob in pool.map(blobs.touch, digests) if blob}
