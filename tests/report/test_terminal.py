from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from py_mlops.report.page import Line, Page, Section
from py_mlops.report.terminal import renderable, text

HOSTILE = [
    "\x1b[2J\x1b[Hfake",
    "\x1b]0;title\x07",
    "\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\",
    "\x9b31mred",
    "a\rb",
    "a\bb",
    "a\x7fb",
    "\u202egnp.exe",
    "\u2066x\u2069",
    "a\u2028b\u2029c",
    "a\x85b",
    "a\x0bb\x0cc",
    "a\x00b",
    "[bold red]markup[/bold red]",
    "[link=http://evil.example]x[/link]",
    "[/]",
    ":smile:",
]

_STEERS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def everywhere(evil: str) -> Page:
    """Return a page with a text in all its places."""
    lines = (Line(evil, evil, "warn", (evil, evil)), Line("", evil, "bad"))
    table = Section(evil, columns=("a", evil), rows=((evil, "b"),))
    return Page(evil, evil, "good", evil, (Section(evil, lines), table), (evil,))


@pytest.mark.parametrize("evil", HOSTILE)
def test_no_control_sequence_of_anybody_else_reaches_the_terminal(evil: str) -> None:
    """Names and outputs of others cannot move the cursor, clear the screen or change direction."""
    shown = text(everywhere(evil), width=200)
    assert _STEERS.search(shown) is None


@pytest.mark.parametrize("evil", HOSTILE)
def test_on_a_real_terminal_only_our_own_colours_appear(evil: str) -> None:
    """With colours on, every escape sequence is one of the style of a harmless page."""

    def sequences(page: Page) -> set[str]:
        sink = io.StringIO()
        Console(
            file=sink, width=200, color_system="standard", force_terminal=True, legacy_windows=False
        ).print(renderable(page))
        return set(re.findall(r"\x1b[^m]*m?", sink.getvalue()))

    assert sequences(everywhere(evil)) <= sequences(everywhere("harmless"))


@pytest.mark.parametrize("place", ["heading", "badge", "title", "label", "column", "cell"])
def test_a_name_with_a_newline_cannot_draw_a_line_of_its_own(place: str) -> None:
    """Where one line is meant, a newline is shown as an escape."""
    evil = "a\n  ✓ forged"
    line = Line(evil if place == "label" else "l", "text", "good")
    table = Section(
        "t",
        columns=("a", evil if place == "column" else "b"),
        rows=((evil if place == "cell" else "c", "d"),),
    )
    page = Page(
        evil if place == "heading" else "h",
        evil if place == "badge" else "b",
        "good",
        "",
        (Section(evil if place == "title" else "t", (line,)), table),
    )
    shown = text(page, width=200)
    assert "a\\n  ✓ forged" in shown
    assert not any(row.strip().startswith("✓ forged") for row in shown.splitlines())


@pytest.mark.parametrize("place", ["text", "details", "hints"])
def test_a_text_of_several_lines_stays_in_its_own_column(place: str) -> None:
    """Its second line is not mistaken for a line of the page."""
    evil = "a\n✓ forged"
    line = Line(
        "l",
        evil if place == "text" else "x",
        "bad",
        (evil,) if place == "details" else (),
    )
    hints = (evil,) if place == "hints" else ()
    shown = text(Page("h", "", "", "", (Section("", (line, Line("k", "y", "good"))),), hints))
    forged = next(row for row in shown.splitlines() if "forged" in row)
    ours = next(row for row in shown.splitlines() if row.endswith(" y"))
    assert forged.index("✓") != ours.index("✓")


def test_the_state_of_a_line_is_readable_without_colours() -> None:
    """Good, doubtful and bad have marks of their own."""
    lines = (Line("", "g", "good"), Line("", "w", "warn"), Line("", "b", "bad"))
    shown = text(Page("h", "", "", "", (Section("", lines),)))
    marks = [row.split()[0] for row in shown.splitlines()[1:] if row.strip()]
    assert marks == ["✓", "!", "✗"]


def test_a_narrow_terminal_folds_and_loses_nothing() -> None:
    """A long path is wrapped, not cut."""
    path = "/" + "/".join(f"folder{n}" for n in range(20))
    table = Section("t", columns=("file",), rows=((path,),))
    page = Page("h", "", "", "", (Section("", (Line("l", path),)), table))
    shown = "".join(text(page, width=40).split())
    assert shown.count(path) == 2
