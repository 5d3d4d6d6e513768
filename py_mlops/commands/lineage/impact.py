"""Impact: what a file, a snapshot, an address or a person went into, however far on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable
from dataclasses import dataclass

from py_mlops.commands.lineage.explain import MOST
from py_mlops.commands.lineage.sources import altered, read_as
from py_mlops.commands.lineage.subject import Subject
from py_mlops.progress import Report, silent
from py_mlops.records import Author, PredictionSegment, Snapshot
from py_mlops.store.base import Row
from py_mlops.store.edges import Point, key_of
from py_mlops.workspace import Workspace

_STEPS = 12
_NEXT = 8
_PAGE = 500
_SEGMENT = "prediction-segment"


@dataclass(frozen=True)
class Effect:
    """A snapshot that used something, as its record says.

    Attributes:
        id: Its id.
        seq: Its row in the ledger.
        name: The model's name.
        created: When.
        author: By whom.
        distance: 1 when it used the thing itself, 2 when it used an output of such a one, …
        source: Id of the snapshot whose output it used; empty for the thing itself.
        digest: What it used; where there are several files, one of them.
        used_as: By what name.
        files: How many files.
        level: How completely its session was watched.
    """

    id: str
    seq: int
    name: str
    created: str
    author: Author
    distance: int
    source: str
    digest: str
    used_as: str
    files: int
    level: str


@dataclass(frozen=True)
class Model:
    """A model that is affected.

    Attributes:
        name: Its name.
        snapshots: How many of its snapshots are.
        first: When the first of them was taken.
        newest: Id of the newest.
        created: When that was taken.
        author: By whom.
        heads: Heads that point at one of them now.
    """

    name: str
    snapshots: int
    first: str
    newest: str
    created: str
    author: str
    heads: tuple[str, ...]


@dataclass(frozen=True)
class Log:
    """A log of predictions that affected models made.

    Attributes:
        name: Its name, such as the head that was served.
        predictions: How many, also those deleted since.
        segments: In how many segments.
        first: When the first of these segments began.
        last: When the last prediction of them was made.
    """

    name: str
    predictions: int
    segments: int
    first: str
    last: str


@dataclass(frozen=True)
class Impact:
    """What something went into.

    Attributes:
        subject: What was asked about.
        models: The models, those that a head points at first.
        snapshots: How many snapshots in all.
        more: Whether there are even more than could be counted.
        logs: Logs of predictions that the subject or one of them made.
        effects: The first and nearest of them.
        direct: How many used the thing itself.
        gaps: Records that could not be read, so that something may be missing.
        rows: The ledger's rows of all affected snapshots, the oldest first.
    """

    subject: Subject
    models: tuple[Model, ...]
    snapshots: int
    more: bool
    logs: tuple[Log, ...]
    effects: tuple[Effect, ...]
    direct: int
    gaps: tuple[str, ...]
    rows: tuple[Row, ...]


def impact(workspace: Workspace, subject: Subject, *, report: Report = silent) -> Impact:
    """Follow something on, through every snapshot that used it or an output of one that did.

    Args:
        workspace: The store.
        subject: What `find_subject` found.
        report: Told about progress.

    Returns:
        What it went into; nothing, where nobody used it.

    Raises:
        Corrupt: When a record is damaged, or the index says what none does.
    """
    lineage, ledger = workspace.store.lineage, workspace.store.ledger
    lineage.catch_up(report=report)
    found = lineage.downstream(subject.point, MOST + 1)
    rows = [row for _, row in sorted(ledger.at(found[:MOST]).items())]
    direct, effects = _effects(workspace, subject)
    # Deployments join here, once there are records of them that name a snapshot.
    return Impact(
        subject=subject,
        models=tuple(_models(rows, ledger.heads())),
        snapshots=len(rows),
        more=len(found) > MOST,
        logs=tuple(_logs(workspace, {subject.id, *(row.record for row in rows)})),
        effects=tuple(effects),
        direct=direct,
        gaps=tuple(lineage.gaps()),
        rows=tuple(rows),
    )


def _models(rows: Iterable[Row], heads: dict[str, str]) -> list[Model]:
    pointing = defaultdict(list)
    for name, record in heads.items():
        pointing[record].append(name)
    by_name: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_name[row.subject].append(row)
    models = [
        Model(
            name=name,
            snapshots=len(some),
            first=some[0].time,
            newest=some[-1].record,
            created=some[-1].time,
            author=some[-1].author,
            heads=tuple(sorted(head for row in some for head in pointing[row.record])),
        )
        for name, some in by_name.items()
    ]
    return sorted(models, key=lambda one: (not one.heads, -one.snapshots, one.name))


def _logs(workspace: Workspace, snapshots: Container[str]) -> list[Log]:
    """Return the logs with predictions that some snapshots' models made."""
    store, logs = workspace.store, dict[str, Log]()
    before: int | None = None
    while rows := store.ledger.newest(kind=_SEGMENT, before=before, limit=_PAGE):
        for row in rows:
            segment = store.get_as(row.record, PredictionSegment)
            count = sum(one.rows for one in segment.answered if one.snapshot in snapshots)
            if count:
                log = logs.get(segment.log) or Log(
                    segment.log, 0, 0, segment.began, segment.created
                )
                logs[segment.log] = Log(
                    name=segment.log,
                    predictions=log.predictions + count,
                    segments=log.segments + 1,
                    first=min(log.first, segment.began),
                    last=max(log.last, segment.created),
                )
        before = rows[-1].seq
    return sorted(logs.values(), key=lambda log: (-log.predictions, log.name))


def _effects(workspace: Workspace, subject: Subject) -> tuple[int, list[Effect]]:
    """Return how many used the thing itself, and the nearest users, breadth first."""
    lineage = workspace.store.lineage
    if subject.kind == "person":
        return len(lineage.uses(subject.point, MOST)), []
    effects: list[Effect] = []
    waiting: list[tuple[Point, str, int]] = [(subject.point, "", 1)]
    seen = {subject.id}
    direct = 0
    while waiting and len(effects) < _STEPS:
        point, source, distance = waiting.pop(0)
        count, some = lineage.consumers(point, _NEXT)
        direct = count if distance == 1 else direct
        rows = workspace.store.ledger.at(one.seq for one in some)
        for one in some:
            identifier = rows[one.seq].record
            if identifier in seen or len(effects) == _STEPS:
                continue
            seen.add(identifier)
            snapshot = workspace.store.get_as(identifier, Snapshot)
            name = subject.word
            if point.kind != "origin":
                name = read_as(workspace, snapshot, one.example) or ""
                if not name:
                    raise altered(identifier)
            effects.append(
                Effect(
                    id=identifier,
                    seq=one.seq,
                    name=snapshot.request.name,
                    created=snapshot.created,
                    author=snapshot.author,
                    distance=distance,
                    source=source,
                    digest=one.example if point.kind != "origin" else "",
                    used_as=name,
                    files=one.files,
                    level=snapshot.capture.level,
                )
            )
            waiting.append((Point("snapshot", key_of(identifier)), identifier, distance + 1))
    return direct, effects
