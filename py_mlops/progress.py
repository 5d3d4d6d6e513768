"""How long work tells a face how far it is, without knowing which face."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Progress(NamedTuple):
    """One step of long work.

    Attributes:
        stage: The part of the work, a stable word a program can match on
            (``"environment"``, ``"data"``, ``"cell"``, …).
        text: One line for a person.
        done: Units finished.
        total: Units in all; 0 when unknown.
    """

    stage: str
    text: str
    done: int = 0
    total: int = 0


Report = Callable[[Progress], None]
"""What a command calls to report progress."""


def silent(progress: Progress) -> None:
    """Report nothing; the default for callers without a face."""
