"""What a route of the REST interface is: address, rule of access, shapes in and out, its work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

BASE = "/py-mlops/api/v1"
"""Where every route begins, below the server's own base address."""

RESOURCE = "py-mlops"
"""What jupyter_server's authorizer is asked about."""

Verb = Literal["GET", "POST", "DELETE"]

Action = Literal["read", "write", "execute"]
"""What jupyter_server's authorizer distinguishes: look, change, run code."""


class Nothing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """No parameter at all."""


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that are no JSON.

    Attributes:
        mime: Their type.
        data: They themselves.
        name: A file name for them; empty when they are only shown.
    """

    mime: str
    data: bytes
    name: str = ""


Work = Callable[[Any, Any], Any]
"""Does what a route is for, with the desk and its parameters.

It runs in a thread, or in the event loop when it is a coroutine function.
"""


@dataclass(frozen=True)
class Route:
    """One verb at one address.

    Attributes:
        verb: The HTTP method.
        path: Below `BASE`, ``/snapshots/{id}``; a last ``{path+}`` takes slashes too.
        action: What a caller must be allowed to do; there is no default.
        work: The function that answers; its first docstring line is the summary.
        asks: Its parameters: those named in the path, the query's, and for a
            POST the JSON body's.
        answers: The shape of its answer.
        status: The HTTP status of a good answer.
        slow: Seconds after which the caller is told that the store does not answer.
        store: Whether it asks the store; what does not answers also while that hangs.
    """

    verb: Verb
    path: str
    action: Action
    work: Work
    asks: type[msgspec.Struct]
    answers: type[msgspec.Struct]
    status: int = 200
    slow: float = 20.0
    store: bool = True

    @property
    def name(self) -> str:
        """Return the operation's name, the function's."""
        return self.work.__name__

    @property
    def in_path(self) -> list[str]:
        """Return the names of the parameters in the path."""
        pieces = (piece for piece in self.path.split("/") if piece.startswith("{"))
        return [piece.strip("{}+") for piece in pieces]
