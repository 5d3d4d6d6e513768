"""Diff: what changed from one snapshot to another, in text."""

from __future__ import annotations

from dataclasses import dataclass

from py_mlops.data.contents import Contents
from py_mlops.environment.compare import changes
from py_mlops.notebook.listing import unified
from py_mlops.records import DataFile, History, Snapshot, decode_as
from py_mlops.report.page import counted
from py_mlops.workspace import Workspace

_MOST_OF_A_FOLDER = 50
"""More files of one folder are told in one line."""


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
        data=_data(*(Contents(workspace.store.blobs, one).files for one in (a, b))),
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
    changed: dict[tuple[str, str, str], list[str]] = {}
    for path in sorted({*old, *new}):
        before, after = old.get(path), new.get(path)
        file = after or before
        if file is None or (before and after and before.blobs == after.blobs):
            continue
        sign = "+" if before is None else "-" if after is None else "~"
        line = f"{sign} {file.requested} ({file.role})"
        if before and after:
            then, now = (sum(blob.size for blob in one.blobs) for one in (before, after))
            line += f": {then:,} → {counted(now, 'byte')}"
        key = sign, file.requested.rpartition("/")[0], file.role
        changed.setdefault(key, []).append(line)
    return [
        line
        for (sign, folder, role), lines in changed.items()
        for line in (
            [f"{sign} {folder or '.'}/ ({counted(len(lines), 'file')}, {role})"]
            if len(lines) > _MOST_OF_A_FOLDER
            else lines
        )
    ]
