"""A statement's parameters, in any form a driver takes them, as JSON that another process gives."""

from __future__ import annotations

import json
from typing import Any

from . import rows


def normal(value: Any) -> Any:
    """Return parameters as JSON that is the same for the same parameters in another process."""
    if isinstance(value, dict):
        pairs = [[normal(name), normal(item)] for name, item in value.items()]
        return {"dict": sorted(pairs, key=lambda pair: json.dumps(pair[0]))}
    if isinstance(value, (list, tuple)):
        return [normal(item) for item in value]
    encoded = rows.encode_loosely(value)
    if encoded != rows.UNKNOWN:
        return encoded
    if type(value).__name__ in {"Json", "Jsonb"}:  # psycopg2's shows nothing of what it holds
        held = getattr(value, "adapted", getattr(value, "obj", None))
        return {"repr": [type(value).__qualname__, json.dumps(normal(held))]}
    shown = repr(value)
    return {"repr": [type(value).__qualname__, "" if " at 0x" in shown else shown]}


STATEMENT = ("query", "sql", "statement", "operation", "command")
"""What drivers call the first parameter of ``execute``."""
PARAMETERS = ("params", "vars", "parameters", "args")
"""What they call the second one."""
SETS = (
    "params_seq",
    "vars_list",
    "seq_params",
    "parameters",
    "seq_of_parameters",
    "params",
    "args",
)
"""What they call the second one of ``executemany``."""


def by_any_name(args: tuple[Any, ...], kwargs: dict[str, Any], *names: str) -> Any:
    """Return the first argument, or the one that has one of the names drivers give it.

    Args:
        args: What a method was given.
        kwargs: What it was given with names.
        names: The names.
    """
    return args[0] if args else next((kwargs[name] for name in names if name in kwargs), None)
