"""The error that a database answered with, as JSON, and of the driver's own class again."""

from __future__ import annotations

import builtins
import contextlib
import sys
import types
from typing import Any, Callable, Iterable

from .rows import UNKNOWN, decode_loosely, encode_loosely

_TELLING = (
    *("errno", "sqlstate", "msg", "_full_msg", "code", "full_code", "message", "offset"),
    *("isrecoverable", "status_code", "vendor_code", "error_code", "error_name", "error_type"),
)
"""Attributes of errors, and of what they hold, that programs ask."""
_SHORT = 2
"""Characters up to which a text is no secret: it is in too many words."""


def told_of(error: BaseException, hidden: Iterable[Any] = ()) -> dict[str, Any]:
    """Return what is recorded of an error.

    Args:
        error: A driver's.
        hidden: What must not be told, as a driver was given it: the user's name, the password.
    """
    texts = [one.decode("utf-8", "replace") if isinstance(one, bytes) else one for one in hidden]
    found = {text for text in texts if isinstance(text, str) and len(text) > _SHORT}
    secrets = sorted(found, key=len, reverse=True)

    def clear(value: Any) -> Any:
        for secret in secrets if isinstance(value, str) else ():
            value = value.replace(secret, "***")
        return value

    code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    line: dict[str, Any] = {
        "error": [kind.__name__ for kind in type(error).__mro__],
        "module": type(error).__module__,
        "arguments": [encode_loosely(clear(argument), _text) for argument in error.args],
        "code": encode_loosely(code),
    }
    line["arguments"] = [clear(argument) for argument in line["arguments"]]
    held = {str(place): _attributes(one, clear) for place, one in enumerate(error.args)}
    line["held"] = {place: about for place, about in held.items() if about}
    line["told"] = _attributes(error, clear)
    return {name: value for name, value in line.items() if name not in ("held", "told") or value}


def _attributes(of: Any, clear: Callable[[Any], Any]) -> dict[str, Any]:
    own = getattr(of, "__dict__", {})
    told = {name: own[name] for name in _TELLING if name in own}
    plain = {
        name: int(value) if isinstance(value, int) else clear(value)
        for name, value in told.items()
        if value is None or isinstance(value, (int, float, str))
    }
    return {name: encode_loosely(value) for name, value in plain.items()}


class _Held(types.SimpleNamespace):
    """What an error held beside texts and numbers, as far as it was recorded."""

    def __str__(self) -> str:
        return str(self.text)


def again(head: dict[str, Any], driver: Any) -> BaseException | None:
    """Return the error of the driver's class.

    Args:
        head: What `told_of` returned.
        driver: The DBAPI module.

    Returns:
        The error; ``None`` where the driver has no such class.
    """
    arguments = [decode_loosely(argument) for argument in head["arguments"]]
    for place, about in head.get("held", {}).items():
        values = {name: decode_loosely(value) for name, value in about.items()}
        arguments[int(place)] = _Held(text=arguments[int(place)], **values)
    for name in head["error"]:
        own = None if name == "Exception" else builtins
        module = sys.modules.get(str(head.get("module")))
        for place in (driver, getattr(driver, "errors", None), module, own):
            kind = getattr(place, name, None)
            if isinstance(kind, type) and issubclass(kind, Exception):
                return _made(kind, arguments, head)
    return None


def _made(kind: type[Exception], arguments: list[Any], head: dict[str, Any]) -> BaseException:
    try:
        error = kind(*arguments)
    except Exception:  # it takes other arguments than it keeps
        error = kind.__new__(kind)
        error.args = tuple(arguments)
    told = head.get("told", {})
    if told:
        error.args = tuple(arguments)
    for name, value in told.items():
        with contextlib.suppress(Exception):
            setattr(error, name, decode_loosely(value))
    if hasattr(kind, "pgcode"):  # psycopg2 sets its attributes no other way
        with contextlib.suppress(Exception):
            error.__setstate__({"pgcode": decode_loosely(head["code"])})
    return error


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
