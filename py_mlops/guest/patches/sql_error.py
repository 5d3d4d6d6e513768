"""The error that a database answered with, as JSON, and of the driver's own class again."""

from __future__ import annotations

import builtins
import contextlib
from typing import Any

from .rows import UNKNOWN, decode_loosely, encode_loosely

_TELLING = ("errno", "sqlstate", "msg", "_full_msg")
"""Attributes of errors that programs ask, and that are no argument of theirs."""


def told_of(error: BaseException) -> dict[str, Any]:
    """Return what is recorded of an error.

    Args:
        error: A driver's.
    """
    code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    line = {
        "error": [kind.__name__ for kind in type(error).__mro__],
        "arguments": [encode_loosely(argument, _text) for argument in error.args],
        "code": encode_loosely(code),
    }
    own = getattr(error, "__dict__", {})
    told = {name: encode_loosely(own[name]) for name in _TELLING if name in own}
    return {**line, "told": told} if told else line


def again(head: dict[str, Any], driver: Any) -> BaseException | None:
    """Return the error of the driver's class.

    Args:
        head: What `told_of` returned.
        driver: The DBAPI module.

    Returns:
        The error; ``None`` where the driver has no such class.
    """
    arguments = [decode_loosely(argument) for argument in head["arguments"]]
    for name in head["error"]:
        own = None if name == "Exception" else builtins
        for place in (driver, getattr(driver, "errors", None), own):
            kind = getattr(place, name, None)
            if isinstance(kind, type) and issubclass(kind, Exception):
                error = kind(*arguments)
                if told := head.get("told", {}):  # MySQL's own takes other arguments than it keeps
                    error.args = tuple(arguments)
                    error.__dict__.update({name: decode_loosely(told[name]) for name in told})
                with contextlib.suppress(Exception):  # psycopg2 sets its attributes no other way
                    error.__setstate__({"pgcode": decode_loosely(head["code"])})
                return error
    return None


def text_of(head: dict[str, Any]) -> str:
    """Return what is to be said of an error of whose class the driver knows nothing.

    Args:
        head: What `told_of` returned.
    """
    arguments = [decode_loosely(argument) for argument in head["arguments"]]
    return f"The database answered with {head['error'][0]}: {arguments}"


def _text(value: Any) -> Any:
    with contextlib.suppress(Exception):  # of a driver's own
        return str(value)
    return UNKNOWN
