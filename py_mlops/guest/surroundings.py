"""What stands around a session: its user's home, language and time zone, and folders it listed."""

from __future__ import annotations

import contextlib
import os
import pwd
import sys
import tempfile
from typing import Any, Callable, Tuple

from .links import is_text

NAMES = ("HOME", "USER", "LOGNAME", "TZ", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_NUMERIC",
         "LC_TIME", "LC_COLLATE", "LC_MONETARY", "LC_MESSAGES", "SHELL",
         "PYTHONUNBUFFERED", "PYTHONPATH")  # fmt: skip
"""Environment variables whose values are kept: they tell a person's places, and no secret."""

_LOCALTIME = "/etc/localtime"
_ZONES = "zoneinfo/"
_MOST_FOLDERS = 2000
_MOST_ENTRIES = 250_000
_DEEPEST = 6
_FIELDS = ("name", "kind", "size", "modified")
_Entry = Tuple[str, str, int, str]
"""A name in a folder, as `_FIELDS` say: a tuple, because there can be many."""


class Listings:
    """The folders whose names the program asked for, each as it was the first time.

    Attributes:
        cut: Whether it asked for more than is kept.
        links: Names in them that are links, in full.
    """

    def __init__(self, leaves_out: Callable[[str], bool], is_new: Callable[[str], bool]) -> None:
        """Begin with none.

        Args:
            leaves_out: Says which paths are no work of the user's.
            is_new: Says which files the program itself made.
        """
        self.cut = False
        self.links: list[str] = []
        self._leaves_out, self._is_new = leaves_out, is_new
        self._made: set[str] = set()
        self._folders: dict[str, tuple[int, list[_Entry]]] = {}
        self._known: set[str] = set()
        self._entries = 0

    def making(self, path: str) -> None:
        """Note that the program is about to make a folder, if nothing is there."""
        if not os.path.lexists(path):
            self._made.add(path)

    def listed(self, path: str, cell: int) -> None:
        """Note that a folder is listed, and what is in it now.

        Args:
            path: Absolute and normalised.
            cell: Execution count of the running cell.
        """
        if path in self._known:
            return
        self._known.add(path)
        ours = path in ("/", tempfile.gettempdir()) or self._leaves_out(path + "/")
        if not cell or ours or self._is_made(path):
            return
        if len(self._folders) >= _MOST_FOLDERS:
            self.cut = True
            return
        with contextlib.suppress(OSError):  # the program asks files too, and what is not there
            found = self._entries_of(path)
            self._folders[path] = cell, sorted(found)

    def paths(self) -> list[str]:
        """Return the folders that were listed."""
        return list(self._folders)

    def as_dicts(self) -> list[dict[str, Any]]:
        """Return the shape of ``records.surroundings.Listing``."""
        return [
            {"path": path, "cell": cell, "entries": [dict(zip(_FIELDS, one)) for one in entries]}
            for path, (cell, entries) in list(self._folders.items())
            if is_text(path)
        ]

    def _entries_of(self, path: str) -> list[_Entry]:
        found: list[_Entry] = []
        with os.scandir(path) as entries:
            for entry in entries:
                if self._entries >= _MOST_ENTRIES:
                    self.cut = True
                    break
                here = os.path.join(path, entry.name)
                if not (self._leaves_out(here) or self._is_new(here) or self._is_made(here)):
                    described = self._described(entry, here)
                    self._entries += len(described)
                    found += described
        return found

    def _is_made(self, path: str) -> bool:
        return path in self._made or any(path.startswith(made + "/") for made in self._made)

    def _described(self, entry: Any, path: str) -> list[_Entry]:
        try:
            if entry.is_symlink():
                self.links.append(path)
                return []
            found = entry.stat(follow_symlinks=False)
        except OSError:
            return []
        is_file = entry.is_file(follow_symlinks=False)
        if not is_text(entry.name) or not (is_file or entry.is_dir(follow_symlinks=False)):
            return []
        kind, size = ("file", found.st_size) if is_file else ("folder", 0)
        return [(entry.name, kind, size, str(found.st_mtime_ns))]


def is_import() -> bool:
    """Say whether it is Python's import system that lists a folder right now."""
    frame: Any = sys._getframe(1)  # noqa: SLF001 - the only way to know who asks
    for _ in range(_DEEPEST):
        if frame is None:
            return False
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def at_start() -> dict[str, Any]:
    """Return variables, user and time zone as they are now, in the shape of the record."""
    user = ""
    with contextlib.suppress(KeyError):  # a container's user without an entry
        user = pwd.getpwuid(os.getuid()).pw_name
    kept = {name: os.environ[name] for name in NAMES if name in os.environ}
    return {
        "variables": {name: value for name, value in kept.items() if is_text(value)},
        "user": user if is_text(user) else "",
        "zone": zone(),
    }


def zone(localtime: str = _LOCALTIME) -> str:
    """Return the machine's time zone, ``Europe/Zurich``; empty when nobody tells.

    Args:
        localtime: The link that tells it; where there is none, it is UTC.
    """
    if not os.path.exists(localtime):
        return "UTC"
    name = os.path.realpath(localtime).partition(_ZONES)[2]
    return name if is_text(name) else ""
