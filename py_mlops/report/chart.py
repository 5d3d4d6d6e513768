"""How a number went, free of any medium: points in a row, and the same as one line of text."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from py_mlops.report.state import State

_BLOCKS = "▁▂▃▄▅▆▇█"
_WIDE = 24
_T = TypeVar("_T")


@dataclass(frozen=True)
class Point:
    """A number at its place in the row.

    Attributes:
        title: What it is, for whoever points at it.
        value: The number.
        again: What the newest rerun got; ``None`` when it got none or was never made.
        state: How that rerun came out; empty when there was none.
        head: The heads that point here now; empty for none.
    """

    title: str
    value: float
    again: float | None = None
    state: State = ""
    head: str = ""


@dataclass(frozen=True)
class Chart:
    """How a number went.

    Attributes:
        title: The number's name.
        said: The newest value and how it changed, in words.
        points: The oldest first; at least one.
        ends: What to write below the first and the last.
    """

    title: str
    said: str
    points: tuple[Point, ...]
    ends: tuple[str, str]

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest of all numbers, also of those that reruns got."""
        pairs = ((point.value, point.again) for point in self.points)
        values = [value for value in itertools.chain(*pairs) if value is not None]
        return min(values), max(values)


def place(value: float, low: float, high: float) -> float:
    """Return where between two numbers one lies: 0 at the lower, 1 at the higher.

    Args:
        value: A number that lies between them.
        low: The lower one.
        high: The higher one; when both are the same, everything lies in the middle.
    """
    span = high / 2 - low / 2  # halves, as the difference of two huge numbers is no number
    return (value / 2 - low / 2) / span if span > 0 else 0.5


def thinned(row: Sequence[_T], most: int) -> list[_T]:
    """Return so many of a row at most, evenly spaced, always the first and the last.

    Args:
        row: Anything in a row.
        most: At most so many, two or more.
    """
    if len(row) <= most:
        return list(row)
    step = (len(row) - 1) / (most - 1)
    return [row[round(number * step)] for number in range(most)]


def sparkline(values: Sequence[float]) -> str:
    """Return numbers as a line of blocks, one for each of 24 at most.

    Args:
        values: Finite numbers, at least one.
    """
    low, high = min(values), max(values)
    top = len(_BLOCKS) - 1
    return "".join(_BLOCKS[round(place(one, low, high) * top)] for one in thinned(values, _WIDE))
