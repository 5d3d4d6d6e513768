"""History: where a head pointed, from when to when, and who moved it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from py_mlops.errors import InputError, UnknownReference
from py_mlops.records import HeadMove
from py_mlops.store.base import Row
from py_mlops.store.reference import MAIN
from py_mlops.workspace import Workspace

_PAGE = 500


@dataclass(frozen=True)
class Moved:
    """A head's move.

    Attributes:
        id: The record's id.
        seq: Its row.
        move: The record.
        until: When the head moved on; empty while it still points there.
    """

    id: str
    seq: int
    move: HeadMove
    until: str


@dataclass(frozen=True)
class Moves:
    """The history of a head, or the part of it that was asked for.

    Attributes:
        head: Its whole name.
        at: The moment that was asked for, as records write it; empty for none.
        moves: The moves, the newest first; with ``at`` the one that held then, or none.
        first: When the head was made.
        doubt: Why the answer may be another one; empty when there is no doubt.
    """

    head: str
    at: str
    moves: tuple[Moved, ...]
    first: str
    doubt: str = ""


def moves(
    workspace: Workspace,
    name: str,
    *,
    at: str | None = None,
    limit: int = 20,
    before: int | None = None,
) -> Moves:
    """Say where a head pointed, and who moved it when.

    Args:
        workspace: The store.
        name: The head, or a model's name for its ``main``.
        at: A moment in ISO 8601; without a zone it is UTC, without a time the day's beginning.
        limit: At most so many moves.
        before: Only those before this place in the ledger, for the next page.

    Returns:
        The moves, the newest first; with ``at`` what it pointed at then.

    Raises:
        UnknownReference: When there is no such head.
        InputError: When the moment cannot be read.
        Corrupt: When a row or a record is damaged.
    """
    head = name if "@" in name else f"{name}@{MAIN}"
    moment = "" if at is None else _moment(at)
    newest = workspace.store.ledger.newest(kind="head-move", subject=head, limit=1)
    if not newest:
        known = ", ".join(sorted(workspace.store.ledger.heads())[:10]) or "none"
        raise UnknownReference(f"There is no head {head[:80]!r}.", hint=f"Heads: {known}.")
    first = _first(workspace, head)
    if moment:
        return _held(workspace, head, moment, first)
    rows = workspace.store.ledger.newest(
        kind="head-move", subject=head, before=before, limit=max(limit, 0)
    )
    until = _next_time(workspace, head, rows[0].seq) if rows and before is not None else ""
    found = []
    for row in rows:
        found.append(_moved(workspace, row, until))
        until = row.time
    return Moves(head, "", tuple(found), first)


def _first(workspace: Workspace, head: str) -> str:
    for row in _all(workspace, head):
        if row.move is not None and row.move.previous is None:
            return row.time
    return ""


def _all(workspace: Workspace, head: str) -> list[Row]:
    rows: list[Row] = []
    before: int | None = None
    while page := workspace.store.ledger.newest(
        kind="head-move", subject=head, before=before, limit=_PAGE
    ):
        rows += page
        before = page[-1].seq
    return rows


def _next_time(workspace: Workspace, head: str, seq: int) -> str:
    later = [row for row in _all(workspace, head) if row.seq > seq]
    return later[-1].time if later else ""


def _held(workspace: Workspace, head: str, moment: str, first: str) -> Moves:
    """Return the move that held at a moment: the last of the log up to then."""
    rows = _all(workspace, head)
    chosen = next((place for place, row in enumerate(rows) if row.time <= moment), None)
    if chosen is None:
        return Moves(head, moment, (), first)
    until = rows[chosen - 1].time if chosen else ""
    earlier = rows[chosen + 1 :]
    doubt = ""
    if any(row.time > moment for row in earlier):
        doubt = (
            "Clocks disagreed: the ledger has a move before this one that bears a time after "
            f"{moment}. The ledger's order is what counts here."
        )
    return Moves(head, moment, (_moved(workspace, rows[chosen], until),), first, doubt)


def _moved(workspace: Workspace, row: Row, until: str) -> Moved:
    return Moved(row.record, row.seq, workspace.store.get_as(row.record, HeadMove), until)


def _moment(text: str) -> str:
    try:
        found = datetime.fromisoformat(text.strip())
        zoned = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
        return zoned.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"{text[:60]!r} is no moment.",
            hint="Write it as 2026-03-01, 2026-03-01T14:30 (UTC) or 2026-03-01T14:30+02:00.",
        ) from error
