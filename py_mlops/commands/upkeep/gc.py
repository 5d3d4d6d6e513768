"""Gc: remove what no record and no head reaches; a dry run unless told otherwise."""

from __future__ import annotations

from dataclasses import dataclass

from py_mlops.commands.upkeep.retention import expire, expired, stale
from py_mlops.environment.kept import forget
from py_mlops.progress import Progress, Report, silent
from py_mlops.report.page import counted
from py_mlops.store.gc import plan, sweep
from py_mlops.store.ledger.claims import DAY
from py_mlops.workspace import Workspace


@dataclass(frozen=True)
class Collected:
    """What the garbage collector found.

    Attributes:
        objects: How many objects nothing reaches; of a deletion, how many are gone.
        size: Their bytes.
        leftovers: Temporary files of processes that died.
        environments: Cached environments unused for long; they can be rebuilt.
        deleted: Whether they are gone now, or this was a dry run.
        expired: Segments of predictions whose time is over and that nobody holds.
        waiting: Objects that were spared for now: a team's are marked first, and
            removed by a run after the grace period.
    """

    objects: int
    size: int
    leftovers: int
    environments: int
    deleted: bool
    expired: int = 0
    waiting: int = 0


def gc(
    workspace: Workspace,
    *,
    delete: bool = False,
    grace: float = DAY,
    report: Report = silent,
) -> Collected:
    """Find, and on request remove, what nothing reaches.

    Everything that a head or any record in the ledger reaches stays, but what segments of
    predictions say after the time that the rules give them, unless held. Bytes
    younger than the grace period stay too: another process may be about to
    write the record that names them.

    Args:
        workspace: The store and the cache.
        delete: Really remove; else only say what would be.
        grace: Seconds of age below which unreached bytes are left alone.
        report: Told about progress.

    Returns:
        What was found.

    Raises:
        Corrupt: When a record cannot be read: then nothing is removed, because
            what it reaches is unknown.
    """
    report(Progress("gc", "marking what records reach"))
    over = expired(workspace)
    if delete and over:
        report(Progress("gc", f"expiring {counted(len(over), 'segment')} of predictions"))
        expire(workspace, over)
    found = plan(workspace.store, grace, stale(workspace))
    waiting = 0
    environments = forget(workspace.cache, dry_run=not delete)
    if delete:
        report(Progress("gc", f"removing {counted(len(found.blobs), 'object')}"))
        planned, found = len(found.blobs), sweep(workspace.store, found)
        waiting = planned - len(found.blobs)
    return Collected(
        objects=len(found.blobs),
        size=found.bytes,
        leftovers=len(found.tmp_files),
        environments=len(environments),
        deleted=delete,
        expired=len(over),
        waiting=waiting,
    )
