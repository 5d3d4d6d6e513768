"""The store: bytes by digest, a ledger that proves its own past, and heads that move by consent."""

from __future__ import annotations

from py_mlops.store.base import Blobs, BlobWriter, Entry, Ledger, Move, Row
from py_mlops.store.blobs.statcache import StatCache, ingest, keep_unchanged
from py_mlops.store.opening import open_store
from py_mlops.store.store import Store

__all__ = [
    "BlobWriter",
    "Blobs",
    "Entry",
    "Ledger",
    "Move",
    "Row",
    "StatCache",
    "Store",
    "ingest",
    "keep_unchanged",
    "open_store",
]
