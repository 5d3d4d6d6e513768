"""Retention: how long what is kept, what is held, and the deletion of what is neither."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from py_mlops.errors import InputError
from py_mlops.predictions import current
from py_mlops.predictions.redacting import redact as redact_rows
from py_mlops.predictions.redacting import superseded
from py_mlops.records import Hold, PredictionSegment, record_id
from py_mlops.workspace import Workspace, now


def hold(workspace: Workspace, reference: str, *, reason: str, release: bool = False) -> str:
    """Keep something from being deleted, or no longer.

    Args:
        workspace: The store, and who says so.
        reference: A segment of predictions, a snapshot (then every segment with
            predictions of it), or a model's name.
        reason: Why, in words.
        release: End a hold instead.

    Returns:
        The hold's id.

    Raises:
        UnknownReference: When nothing goes by that name.
        InputError: When no reason is given, or nothing is held.
    """
    target = workspace.store.resolve(reference, ("snapshot", "prediction-segment"))
    if not reason.strip():
        raise InputError("A hold needs a reason.", hint="Give one: --reason TEXT.")
    if release and not is_held(workspace, target):
        raise InputError(
            f"{reference} is not held.", hint="`mlops hold REF --reason TEXT` holds it."
        )
    record = Hold(
        created=now(),
        author=workspace.author,
        target=target,
        state="released" if release else "held",
        reason=reason,
    )
    workspace.store.add(record)
    return record_id(record)


def is_held(workspace: Workspace, target: str) -> bool:
    """Say whether the newest hold on something holds it."""
    rows = workspace.store.ledger.newest(kind="hold", subject=target, limit=1)
    return bool(rows) and workspace.store.get_as(rows[0].record, Hold).state == "held"


def redact(workspace: Workspace, segment_id: str, rows: list[int], *, reason: str) -> str:
    """Delete rows of a segment of predictions, see `predictions.redact`.

    Raises:
        InputError: When the segment is held, or there is no such row.
    """
    _check_free(workspace, segment_id)
    return redact_rows(
        workspace.store,
        segment_id,
        rows,
        reason=reason,
        author=workspace.author,
        created=now(),
    )


def expired(workspace: Workspace, *, at: datetime | None = None) -> list[str]:
    """Return the segments whose time is over, that are not held, and of which something is left.

    Args:
        workspace: The store and its rules.
        at: When; now by default.
    """
    kept = timedelta(days=workspace.settings.retention)
    limit = (at or datetime.now(UTC)) - kept
    found = []
    before: int | None = None
    store = workspace.store
    while rows := store.ledger.newest(kind="prediction-segment", before=before):
        for row in rows:
            segment = store.get_as(row.record, PredictionSegment)
            ended = datetime.fromisoformat(segment.created)
            if ended < limit and current(store, row.record, segment).payload is not None:
                found.append(row.record)
        before = rows[-1].seq
    return [one for one in found if not _held_by(workspace, one)]


def expire(workspace: Workspace, segments: list[str]) -> None:
    """Delete what segments say, with a record for each."""
    days = workspace.settings.retention
    for segment in segments:
        redact_rows(
            workspace.store,
            segment,
            None,
            reason=f"retention: kept for {days} days",
            author=workspace.author,
            created=now(),
        )


def stale(workspace: Workspace) -> set[str]:
    """Return what redactions have left to be deleted."""
    return superseded(workspace.store)


def _held_by(workspace: Workspace, segment_id: str) -> list[str]:
    """Return what holds a segment: itself, or a snapshot whose predictions it has."""
    store = workspace.store
    held = [segment_id] if is_held(workspace, segment_id) else []
    targets: set[str] = set()
    before: int | None = None
    while rows := store.ledger.newest(kind="hold", before=before):
        targets |= {row.subject for row in rows}
        before = rows[-1].seq
    snapshots = {one for one in targets if is_held(workspace, one)} - {segment_id}
    if not snapshots:
        return held
    segment = store.get_as(segment_id, PredictionSegment)
    left = current(store, segment_id, segment)
    if left.payload is None:
        return held
    with store.blobs.open(left.payload) as lines:
        for line in lines:
            held += [one for one in snapshots if one.encode() in line]
            if held:
                break
    return held


def _check_free(workspace: Workspace, segment_id: str) -> None:
    held = _held_by(workspace, segment_id)
    if held:
        raise InputError(
            f"Segment {segment_id[7:19]} is held, by a hold on {held[0][7:19]}.",
            hint="End the hold first: mlops hold REF --release --reason TEXT.",
        )
