"""Diff: what changed from one snapshot to another, in text."""

from __future__ import annotations

from dataclasses import dataclass

from py_mlops.environment.compare import changes
from py_mlops.notebook.listing import unified
from py_mlops.records import DataFile, History, Snapshot, decode_as
from py_mlops.report.page import counted
from py_mlops.workspace import Workspace


@dataclass(frozen=True)
class Changes:
    """What changed from one snapshot to another, each as lines for a person.

    Attributes:
        metrics: By name: the value in either, ``None`` where there is none.
        parameters: Parameters with another value.
        data: Files added, removed or changed.
        environment: Interpreter and packages.
        program: A unified diff of the executed cells.
    """

    metrics: dict[str, tuple[float | None, float | None]]
    parameters: list[str]
    data: list[str]
    environment: list[str]
    program: list[str]


def diff(workspace: Workspace, first: str, second: str) -> Changes:
    """Compare two snapshots without running anything.

    Args:
        workspace: The store.
        first: Whole id of the older one.
        second: Whole id of the newer one.

    Returns:
        What changed.

    Raises:
        UnknownReference: When one is not in the store.
        Corrupt: When one is damaged.
    """
    a, b = (workspace.store.get_as(item, Snapshot) for item in (first, second))
    histories = [
        decode_as(workspace.store.blobs.read(one.program.history.digest), History) for one in (a, b)
    ]
    names = sorted({*a.metrics, *b.metrics})
    return Changes(
        metrics={name: (a.metrics.get(name), b.metrics.get(name)) for name in names},
        parameters=_parameters(a.parameters, b.parameters),
        data=_data(a.data, b.data),
        environment=changes(a.environment, b.environment),
        program=unified(*histories),
    )


def _parameters(a: dict[str, object], b: dict[str, object]) -> list[str]:
    return [
        f"{name}: {a.get(name, 'not set')} → {b.get(name, 'not set')}"
        for name in sorted({*a, *b})
        if (name in a) != (name in b) or a.get(name) != b.get(name)
    ]


def _data(a: list[DataFile], b: list[DataFile]) -> list[str]:
    old, new = ({file.path: file for file in side} for side in (a, b))
    lines = []
    for path in sorted({*old, *new}):
        before, after = old.get(path), new.get(path)
        if before is None and after is not None:
            lines.append(f"+ {after.requested} ({after.role})")
        elif after is None and before is not None:
            lines.append(f"- {before.requested} ({before.role})")
        elif before and after and before.blobs != after.blobs:
            then, now = (sum(blob.size for blob in file.blobs) for file in (before, after))
            size = f"{then:,} → {counted(now, 'byte')}"
            lines.append(f"~ {after.requested} ({after.role}): {size}")
    return lines
