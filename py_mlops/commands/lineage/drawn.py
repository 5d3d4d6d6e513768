"""Lineage of one snapshot as faces show it: two pictures with every place, and tables beside."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

import msgspec

from py_mlops.commands.catalogue.inspect import the_snapshot
from py_mlops.commands.lineage.explain import explain
from py_mlops.commands.lineage.graph import explanation_graph, impact_graph
from py_mlops.commands.lineage.impact import impact
from py_mlops.commands.lineage.pages import explanation_page, impact_page
from py_mlops.commands.lineage.subject import find_subject
from py_mlops.records import Digest, is_digest
from py_mlops.report.graph import Graph
from py_mlops.report.layers import lay_out
from py_mlops.report.page import Section, on_one_line
from py_mlops.report.state import State
from py_mlops.workspace import Workspace

_WORD = 300
_AFTER = {
    "Models": "Models that came of it",
    "Predictions": "Predictions that came of it",
    "How": "How they came of it",
}

Point = Annotated[list[float], msgspec.Meta(min_length=2, max_length=2)]


class DrawnBox(msgspec.Struct, frozen=True, kw_only=True):
    """A thing in a picture.

    Attributes:
        kind: What it is; ``more`` stands for things that are not drawn.
        title: Its name.
        lines: Further words, shown smaller.
        whole: Whether all is known of it.
        focus: Whether the picture is about it.
        snapshot: Its id, when it is a snapshot; else ``null``.
        layer: Its column, from 0.
        height: The height of its middle, in boxes.
    """

    kind: Literal["snapshot", "file", "origin", "person", "more"]
    title: str
    lines: list[str]
    whole: bool
    focus: bool
    snapshot: Digest | None
    layer: int
    height: float


class DrawnArrow(msgspec.Struct, frozen=True, kw_only=True):
    """Something that went into something.

    Attributes:
        points: The places that it goes through, ``[column, height]`` each, from
            what went in to what came out.
        sure: Whether it is recorded.
    """

    points: list[Point]
    sure: bool


class Drawing(msgspec.Struct, frozen=True, kw_only=True):
    """A picture, in units of boxes.

    Attributes:
        title: What it is of.
        boxes: The things.
        arrows: What went into what.
        layers: How many columns there are.
        height: How many boxes high it is.
    """

    title: str
    boxes: list[DrawnBox]
    arrows: list[DrawnArrow]
    layers: int
    height: float


class PartLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a part.

    Attributes:
        label: What it is about; may be empty.
        text: What there is to say; plain text.
        state: How it should strike the eye; may be empty.
    """

    label: str
    text: str
    state: State


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A titled part of what there is to read, in lines or as a table.

    Attributes:
        title: Its heading.
        lines: Its lines.
        columns: Its table's headings; empty when it has none.
        rows: The table's rows, plain text.
    """

    title: str
    lines: list[PartLine]
    columns: list[str]
    rows: list[list[str]]


class SnapshotLineage(msgspec.Struct, frozen=True, kw_only=True):
    """Where a snapshot comes from, and what came of it, by the files that were read and written.

    Attributes:
        id: Its id.
        origins: What it was made of, back to raw data; ``null`` when it read nothing.
        effects: What used its outputs; ``null`` when nothing did.
        ancestors: How many snapshots it came from in all.
        affected: How many snapshots used it in all.
        parts: The same in words, and what no picture shows: decisions, program,
            environment, and what is not known.
    """

    id: Digest
    origins: Drawing | None
    effects: Drawing | None
    ancestors: int
    affected: int
    parts: list[Part]


def snapshot_lineage(workspace: Workspace, identifier: str) -> SnapshotLineage:
    """Trace a snapshot back and follow it on, as two pictures of at most some thirty boxes.

    Args:
        workspace: The store.
        identifier: The snapshot's whole id.

    Raises:
        UnknownReference: When it is not in the store.
        InputError: When it is another kind of record.
        Corrupt: When a record is damaged, or the index says what none does.
    """
    name = the_snapshot(workspace, identifier).request.name
    subject = replace(find_subject(workspace, identifier), word=name)
    origins, effects = explain(workspace, subject), impact(workspace, subject)
    before = {one.title: one for one in explanation_page(workspace, origins).sections}
    after = {_AFTER.get(one.title, one.title): one for one in impact_page(effects).sections}
    return SnapshotLineage(
        id=identifier,
        origins=_drawn(explanation_graph(origins)),
        effects=_drawn(impact_graph(effects)),
        ancestors=origins.ancestors,
        affected=effects.snapshots,
        parts=[
            _part(title, section)
            for title, section in {
                **before,
                **{key: one for key, one in after.items() if key not in before},
            }.items()
            if section.lines or section.rows
        ],
    )


def _part(title: str, section: Section) -> Part:
    return Part(
        title=title,
        lines=[
            PartLine(label=line.label[:_WORD], text=line.text[:_WORD], state=line.state)
            for line in section.lines
        ],
        columns=list(section.columns),
        rows=[[on_one_line(cell)[:_WORD] for cell in row] for row in section.rows],
    )


def _drawn(graph: Graph | None) -> Drawing | None:
    """Give everything its place; a box without any arrow says nothing."""
    if graph is None or not graph.arrows:
        return None
    arrows = [(arrow.source, arrow.target) for arrow in graph.arrows]
    layout = lay_out([box.key for box in graph.boxes], arrows)
    return Drawing(
        title=on_one_line(graph.title)[:_WORD],
        boxes=[
            DrawnBox(
                kind=box.kind,
                title=on_one_line(box.title)[:_WORD],
                lines=[on_one_line(line)[:_WORD] for line in box.lines],
                whole=box.whole,
                focus=box.focus,
                snapshot=box.key if box.kind == "snapshot" and is_digest(box.key) else None,
                layer=layout.places[box.key][0],
                height=layout.places[box.key][1],
            )
            for box in graph.boxes
        ],
        arrows=[
            DrawnArrow(points=[[float(layer), height] for layer, height in way], sure=arrow.sure)
            for arrow, way in zip(graph.arrows, layout.ways, strict=True)
        ],
        layers=layout.layers,
        height=layout.height,
    )
