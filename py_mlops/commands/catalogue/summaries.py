"""Summaries: the shapes in which faces show what a store holds, in lists and one by one."""

from __future__ import annotations

from typing import Annotated

import msgspec

from py_mlops.records import Digest, Hole, Level, Reproduction, Snapshot
from py_mlops.records.capture import CaptureLevel


class VerdictSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict in a list.

    Attributes:
        id: The reproduction's id.
        level: The verdict.
        reason: Why, in one sentence.
        cause: The likely cause; empty when it came out the same.
        created: When the rerun ended.
        author: Who reran it.
        seconds: How long the rerun took.
    """

    id: Digest
    level: Level
    reason: str
    cause: str
    created: str
    author: str
    seconds: float


class SnapshotSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot in a list.

    Attributes:
        id: Its id.
        model: The model's name.
        created: When it was taken, RFC 3339 in UTC.
        author: Who took it.
        notebook: File name of its notebook; empty for a console.
        metrics: Numbers by name.
        capture: How completely the session was watched; ``null`` while it is
            not read yet (`complete` is false then).
        holes: How many things are missing.
        blocking: How many of them stop someone else.
        verdict: The newest verdict; ``null`` when it was never rerun.
        heads: Names of the heads that point at it.
        complete: Whether the record has been read; if not, ask again.
        problem: Why it cannot be read; empty when it can.
    """

    id: Digest
    model: str
    created: str
    author: str
    notebook: str
    metrics: dict[str, float]
    capture: CaptureLevel | None
    holes: int
    blocking: int
    verdict: VerdictSummary | None
    heads: list[str]
    complete: bool
    problem: str


class SnapshotPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of snapshots, newest first.

    Attributes:
        items: The snapshots.
        next: The cursor of the next page; ``null`` on the last.
    """

    items: list[SnapshotSummary]
    next: str | None


class HeadSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A named head.

    Attributes:
        name: ``digits@main``.
        branch: ``main``.
        target: Id of the record it points at.
        moved: When it was moved there.
        author: Who moved it.
    """

    name: str
    branch: str
    target: Digest
    moved: str
    author: str


class ModelSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A model in a list.

    Attributes:
        name: Its name.
        count: How many snapshots there are of it.
        newest: Its newest snapshot.
        heads: Its heads, ``main`` first.
        verdict: The newest verdict on any of its snapshots; ``null`` without one.
        verdict_on: Id of the snapshot that verdict is on.
    """

    name: str
    count: int
    newest: SnapshotSummary
    heads: list[HeadSummary]
    verdict: VerdictSummary | None
    verdict_on: Digest | None


class ModelPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of models, the one with the newest snapshot first.

    Attributes:
        items: The models.
        next: The cursor of the next page; ``null`` on the last.
    """

    items: list[ModelSummary]
    next: str | None


class SnapshotDetail(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one snapshot.

    Attributes:
        id: Its id.
        summary: Its line in a list.
        record: The record; its longest lists are cut.
        cut: How many entries were cut off, by the list's name.
        bytes: The size of its data in the store.
        holes: What is missing, the blocking ones first.
        verdicts: The newest verdicts on it, newest first.
        children: Ids of the newest snapshots that follow it.
    """

    id: Digest
    summary: SnapshotSummary
    record: Snapshot
    cut: dict[str, int]
    bytes: int
    holes: list[Hole]
    verdicts: list[VerdictSummary]
    children: list[Digest]


class ReproductionDetail(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one verdict.

    Attributes:
        id: Its id.
        model: The model's name.
        record: The record.
    """

    id: Digest
    model: str
    record: Reproduction


class ExecutedNotebook(msgspec.Struct, frozen=True, kw_only=True):
    """What was executed, as a notebook.

    Attributes:
        name: A file name for it.
        cells: How many cells were executed.
        shown: How many of them are in `content`.
        cut: Whether cells or outputs were cut for size.
        content: The notebook, nbformat 4.5; untrusted, to be shown sanitised.
    """

    name: str
    cells: int
    shown: int
    cut: bool
    content: dict[str, object]


class MetricPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One snapshot in a model's history.

    Attributes:
        id: The snapshot's id.
        created: When.
        metrics: Numbers by name.
        level: The newest verdict; ``null`` without one.
    """

    id: Digest
    created: str
    metrics: dict[str, float]
    level: Level | None


class MetricHistory(msgspec.Struct, frozen=True, kw_only=True):
    """How a model's metrics went, oldest first.

    Attributes:
        model: The model's name.
        names: Every metric's name, sorted.
        points: The newest snapshots of it, oldest first.
        earlier: Whether there are earlier ones.
    """

    model: str
    names: list[str]
    points: list[MetricPoint]
    earlier: bool


Limit = Annotated[int, msgspec.Meta(ge=1, le=200)]
"""How many items a page may have."""
