"""Trend: how a model's metrics went over its snapshots, with what their reruns got."""

from __future__ import annotations

from collections.abc import Mapping

from py_mlops.commands.history import newest_verdict
from py_mlops.errors import Corrupt, Missing
from py_mlops.records import Snapshot
from py_mlops.report.chart import thinned
from py_mlops.report.metrics import MOST, Measured, Trend
from py_mlops.workspace import Workspace

_LOOKED_AT = 2000


def trend(
    workspace: Workspace,
    name: str,
    heads: Mapping[str, tuple[str, ...]],
    *,
    before: int | None = None,
) -> Trend:
    """Return how a model's metrics went.

    Of many snapshots only some are read, so that it takes no longer in a store
    of years; a damaged one is counted, not raised.

    Args:
        workspace: The store.
        name: The model's name.
        heads: The names of the heads that point at each record, see `heads_by_target`.
        before: Only snapshots before this place in the ledger.

    Returns:
        The snapshots, the oldest first.

    Raises:
        Corrupt: When a row of the ledger is damaged.
    """
    rows = workspace.store.ledger.newest(
        kind="snapshot", subject=name, before=before, limit=_LOOKED_AT + 1
    )
    row = [one.record for one in reversed(rows[:_LOOKED_AT])]
    points = []
    unread = 0
    for identifier in thinned(row, MOST):
        try:
            points.append(_measured(workspace, identifier, heads))
        except (Corrupt, Missing):
            unread += 1
    return Trend(tuple(points), len(row), len(rows) > _LOOKED_AT, unread)


def heads_by_target(workspace: Workspace) -> dict[str, tuple[str, ...]]:
    """Return the names of the heads that point at each record."""
    found: dict[str, tuple[str, ...]] = {}
    for name, target in sorted(workspace.store.ledger.heads().items()):
        found[target] = (*found.get(target, ()), name)
    return found


def _measured(
    workspace: Workspace, identifier: str, heads: Mapping[str, tuple[str, ...]]
) -> Measured:
    snapshot = workspace.store.get_as(identifier, Snapshot)
    verdict = newest_verdict(workspace, identifier)
    return Measured(
        id=identifier,
        created=snapshot.created,
        metrics=snapshot.metrics,
        rerun={one.name: one.rerun for one in verdict.metrics} if verdict else {},
        level=verdict.level if verdict else None,
        heads=heads.get(identifier, ()),
    )
