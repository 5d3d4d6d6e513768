"""What kinds of rows drivers of the DBAPI give: tuples, lists, dicts, or rows with names."""

from __future__ import annotations

import collections
from typing import Any, Callable, Iterator, Sequence

Make = Callable[[Sequence[Any]], Any]
"""Makes a row of a kind out of its values."""


def kind_of(rows: Any, description: Any) -> dict[str, str]:
    """Return what is to be known to make such rows again.

    Args:
        rows: What the driver returned.
        description: The cursor's.

    Returns:
        ``rows``: the name of their list's type, and ``row``: the rows' kind; that is
        missing where there are none.

    Raises:
        TypeError: When they are of a kind that cannot be made again.
    """
    kind = {"rows": "tuple" if isinstance(rows, tuple) else "list"}
    if len(rows):
        kind["row"] = _kind_of(rows[0], [str(column[0]) for column in description or ()])
    return kind


def values_of(rows: Any) -> list[Sequence[Any]]:
    """Return rows of any of these kinds as plain sequences of values."""
    if rows and type(rows[0]) is tuple:
        return rows  # type: ignore[no-any-return]
    return [list(row.values()) if isinstance(row, dict) else tuple(row) for row in rows]


def maker(kind: str, description: Any) -> Make:
    """Return what makes rows of a kind.

    Args:
        kind: As `kind_of` returns it.
        description: The recorded one.
    """
    names = [str(column[0]) for column in description or ()]
    if kind == "list":
        return list
    if kind == "dict":
        return lambda values: dict(zip(names, values))
    if kind == "named":
        columns = {name: _column(place) for place, name in enumerate(names) if name[:2] != "__"}
        return type("Row", (_Row,), {**columns, "__slots__": (), "cursor_description": description})
    if kind.startswith("namedtuple "):
        make: Any = collections.namedtuple  # noqa: PYI024 - its fields are the columns
        row: Make = make(kind.partition(" ")[2], names, rename=True)._make
        return row
    return tuple


class _Row:
    """A row whose values have the names of their columns, and can be set, as pyodbc's can."""

    __slots__ = ("_values",)

    def __init__(self, values: Sequence[Any]) -> None:
        self._values = list(values)

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __getitem__(self, place: Any) -> Any:
        found = self._values[place]
        return tuple(found) if isinstance(place, slice) else found

    def __setitem__(self, place: int, value: Any) -> None:
        self._values[place] = value

    def __contains__(self, value: object) -> bool:
        return value in self._values

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Row) and self._values == other._values

    def __lt__(self, other: _Row) -> bool:
        return self._values < other._values

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return repr(tuple(self._values))

    def __reduce__(self) -> Any:
        """Become a plain tuple in a pickle, which may be read where nothing of ours is."""
        return tuple, (tuple(self._values),)


def _column(place: int) -> property:
    def set_it(row: _Row, value: Any) -> None:
        row[place] = value

    return property(lambda row: row[place], set_it)


def _kind_of(row: Any, names: list[str]) -> str:
    kind = type(row)
    if kind in (tuple, list):
        return str(kind.__name__)
    if isinstance(row, dict):
        if list(row) == names:
            return "dict"
        raise TypeError("Rows of dicts with columns of one name, or others, are not recorded.")
    if isinstance(row, tuple) and (hasattr(row, "_fields") or hasattr(row, "__fields__")):
        return f"namedtuple {kind.__name__}"
    if hasattr(row, "__len__") and len(row) == len(names) and names and hasattr(row, names[0]):
        return "named"
    raise TypeError(f"Rows of type {kind.__module__}.{kind.__qualname__} are not recorded.")
