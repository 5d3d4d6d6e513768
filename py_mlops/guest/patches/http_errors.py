"""Errors of the web clients as JSON, and back: a rerun fails the way the recorded run did."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from typing import Any

_STANDARD = ("asyncio", "builtins", "concurrent", "http", "socket", "ssl")
_CLIENTS = ("aiohttp", "httpcore", "httpx", "urllib3")
_OF_SYSTEM = ("errno", "strerror")
_DEEPEST = 3


def encoded(error: BaseException) -> dict[str, Any]:
    """Return the class, arguments and attributes of an error as plain JSON."""
    try:
        return _encoded(error, _DEEPEST)
    except Exception:  # an attribute that cannot even be looked at
        return {"module": "", "class": "", "args": [], "attributes": {}}


def decoded(value: Any, context: object = None) -> Exception:
    """Return an error like the one that was encoded.

    A tape is other people's word: only exceptions of the web clients and of the
    standard library are made, and their code is not run. Anything else becomes
    an ``OSError``.

    Args:
        value: What `encoded` returned.
        context: Stands where the error named an object of the client's own.
    """
    try:
        return _decoded(value, context)
    except Exception:
        return OSError("The recorded answer ended with an error that cannot be made again.")


def cut_off(error: BaseException) -> BaseException:
    """Return the error that a rerun is to see: who cancels a request sees a time-out."""
    return asyncio.TimeoutError() if isinstance(error, asyncio.CancelledError) else error


def has(error: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    """Return the error of a kind that an error is, was raised from, or was made of."""
    seen: list[BaseException] = []
    left = [error]
    while left:
        one = left.pop()
        if not isinstance(one, BaseException) or any(one is before for before in seen):
            continue
        if isinstance(one, kind):
            return one
        seen.append(one)
        left += [one.__cause__, one.__context__]
        left += [inner for inner in one.args if isinstance(inner, BaseException)]
    return None


def _encoded(error: BaseException, deep: int) -> dict[str, Any]:
    attributes = dict(vars(error))
    if isinstance(error, OSError):
        # Those that were never set would show once they are set to nothing.
        numbers = {name: getattr(error, name) for name in _OF_SYSTEM}
        attributes.update({name: one for name, one in numbers.items() if one is not None})
    return {
        "module": type(error).__module__,
        "class": type(error).__qualname__,
        "args": [_plain(value, deep) for value in error.args],
        "attributes": {name: _plain(value, deep) for name, value in attributes.items()},
    }


def _plain(value: Any, deep: int) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, bytes):
        return {"bytes": value[:1024].decode("latin-1")}
    if isinstance(value, BaseException) and deep:
        return _encoded(value, deep - 1)
    return {"context": True}


def _decoded(value: dict[str, Any], context: object) -> Exception:
    module, name = str(value["module"]), str(value["class"])
    if module.partition(".")[0] not in _STANDARD + _CLIENTS or not name.isidentifier():
        raise ValueError(module)
    kind = getattr(importlib.import_module(module), name)
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        raise TypeError(name)
    error = kind.__new__(kind)
    error.args = tuple(_value(one, context) for one in value["args"])
    for attribute, one in value["attributes"].items():
        with contextlib.suppress(AttributeError, TypeError):  # computed from the arguments
            setattr(error, attribute, _value(one, context))
    return error


def _value(value: Any, context: object) -> Any:
    if not isinstance(value, dict):
        return value
    if "bytes" in value:
        return value["bytes"].encode("latin-1")
    return _decoded(value, context) if "class" in value else context
