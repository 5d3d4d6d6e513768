"""Pictures of lineage: boxes for snapshots and for what they read, folded where there are many."""

from __future__ import annotations

from pathlib import Path

from py_mlops.commands.lineage.explain import Explanation, Step
from py_mlops.commands.lineage.impact import Effect, Impact
from py_mlops.commands.lineage.sources import Source
from py_mlops.data.place import place_bytes
from py_mlops.errors import InputError
from py_mlops.records import Author
from py_mlops.report.graph import Arrow, Box, BoxKind, Graph
from py_mlops.report.page import counted, short, size
from py_mlops.report.svg import svg

_BOXES = 30
_RAW = 4


class _Drawing:
    """Boxes and arrows as they come, as many as can be read."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.boxes: dict[str, Box] = {}
        self.arrows: dict[tuple[str, str], Arrow] = {}

    def box(self, box: Box) -> bool:
        """Add a box, unless there are too many; say whether it is there."""
        if box.key not in self.boxes and len(self.boxes) < _BOXES:
            self.boxes[box.key] = box
        return box.key in self.boxes

    def arrow(self, source: str, target: str, *, sure: bool = True) -> None:
        """Add an arrow between two boxes that are there."""
        if source in self.boxes and target in self.boxes:
            self.arrows.setdefault((source, target), Arrow(source, target, sure=sure))

    def fold(self, key: str, count: int, noun: str) -> None:
        """Stand for things that are not drawn; there is always room for that."""
        self.boxes[key] = Box(key, "more", f"and {count:,} more", (noun,))

    def graph(self, title: str) -> Graph:
        """Return the graph."""
        return Graph(title, tuple(self.boxes.values()), tuple(self.arrows.values()))


def explanation_graph(found: Explanation) -> Graph | None:
    """Draw where something comes from; ``None`` when there is nothing to draw.

    Args:
        found: What `explain` found.
    """
    if not found.steps:
        return None
    drawing = _Drawing()
    first = found.steps[0]
    if found.subject.kind == "file":
        key = found.subject.id
        drawing.box(Box(key, "file", found.subject.word, (short(key),), focus=True))
    for step in found.steps:
        _snapshot(drawing, step, focus=step is first and found.subject.kind == "snapshot")
    if found.subject.kind == "file":
        drawing.arrow(first.id, found.subject.id)
    drawn = {step.id for step in found.steps}
    for step in found.steps:
        _sources(drawing, step, drawn)
    total = found.ancestors + 1 - len(drawn)
    if total > 0:
        drawing.fold("ancestors", total, "snapshots before these" + " at least" * found.more)
        for step in found.steps:
            if any(made.id not in drawn for source in step.sources for made in source.makers):
                drawing.arrow("ancestors", step.id, sure=False)
    return drawing.graph(f"Where {found.subject.word} comes from")


def _snapshot(drawing: _Drawing, step: Step | Effect, *, focus: bool = False) -> None:
    whole = step.level == "observed" and not (isinstance(step, Step) and step.holes)
    lines = (f"{short(step.id)} · {step.created[:10]}", f"by {who(step.author)}")
    drawing.box(Box(step.id, "snapshot", step.name, lines, whole=whole, focus=focus))


def _sources(drawing: _Drawing, step: Step, drawn: set[str]) -> None:
    """Draw what a step was made of: first what was made by another, then some of the rest."""
    made = [one for one in step.sources if any(by.id in drawn for by in one.makers)]
    rest = [one for one in step.sources if one not in made and one.kind != "notebook"]
    # What is known least comes first: it is the last that may be folded away.
    rest.sort(key=lambda one: (bool(one.digest), one.kind == "code"))
    shown = made + rest[:_RAW]
    hidden = len(rest[_RAW:])
    for source in shown:
        key = source.digest or f"{step.id} {source.kind} {source.name}"
        if not drawing.box(_source(key, source)):
            hidden += 1
            continue
        drawing.arrow(key, step.id)
        for by in source.makers:
            drawing.arrow(by.id, key, sure=not by.later)
    if hidden:
        drawing.fold(f"{step.id} more", hidden, "files and origins")
        drawing.arrow(f"{step.id} more", step.id)


def _source(key: str, source: Source) -> Box:
    lines: tuple[str, ...]
    kind: BoxKind = "origin" if source.kind in {"answers", "peer"} else "file"
    if source.kind == "folder":
        lines = (f"{counted(source.files, 'file')}, {size(source.size)}", short(source.digest))
    elif source.kind == "answers":
        lines = (f"{counted(source.files, 'answer')} kept", "an origin outside")
    elif source.kind == "peer":
        lines = ("reached, nothing kept", "an origin outside")
    elif not source.digest:
        lines = ("its bytes were not kept",)
    else:
        lines = (f"{short(source.digest)} · {size(source.size)}",)
        if not source.makers:
            lines += ("no snapshot made it: raw" if source.kind == "data" else source.kind,)
    whole = bool(source.digest) or source.kind == "answers"
    return Box(key, kind, source.name, lines, whole=whole)


def impact_graph(found: Impact) -> Graph:
    """Draw what something went into.

    Args:
        found: What `impact` found.
    """
    drawing, subject = _Drawing(), found.subject
    kind: BoxKind = subject.kind if subject.kind != "file" else "file"
    root = subject.id or subject.word
    lines = (short(subject.id),) if subject.id else ()
    drawing.box(Box(root, kind, subject.word, lines, focus=True))
    for effect in found.effects:
        _snapshot(drawing, effect)
    for effect in found.effects:
        _through(drawing, effect, root)
    hidden = found.snapshots - len(found.effects)
    if hidden > 0:
        drawing.fold("more", hidden, "snapshots" + " at least" * found.more)
        drawing.arrow(root, "more", sure=False)
    return drawing.graph(f"What {subject.word} went into")


def _through(drawing: _Drawing, effect: Effect, root: str) -> None:
    """Draw by which file an effect came about."""
    if not effect.source:
        drawing.arrow(root, effect.id)
        return
    more = f" and {effect.files - 1:,} more" if effect.files > 1 else ""
    key = f"{effect.source} {effect.digest}"
    if drawing.box(Box(key, "file", effect.used_as, (short(effect.digest) + more,))):
        drawing.arrow(effect.source, key)
        drawing.arrow(key, effect.id)
    else:
        drawing.arrow(effect.source, effect.id)


def who(author: Author) -> str:
    """Return an author's name, saying so when nobody verified it."""
    return author.name + (" (unverified)" if author.source == "unverified" else "")


def draw(graph: Graph | None, target: Path) -> None:
    """Write a picture to a file, whole or not at all.

    Args:
        graph: The picture; ``None`` when there is nothing to draw.
        target: The file.

    Raises:
        InputError: When there is nothing to draw, another file of that name, or no such folder.
        StoreUnavailable: When it cannot be written.
    """
    if graph is None:
        raise InputError(
            "There is nothing to draw: no snapshot made it, and none came of it.",
            hint="Leave --svg out to read what is known.",
        )
    if not target.parent.is_dir():
        raise InputError(
            f"There is no folder {target.parent}.", hint="Make it first, or choose another one."
        )
    place_bytes(target.name, svg(graph).encode(), target.parent)
