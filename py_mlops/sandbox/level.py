"""How far a rerun is set apart from its machine, in words that go into records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How far a rerun is set apart from the machine it runs on."""

    NAMESPACES = "namespaces"
    COPY = "copy"


@dataclass(frozen=True)
class Isolation:
    """What this machine offers.

    Attributes:
        level: The best level that works here.
        why: One sentence for a person.
    """

    level: Level
    why: str


def unreachable(requested: Iterable[str], level: Level) -> list[str]:
    """Return the paths under which a rerun will not find the recorded files.

    Args:
        requested: Paths as the program names them.
        level: The rerun's level.

    Returns:
        Without duplicates, in order. At level ``copy`` all absolute paths: the
        host may have a file there, but it is not the recorded one.
    """
    if level is Level.NAMESPACES:
        return []
    return list(dict.fromkeys(path for path in requested if path.startswith(("/", "~"))))
