"""The symbolic links that a program goes through, and those that it makes itself."""

from __future__ import annotations

import os
import re
from typing import Callable, Iterable

from .opens import normal

_MOST_FOLLOWED = 40
"""As many as Linux follows."""
_MOST = 10_000
_LN = re.compile(r"\bln\s+([^;&|\n]+)")
_TargetOf = Callable[[str], "str | None"]


class Links:
    """Tells the links of the world from those of the program.

    A link of the world belongs to what the program found; a rerun finds it too.
    One that the program makes is made again by the rerun, and what is read
    through it has the name that it leads to.
    """

    def __init__(self) -> None:
        """Begin with none of the program's own."""
        self._made: set[str] = set()
        self._before: dict[str, str] = {}
        self._ways: dict[str, None] = {}

    def normal(self, path: str) -> str:
        """Return an absolute path without ``.``, ``..`` and doubled separators.

        Links stay, but for those before ``..`` (which leads up from where they
        lead to) and those that the program made.
        """
        if "/.." not in path and not self._made:
            return normal(path)
        if "/.." in path and len(self._ways) < _MOST:
            self._ways.setdefault(path)
        return self._past(path, self._made.__contains__)

    def making(self, path: str) -> None:
        """Note that the program is about to make a link.

        Args:
            path: Absolute; where it will be, if nothing is there.
        """
        if not os.path.lexists(path):
            self._made.add(_place(path))

    def leaving(self, path: str) -> bool:
        """Note that a link is about to lose its name; say whether it is one of the world's."""
        place = _place(path)
        if place in self._made:
            self._made.discard(place)
            return False
        self._before.setdefault(place, os.readlink(path))
        return True

    def renaming(self, target: str) -> None:
        """Note that the program is about to give a link another name."""
        self._made.add(_place(target))

    def made_by(self, commands: Iterable[str]) -> set[str]:
        """Return the names, without their folders, of the links that commands make with ``ln``.

        Args:
            commands: The child processes' words.
        """
        found: set[str] = set()
        for text in commands:
            for match in _LN.finditer(text):
                words = [word.strip("'\"") for word in match.group(1).split() if word[0] != "-"]
                named = words if words[-1:] and words[-1].endswith(("/", ".")) else words[-1:]
                found.update(os.path.basename(word) for word in named)
        return found - {"", "."}

    def found(self, paths: Iterable[str], commanded: set[str]) -> list[dict[str, str]]:
        """Return the world's links in the shape of ``records.surroundings.Link``.

        Args:
            paths: Absolute paths, as the program named them: the links on the
                way to each of them, and those that they end in.
            commanded: What `made_by` says.
        """
        met: dict[str, str | None] = {}
        world: dict[str, str] = {}

        def target_of(place: str) -> str | None:
            if place not in met:
                met[place] = target = self._before.get(place) or _target(place)
                mine = place in self._made or os.path.basename(place) in commanded
                if target and (place in self._before or not mine) and len(world) < _MOST:
                    world[place] = target
            return met[place]

        for path in [*paths, *self._ways]:
            try:
                walk(path, target_of)
            except ValueError:  # noqa: PERF203 - each way may end in a circle of its own
                continue
        return [
            {"path": path, "target": world[path]}
            for path in sorted(world)
            if is_text(path) and is_text(world[path])
        ]

    def past(self, path: str, commanded: set[str]) -> str:
        """Return a path as a rerun will find it: without links that a child process made.

        Args:
            path: Absolute, as the program named it.
            commanded: What `made_by` says.
        """
        if not commanded:
            return path
        return self._past(path, lambda place: os.path.basename(place) in commanded)

    def _past(self, path: str, is_made: Callable[[str], bool]) -> str:
        rest, at, followed = path.split("/")[::-1], "", 0
        while rest:
            part = rest.pop()
            if part in {"", "."}:
                continue
            if part == "..":
                at = os.path.dirname(os.path.realpath(at) if os.path.islink(at) else at)
                at = "" if at == "/" else at
                continue
            here = f"{at}/{part}"
            if followed < _MOST_FOLLOWED and os.path.islink(here) and is_made(_place(here)):
                followed += 1
                target = os.readlink(here)
                rest += target.split("/")[::-1]
                at = "" if target.startswith("/") else at
            else:
                at = here
        return at or "/"


def walk(path: str, target_of: _TargetOf) -> str:
    """Return where an absolute path leads in the end, as the system would find it.

    Args:
        path: The path.
        target_of: Tells what a place holds when it is a link, else ``None``;
            it is asked only for places whose folders are no links.

    Raises:
        ValueError: When links lead in a circle.
    """
    rest, at, followed = path.split("/")[::-1], "", 0
    while rest:
        part = rest.pop()
        if part in {"", "."}:
            continue
        if part == "..":
            at = at.rpartition("/")[0]
            continue
        here = f"{at}/{part}"
        target = target_of(here)
        if not target:
            at = here
            continue
        followed += 1
        if followed > _MOST_FOLLOWED:
            raise ValueError(f"The links on the way to {path!r} lead in a circle.")
        rest += target.split("/")[::-1]
        at = "" if target.startswith("/") else at
    return at or "/"


def is_text(value: str) -> bool:
    """Say whether a record can hold a text: it is UTF-8 and has no NUL."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value


def _place(path: str) -> str:
    """Return where a link itself lies: the links among its folders are followed."""
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name)


def _target(place: str) -> str | None:
    try:
        return os.readlink(place)
    except OSError:
        return None
