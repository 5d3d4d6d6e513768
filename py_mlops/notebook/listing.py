"""What was executed in two runs, as a text diff."""

from __future__ import annotations

import difflib

from py_mlops.records import History

_CELL = "# %%"


def unified(a: History, b: History) -> list[str]:
    """Compare what was executed in two runs.

    Args:
        a: The older run.
        b: The newer run.

    Returns:
        Lines of a unified diff, each cell under a ``# %%`` line; empty when
        both ran the same code in the same order. Control characters are shown,
        not sent to the terminal.
    """
    return list(difflib.unified_diff(_lines(a), _lines(b), "before", "after", lineterm=""))


def _lines(history: History) -> list[str]:
    return [
        _visible(line)
        for cell in history.cells
        for line in (_CELL, *cell.source.rstrip().split("\n"))
    ]


def _visible(line: str) -> str:
    return "".join(
        c if c.isprintable() or c == "\t" else c.encode("unicode_escape").decode() for c in line
    )
