"""A page in a terminal: colours where there are any, plain text where there are none."""

from __future__ import annotations

import io

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from py_mlops.report.page import Line, Page, Section, on_one_line, visible
from py_mlops.report.state import MARKS, State, marked

_STYLES = {"good": "green", "warn": "yellow", "bad": "bold red", "dim": "dim", "": ""}


def renderable(page: Page) -> RenderableType:
    """Return a page for a rich console."""
    parts: list[RenderableType] = [_head(page)]
    if page.summary:
        parts.append(Padding(Text(visible(page.summary)), (0, 0, 0, 2)))
    for section in page.sections:
        if section.folded or not (section.lines or section.rows):
            continue
        if section.title:
            parts.append(Text("\n" + on_one_line(section.title), style="bold"))
        parts.append(_body(section))
    if page.hints:
        parts.append(Text(""))
        parts.extend(_hint(hint) for hint in page.hints)
    return Group(*parts)


def text(page: Page, width: int = 100) -> str:
    """Return a page as plain text.

    Args:
        page: The page.
        width: Columns to fit into.

    Returns:
        Lines without any control sequence and without trailing spaces.
    """
    sink = io.StringIO()
    Console(
        file=sink, width=width, color_system=None, force_terminal=False, force_jupyter=False
    ).print(renderable(page))
    return "\n".join(line.rstrip() for line in sink.getvalue().splitlines())


def _head(page: Page) -> Text:
    head = Text(on_one_line(page.heading), style="bold")
    if page.badge:
        head.append("  ")
        badge = marked(on_one_line(page.badge), page.state)
        head.append(f" {badge} ", style=f"reverse {_STYLES[page.state]}".strip())
    return head


def _hint(hint: str) -> Text:
    # A further line of a hint must not pass for a line of the page.
    return Text("→ " + visible(hint).replace("\n", "\n    "), style="cyan")


def _body(section: Section) -> RenderableType:
    parts: list[RenderableType] = []
    if section.rows:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for column in section.columns:
            table.add_column(Text(on_one_line(column)), overflow="fold")
        for row, state in section.judged:
            table.add_row(*(Text(on_one_line(cell)) for cell in row[:-1]), _last(row[-1], state))
        parts.append(Padding(table, (0, 0, 0, 2)))
    if section.lines:
        parts.append(_lines(section.lines))
    return Group(*parts)


def _last(cell: str, state: State) -> Text:
    return Text(marked(on_one_line(cell), state), style=_STYLES[state])


def _lines(lines: tuple[Line, ...]) -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=3)
    if any(line.label for line in lines):
        grid.add_column()
        labelled = True
    else:
        labelled = False
    grid.add_column(overflow="fold")
    for line in lines:
        style = _STYLES[line.state]
        cells = [Text("  " + MARKS[line.state], style=style)]
        if labelled:
            cells.append(Text(on_one_line(line.label), style=style))
        said = "\n".join((line.text, *line.details))
        grid.add_row(*cells, Text(visible(said), style=style))
    return grid
