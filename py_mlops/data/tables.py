"""What is in a table of comma-separated values: rows, columns, types, histograms."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from itertools import islice
from typing import Literal

MOST_BYTES = 4 * 1024 * 1024
"""So much of a file is read; the rest is told to be cut."""

ROWS = 50_000
COLUMNS = 200
NAME = 200
BINS = 16
"""What is looked at of any table: rows, columns, letters of a column's name, bins."""

Type = Literal["int", "float", "text", "empty"]


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        name: Its heading.
        type: What all its values can be read as.
        numbers: Its values, finite ones only, when they are numbers.
    """

    name: str
    type: Type
    numbers: list[float]


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        rows: How many rows were read, without the heading.
        columns: Its columns, at most 200.
        cut: Whether there is more.
    """

    rows: int
    columns: list[Column]
    cut: bool


def read_table(name: str, data: bytes, *, more: bool) -> Table | None:
    """Read the beginning of a file as a table.

    Args:
        name: The file's name; ``.csv`` and ``.tsv`` are tables.
        data: At most `MOST_BYTES` of it; hostile.
        more: Whether the file is longer.

    Returns:
        The table; ``None`` when it is none.
    """
    delimiter = {".csv": ",", ".tsv": "\t"}.get(name[name.rfind(".") :].lower())
    if delimiter is None:
        return None
    text = data.decode("utf-8-sig", "replace")
    if more:  # the last line may be half a line
        text = text[: text.rfind("\n") + 1]
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        heading = next(reader, [])[:COLUMNS]
        rows = list(islice(reader, ROWS + 1))
    except csv.Error:
        return None
    if not heading:
        return None
    cut = more or len(rows) > ROWS
    rows = [row for row in rows[:ROWS] if row]
    return Table(len(rows), [_column(rows, *one) for one in enumerate(heading)], cut)


def histogram(a: list[float], b: list[float]) -> tuple[list[float], list[int], list[int]]:
    """Return how two columns of numbers are spread, over the same bins.

    Args:
        a: The older numbers, finite.
        b: The newer numbers, finite.

    Returns:
        The bins' edges, one more than bins, and either side's count in each;
        all empty when there is no number or all are the same.
    """
    every = [*a, *b]
    if not every or min(every) == max(every):
        return [], [], []
    low, high = min(every), max(every)
    width = (high - low) / BINS
    if not math.isfinite(width) or width <= 0:
        return [], [], []
    edges = [low + width * place for place in range(BINS)] + [high]
    counts = []
    for side in (a, b):
        found = [0] * BINS
        for number in side:
            found[min(BINS - 1, int((number - low) / width))] += 1
        counts.append(found)
    return edges, counts[0], counts[1]


def _column(rows: list[list[str]], place: int, name: str) -> Column:
    values = [row[place].strip() for row in rows if place < len(row)]
    present = [value for value in values if value]
    kind: Type = "empty"
    numbers: list[float] = []
    if present:
        try:
            numbers = [float(value) for value in present]
        except ValueError:
            kind = "text"
        else:
            whole = all(value.lstrip("+-").isdigit() for value in present)
            kind = "int" if whole else "float"
    if kind == "text":
        numbers = []
    return Column(name[:NAME], kind, [number for number in numbers if math.isfinite(number)])
