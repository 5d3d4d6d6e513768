"""Which layer records what happens now: the uppermost one that can, and no other."""

from __future__ import annotations

import contextvars

_inside: contextvars.ContextVar[bool] = contextvars.ContextVar("mlops_inside", default=False)


def is_inside() -> bool:
    """Say whether a layer above already records what happens now."""
    return _inside.get()


def inside() -> _Layer:
    """Keep the layers below from recording the same once more."""
    return _Layer(value=True)


def outside() -> _Layer:
    """Let the program's own code, which a driver calls, be recorded as it would be elsewhere."""
    return _Layer(value=False)


class _Layer:
    """A context in which `is_inside` says the same throughout; a generator's costs a row's time."""

    __slots__ = ("_token", "_value")

    def __init__(self, *, value: bool) -> None:
        self._value = value

    def __enter__(self) -> None:
        self._token = _inside.set(self._value)

    def __exit__(self, *_: object) -> None:
        _inside.reset(self._token)
