"""A picture of what went into what, free of any medium: boxes and arrows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BoxKind = Literal["snapshot", "file", "origin", "person", "more"]


@dataclass(frozen=True)
class Box:
    """A thing in a picture.

    Attributes:
        key: What arrows call it.
        kind: What it is; ``more`` stands for things that are not drawn.
        title: Its name.
        lines: Further words, shown smaller.
        whole: Whether all is known of it; else it is drawn as partial.
        focus: Whether the picture is about it.
    """

    key: str
    kind: BoxKind
    title: str
    lines: tuple[str, ...] = ()
    whole: bool = True
    focus: bool = False


@dataclass(frozen=True)
class Arrow:
    """Something that went into something.

    Attributes:
        source: Key of what went in.
        target: Key of what came out.
        sure: Whether it is recorded; an arrow that is not is drawn broken.
    """

    source: str
    target: str
    sure: bool = True


@dataclass(frozen=True)
class Graph:
    """Boxes and arrows.

    Attributes:
        title: What the picture is of.
        boxes: The things, each key once.
        arrows: Between boxes that are there.
    """

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
