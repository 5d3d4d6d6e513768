"""Explain: where a model, a file or a person's work comes from, back to raw data."""

from __future__ import annotations

from dataclasses import dataclass, field

from py_mlops.commands.history import reruns_of
from py_mlops.commands.lineage.sources import Source, altered, made_as, sources_of
from py_mlops.commands.lineage.subject import Subject
from py_mlops.errors import UnknownReference
from py_mlops.progress import Report, silent
from py_mlops.records import Author, Snapshot
from py_mlops.store.base import Row
from py_mlops.store.edges import Point, key_of
from py_mlops.workspace import Workspace

MOST = 100_000
"""Ancestors or effects are counted up to here; more are told as more."""

_STEPS = 12
_USES = 20
_ELSEWHERE = {"holdout", "model"}
"""Holes that say nothing of where something comes from."""


@dataclass(frozen=True)
class Step:
    """A snapshot on the way back, as its record says.

    Attributes:
        id: Its id.
        seq: Its row in the ledger.
        name: The model's name.
        created: When.
        author: By whom.
        distance: How many snapshots lie between it and the subject, and one; 0 for itself.
        level: How completely its session was watched.
        holes: What its record says is missing of what it was made of.
        sources: What it was made of.
    """

    id: str
    seq: int
    name: str
    created: str
    author: Author
    distance: int
    level: str
    holes: tuple[str, ...]
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Occurrence:
    """A record in which some bytes, a person or an address occurs.

    Attributes:
        id: The record's id.
        kind: Its kind.
        subject: What it is about: of a snapshot the model's name.
        author: Its author's name.
        created: When it was made.
        role: As what it occurs, ``read``, ``made``, ``model``, …
        name: By what name.
        inside: Whether it is a file of a folder that has that name.
    """

    id: str
    kind: str
    subject: str
    author: str
    created: str
    role: str
    name: str
    inside: bool


@dataclass(frozen=True)
class Explanation:
    """Where something comes from.

    Attributes:
        subject: What was asked about.
        occurrences: For bytes, people and addresses: where they occur, the oldest first.
        steps: The snapshot, and those that made what it was made of, the nearest first.
        ancestors: How many snapshots it came from in all.
        more: Whether there are even more than could be counted.
        moves: The rows of the ledger that moved a head to the snapshot.
        reruns: The newest reruns of it.
        imports: How it came into this store.
        gaps: Records that could not be read, so that lineage may lack something.
    """

    subject: Subject
    occurrences: tuple[Occurrence, ...] = ()
    steps: tuple[Step, ...] = ()
    ancestors: int = 0
    more: bool = False
    moves: tuple[Row, ...] = ()
    reruns: tuple[Row, ...] = ()
    imports: tuple[Row, ...] = ()
    gaps: tuple[str, ...] = field(default=())


def explain(workspace: Workspace, subject: Subject, *, report: Report = silent) -> Explanation:
    """Trace something back, through every snapshot that made what it was made of.

    The index finds; all that is told is read from the records it leads to.

    Args:
        workspace: The store.
        subject: What `find_subject` found.
        report: Told about progress.

    Returns:
        Where it comes from.

    Raises:
        UnknownReference: When no record knows these bytes or this address.
        Corrupt: When a record is damaged, or the index says what none does.
    """
    lineage, ledger = workspace.store.lineage, workspace.store.ledger
    lineage.catch_up(report=report)
    occurrences: tuple[Occurrence, ...] = ()
    identifier = subject.id
    if subject.kind != "snapshot":
        occurrences = occurrences_of(workspace, subject)
        identifier = _maker(workspace, subject)
    if not identifier:
        return Explanation(subject, occurrences, gaps=tuple(lineage.gaps()))
    steps = _steps(workspace, identifier)
    point = Point("snapshot", key_of(identifier))
    ancestors = lineage.upstream(point, MOST + 1)
    return Explanation(
        subject=subject,
        occurrences=occurrences,
        steps=tuple(steps),
        ancestors=min(len(ancestors), MOST),
        more=len(ancestors) > MOST,
        moves=tuple(ledger.moves_to(identifier)),
        reruns=tuple(reruns_of(workspace, identifier, limit=5)),
        imports=tuple(ledger.newest(kind="import", subject=identifier, limit=5)),
        gaps=tuple(lineage.gaps()),
    )


def ancestors(workspace: Workspace, found: Explanation) -> tuple[Row, ...]:
    """Return the ledger's rows of every snapshot that something came from, the oldest first.

    Args:
        workspace: The store.
        found: What `explain` found.
    """
    if not found.steps:
        return ()
    point = Point("snapshot", key_of(found.steps[0].id))
    rows = workspace.store.ledger.at(workspace.store.lineage.upstream(point, MOST))
    return tuple(row for _, row in sorted(rows.items()))


def occurrences_of(workspace: Workspace, subject: Subject) -> tuple[Occurrence, ...]:
    """Return the oldest records in which bytes, a person or an address occurs.

    Raises:
        UnknownReference: When there is none.
    """
    uses = workspace.store.lineage.uses(subject.point, _USES)
    rows = workspace.store.ledger.at(use.seq for use in uses)
    if not uses:
        what = "these bytes" if subject.kind == "file" else "this address"
        raise UnknownReference(
            f"No record of this store knows {what}: {subject.word[:80]}"
            + (f" ({subject.id})." if subject.id else "."),
            hint="A file is known by its bytes: one that was saved again since is another one. "
            "Name another store with --store, or `mlops pull` from it first.",
        )
    return tuple(
        Occurrence(
            id=rows[use.seq].record,
            kind=rows[use.seq].kind,
            subject=rows[use.seq].subject,
            author=rows[use.seq].author,
            created=rows[use.seq].time,
            role=use.role,
            name=use.name,
            inside=bool(use.folder),
        )
        for use in uses
    )


def _maker(workspace: Workspace, subject: Subject) -> str:
    """Return the first snapshot that made some bytes; empty when none did, or it is no file."""
    if subject.kind != "file":
        return ""
    made = workspace.store.lineage.makers([subject.id]).get(subject.id)
    return workspace.store.ledger.at([made.seq])[made.seq].record if made else ""


def _steps(workspace: Workspace, identifier: str) -> list[Step]:
    """Return a snapshot and its nearest ancestors, breadth first."""
    row = workspace.store.ledger.find(identifier.removeprefix("sha256:"), 1)[0]
    steps: list[Step] = []
    waiting: list[tuple[str, int, int, list[Source]]] = [(identifier, row.seq, 0, [])]
    seen = {identifier}
    while waiting and len(steps) < _STEPS:
        current, seq, distance, wanted = waiting.pop(0)
        snapshot = workspace.store.get_as(current, Snapshot)
        if any(made_as(workspace, snapshot, source) is None for source in wanted):
            raise altered(current)
        sources = sources_of(workspace, seq, snapshot)
        steps.append(_step(current, seq, distance, snapshot, sources))
        for source in sources:
            for made in source.makers:
                if made.id not in seen:
                    seen.add(made.id)
                    waiting.append((made.id, made.seq, distance + 1, [source]))
    return steps


def _step(
    identifier: str, seq: int, distance: int, snapshot: Snapshot, sources: list[Source]
) -> Step:
    return Step(
        id=identifier,
        seq=seq,
        name=snapshot.request.name,
        created=snapshot.created,
        author=snapshot.author,
        distance=distance,
        level=snapshot.capture.level,
        holes=tuple(hole.text for hole in snapshot.capture.holes if hole.kind not in _ELSEWHERE),
        sources=tuple(sources),
    )
