"""Log and show: the snapshots of a store, newest first, and any one record."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from py_mlops.errors import UnknownReference
from py_mlops.records import AnyRecord, Reproduction, Snapshot
from py_mlops.store.base import Row
from py_mlops.workspace import Workspace, latest

KINDS = (
    "snapshot",
    "reproduction",
    "head-move",
    "import",
    "public-key",
    "signature",
    "prediction-segment",
    "redaction",
    "hold",
)
"""The kinds of records that have a row, and so a name."""

_LOOKED_AT = 100
_RERUNS = 1000
_SHOWN = 5


@dataclass(frozen=True)
class Logged:
    """A snapshot in a list.

    Attributes:
        id: Its id.
        seq: Its place in the ledger; the next page begins before it.
        snapshot: The record.
        verdict: The newest verdict on it, when it was ever rerun.
    """

    id: str
    seq: int
    snapshot: Snapshot
    verdict: Reproduction | None


def log(
    workspace: Workspace,
    name: str | None = None,
    *,
    limit: int = 20,
    before: int | None = None,
) -> list[Logged]:
    """List snapshots, newest first.

    Args:
        workspace: The store.
        name: Only this model's.
        limit: At most so many.
        before: Only those before this place in the ledger, for the next page.

    Returns:
        The snapshots, each with its newest verdict.

    Raises:
        UnknownReference: When no snapshot is of that model.
        Corrupt: When a row or a record is damaged.
    """
    store = workspace.store
    rows = store.ledger.newest(kind="snapshot", subject=name, before=before, limit=max(limit, 0))
    if name is not None and not rows:
        _check_name(workspace, name)
    return [
        Logged(
            id=row.record,
            seq=row.seq,
            snapshot=store.get_as(row.record, Snapshot),
            verdict=newest_verdict(workspace, row.record),
        )
        for row in rows
    ]


def _check_name(workspace: Workspace, name: str) -> None:
    """Refuse a model's name that no snapshot has; an empty page of one that is there is fine."""
    ledger = workspace.store.ledger
    if ledger.newest(kind="snapshot", subject=name, limit=1):
        return
    # Heads know every model made here; what came in a bundle is only in the log.
    known = {head.partition("@")[0] for head in ledger.heads()}
    known |= {row.subject for row in ledger.newest(kind="snapshot", limit=_LOOKED_AT)}
    near = difflib.get_close_matches(name, sorted(known))
    if near:
        hint = f"Did you mean {' or '.join(near)}?"
    elif known:
        hint = f"There are snapshots of {', '.join(sorted(known)[:_SHOWN])}."
    else:
        hint = "The store is empty: take a snapshot first, or set MLOPS_STORE to another store."
    raise UnknownReference(f"There is no snapshot of a model called {name[:80]!r}.", hint=hint)


def newest_verdict(workspace: Workspace, snapshot_id: str) -> Reproduction | None:
    """Return the newest verdict on a snapshot, ``None`` when it was never rerun."""
    rows = reruns_of(workspace, snapshot_id, limit=1)
    return workspace.store.get_as(rows[0].record, Reproduction) if rows else None


def reruns_of(workspace: Workspace, snapshot_id: str, *, limit: int) -> list[Row]:
    """Return the rows of a snapshot's newest reruns, newest first.

    It counts when a rerun ended, not when it came here: it may have come late, with
    a pull. One that claims to end in the future ranks behind all others, so that
    a clock set forward does not decide for ever what is shown.

    Args:
        workspace: The store.
        snapshot_id: The snapshot's whole id.
        limit: At most so many, of the last thousand that came here.
    """
    ledger, most = workspace.store.ledger, latest()
    rows = ledger.newest(kind="reproduction", subject=snapshot_id, limit=_RERUNS)
    rows.sort(key=lambda row: (row.time <= most, row.time, row.seq), reverse=True)
    return rows[:limit]


def show(workspace: Workspace, reference: str) -> tuple[str, AnyRecord]:
    """Return any record by its id, an id's beginning, or a model's name.

    Args:
        workspace: The store.
        reference: ``digits``, ``digits@main``, ``9f86d081`` or a whole id.

    Returns:
        The whole id and the record.

    Raises:
        UnknownReference: When nothing goes by that name.
    """
    found = workspace.store.resolve(reference, kinds=KINDS)
    return found, workspace.store.get(found)
