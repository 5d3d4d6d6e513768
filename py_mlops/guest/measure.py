"""Metrics out of the notebook's variables: whatever holds a number becomes a float under a name."""

from __future__ import annotations

import decimal
import difflib
import math
import numbers
from collections.abc import Mapping
from typing import Any, Iterator

from .problem import Problem

_DEEPEST = 20
_IPYTHON = {"In", "Out", "exit", "quit", "get_ipython", "open"}


def lookup(namespace: dict[str, Any], name: str) -> Any:
    """Return a variable of the notebook.

    Args:
        namespace: The notebook's variables.
        name: The wanted one.

    Returns:
        Its value.

    Raises:
        Problem: When there is none of that name; the hint names similar ones.
    """
    if name in namespace:
        return namespace[name]
    known = [key for key in namespace if not key.startswith("_") and key not in _IPYTHON]
    close = difflib.get_close_matches(name, known)
    hint = (
        "Did you mean {}?".format(" or ".join(close)) if close else "Run the cell that defines it."
    )
    raise Problem(f"The notebook has no variable {name!r}.", hint)


def metrics(namespace: dict[str, Any], names: list[str]) -> dict[str, float | None]:
    """Return the numbers in some variables.

    A variable holds one number, or a mapping or pandas Series of numbers,
    nested as deep as one likes (``classification_report(output_dict=True)``);
    these are named ``variable.key``. Booleans count as 0 and 1.

    Args:
        namespace: The notebook's variables.
        names: The wanted ones.

    Returns:
        Floats by name; ``None`` where a number is not finite, which JSON has no
        word for.

    Raises:
        Problem: When a variable is missing, or holds what is no number, or a
            name that no file can hold.
    """
    found: dict[str, float | None] = {}
    for name in names:
        before = len(found)
        for key, value in _numbers(name, lookup(namespace, name), 0):
            if key in found:
                raise Problem(f"Two metrics are called {key!r}.", "Rename one of the keys.")
            if key != key.encode("utf-8", "replace").decode():
                raise Problem(
                    f"The metric {key!r} has half a character in its name.", "Rename that key."
                )
            found[key] = value if math.isfinite(value) else None
        if len(found) == before:
            raise Problem(f"{name} is empty: it holds no number.", "Fill it before snapshotting.")
    return found


def _numbers(name: str, value: Any, depth: int) -> Iterator[tuple[str, float]]:
    if type(value).__name__ == "Series" and hasattr(value, "to_dict"):
        value = value.to_dict()
    if not isinstance(value, Mapping):
        yield name, _number(name, value)
    elif depth == _DEEPEST:
        raise Problem(f"{name} is nested more than {_DEEPEST} deep.", "Flatten it.")
    else:
        for key in value:
            yield from _numbers(f"{name}.{key}", value[key], depth + 1)


def _number(name: str, value: Any) -> float:
    try:
        if isinstance(value, (numbers.Real, decimal.Decimal)):
            return float(value)
        # numpy, torch, jax and tensorflow scalars: arrays without dimensions.
        if tuple(getattr(value, "shape", (None,))) == ():
            unwrap = getattr(value, "item", None) or value.numpy
            return float(unwrap())
    except OverflowError:
        return math.inf
    except Exception:  # noqa: S110 - what cannot be unwrapped is no number, said below
        pass
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    raise Problem(
        "{} is no number but a {}.".format(name, kind.replace("builtins.", "")),
        "Name a variable holding a number or a dict of numbers, for example a mean of the values.",
    )
