"""What kinds of rows drivers of the DBAPI give: tuples, lists, dicts, or rows with names."""

from __future__ import annotations

import collections
from typing import Any, Callable, Sequence

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
        fields = {"cursor_description": description, "_names": tuple(names)}
        return type("Row", (_Row,), fields)
    if kind.startswith("namedtuple "):
        make: Any = collections.namedtuple  # noqa: PYI024 - its fields are the columns
        row: Make = make(kind.partition(" ")[2], names, rename=True)._make
        return row
    return tuple


class _Row(tuple):  # type: ignore[type-arg]  # noqa: SLOT001 - each kind of row is a subclass
    """A row whose values have the names of their columns, as pyodbc's have."""

    _names: tuple[str, ...] = ()

    def __getattr__(self, name: str) -> Any:
        """Return the value of a column."""
        try:
            return self[self._names.index(name)]
        except ValueError:
            raise AttributeError(name) from None

    def __reduce__(self) -> Any:
        """Become a plain tuple in a pickle, which may be read where nothing of ours is."""
        return tuple, (tuple(self),)


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
