"""Which layer records what happens now: the uppermost one that can, and no other."""

from __future__ import annotations

import contextlib
import contextvars
from typing import Iterator

_inside: contextvars.ContextVar[bool] = contextvars.ContextVar("mlops_inside", default=False)


def is_inside() -> bool:
    """Say whether a layer above already records what happens now."""
    return _inside.get()


@contextlib.contextmanager
def inside() -> Iterator[None]:
    """Keep the layers below from recording the same once more."""
    token = _inside.set(True)
    try:
        yield
    finally:
        _inside.reset(token)


@contextlib.contextmanager
def outside() -> Iterator[None]:
    """Let the program's own code, which a driver calls, be recorded as it would be elsewhere."""
    token = _inside.set(False)
    try:
        yield
    finally:
        _inside.reset(token)
