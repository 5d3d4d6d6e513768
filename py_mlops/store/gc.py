"""Finds and removes what no record and no head reaches."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from py_mlops.records import Blob
from py_mlops.store.ledger.claims import DAY
from py_mlops.store.reach import reachable
from py_mlops.store.store import Store


@dataclass(frozen=True)
class GarbagePlan:
    """What may be removed.

    Attributes:
        blobs: Blobs that nothing reached when the plan was made.
        bytes: Their size.
        tmp_files: What interrupted writers left behind.
        grace_seconds: Nothing younger is removed.
        size: Rows of the ledger when the plan was made.
    """

    blobs: tuple[Blob, ...]
    bytes: int
    tmp_files: tuple[str, ...]
    grace_seconds: float
    size: int


def plan(
    store: Store, grace_seconds: float = DAY, dead: Collection[str] = frozenset()
) -> GarbagePlan:
    """Find what nothing reaches; remove nothing.

    Args:
        store: The store.
        grace_seconds: Spare what was put or touched since: its record may be
            on its way.
        dead: What may go although a record names it, because a later one says so.

    Returns:
        What `sweep` would remove.

    Raises:
        Missing, Corrupt: When a record cannot be read, so that nobody knows
            what it reaches.
    """
    size = store.ledger.size()
    roots = {row.record for row in store.ledger.rows()} | set(store.ledger.heads().values())
    kept = reachable(store.blobs, roots) | {mark.record for mark in store.ledger.marks()}
    kept -= set(dead)
    garbage = tuple(blob for blob in store.blobs.stale(grace_seconds) if blob.digest not in kept)
    return GarbagePlan(
        blobs=garbage,
        bytes=sum(blob.size for blob in garbage),
        tmp_files=tuple(store.blobs.sweep_tmp(grace_seconds, dry_run=True)),
        grace_seconds=grace_seconds,
        size=size,
    )


def sweep(store: Store, plan: GarbagePlan) -> GarbagePlan:
    """Remove what a plan names, unless something reaches it by now.

    Args:
        store: The store.
        plan: What to remove.

    Returns:
        What was removed.

    Raises:
        StoreUnavailable: When the store cannot be written.
    """
    size, kept, removed = plan.size, set[str](), []
    for blob in plan.blobs:
        if store.ledger.size() > size:
            rows = list(store.ledger.rows(size))
            kept |= reachable(store.blobs, (row.record for row in rows))
            size = rows[-1].seq + 1
        # The store looks at the blob's age once more, where no writer can come between.
        if blob.digest not in kept and store.blobs.delete(blob.digest, idle=plan.grace_seconds):
            removed.append(blob)
    return GarbagePlan(
        blobs=tuple(removed),
        bytes=sum(blob.size for blob in removed),
        tmp_files=tuple(store.blobs.sweep_tmp(plan.grace_seconds)),
        grace_seconds=plan.grace_seconds,
        size=size,
    )
