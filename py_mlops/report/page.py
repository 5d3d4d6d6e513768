"""A page for a person, free of any medium: heading, badge, sections of lines and tables."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from py_mlops.report.chart import Chart
from py_mlops.report.graph import Graph
from py_mlops.report.state import State

# Controls of C0 and C1 but tab and newline, line separators, lone surrogates, and
# the marks that turn the direction of reading: all that could draw another page.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


@dataclass(frozen=True)
class Line:
    """One line of a section.

    Attributes:
        label: What it is about; may be empty.
        text: What there is to say.
        state: How it should strike the eye.
        details: Further lines, shown smaller.
    """

    label: str
    text: str
    state: State = ""
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """A titled part of a page.

    Attributes:
        title: Its heading.
        lines: Its lines.
        folded: Whether a notebook shows it closed at first.
        columns: Column titles, when it is a table.
        rows: The table's rows, each as long as ``columns``.
        states: How the last cell of each row should strike the eye; empty when none does.
    """

    title: str
    lines: tuple[Line, ...] = ()
    folded: bool = False
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    states: tuple[State, ...] = ()

    @property
    def judged(self) -> list[tuple[tuple[str, ...], State]]:
        """Each row with its state."""
        none: tuple[State, ...] = ("",)
        return list(zip(self.rows, self.states or none * len(self.rows), strict=True))


@dataclass(frozen=True)
class Page:
    """Everything about one thing.

    Attributes:
        heading: Its name.
        badge: One or two words.
        state: The badge's state.
        summary: One sentence.
        sections: Its parts.
        hints: What the reader can do next.
        picture: A drawing of it, where the medium can show one.
        charts: How its numbers went, likewise; the sections say the same in words.
    """

    heading: str
    badge: str
    state: State
    summary: str
    sections: tuple[Section, ...] = ()
    hints: tuple[str, ...] = field(default=())
    picture: Graph | None = None
    charts: tuple[Chart, ...] = ()


def error_page(message: str, hint: str) -> Page:
    """Return the page of an error: what happened, and what to do next."""
    section = Section("", (Line("", message, "bad"),))
    return Page("mlops", "not done", "bad", "", (section,), (hint,))


def short(identifier: str) -> str:
    """Return the first twelve hex digits of a digest, enough for a person."""
    return identifier.removeprefix("sha256:")[:12]


def counted(count: int, noun: str) -> str:
    """Return a number of things in words, ``1 file`` or ``1,024 files``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def visible(text: str) -> str:
    """Return text with what would steer a terminal or a page shown as an escape instead.

    Args:
        text: Words that may come from elsewhere: names, paths, outputs.

    Returns:
        The text; of all control characters only tabs and newlines are left.
    """
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def on_one_line(text: str) -> str:
    """Return text as `visible` does, with newlines shown as escapes too."""
    return visible(text).replace("\n", "\\n")


def size(count: float) -> str:
    """Return a number of bytes in the unit a person would use."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024:  # noqa: PLR2004 - the binary prefixes' step
            return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
        count /= 1024
    return f"{count:,.1f} TiB"
