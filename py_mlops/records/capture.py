"""How much of the truth a snapshot holds, and what is missing from it."""

from __future__ import annotations

from typing import Literal

from py_mlops.records.base import Part
from py_mlops.records.variables import Variable

CaptureLevel = Literal["observed", "watched", "python-only"]
"""How completely a session was watched; see `Capture`."""


Reacher = Literal["python", "driver", "native", "child"]
"""Who reached a peer; a ``driver`` is one whose answers are recorded."""


class Hole(Part, frozen=True):
    """Something the run used that the snapshot does not hold.

    Attributes:
        kind: The subject it belongs to.
        text: What is missing, in plain words.
        hint: What the author can do about it.
        cell: Execution count of the cell it happened in; 0 when none.
        blocking: Whether someone else is stopped by it.
    """

    kind: Literal["data", "network", "shell", "program", "environment", "model", "holdout"]
    text: str
    hint: str
    cell: int
    blocking: bool


class External(Part, frozen=True):
    """A peer that could not be pinned: what came from there is not kept, and may be gone.

    Attributes:
        host: A name, an address, or a socket's path.
        port: On which port; 0 for a path.
        by: Who reached it: ``python`` code, a database's ``driver``, ``native`` code,
            or a ``child`` process.
        cell: Execution count of the cell.
    """

    host: str
    port: int
    by: Reacher
    cell: int


class AllowedSecret(Part, frozen=True):
    """Something that looks like a secret and was recorded by its author's will.

    Attributes:
        place: Where it stands, such as ``cell [3], line 2``.
        kind: What it looks like.
        reason: Why the author let it pass.
    """

    place: str
    kind: str
    reason: str


class Capture(Part, frozen=True):
    """How the session was watched.

    Attributes:
        level: ``observed`` every open of the kernel and its children;
            ``watched`` folders under notification; ``python-only`` what
            Python's own audit hook and IPython show.
        holes: What is missing.
        external: Whom the program reached past every recorded client.
        ignored: The rules by which files were left out, as shown to the user.
        variables: Environment variables that the program read, without their values.
        secrets: What looks like a secret and was let pass.
    """

    level: CaptureLevel
    holes: list[Hole]
    external: list[External]
    ignored: list[str]
    variables: list[Variable]
    secrets: list[AllowedSecret]
