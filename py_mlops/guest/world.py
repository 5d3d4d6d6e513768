"""What a program finds around its files, and what it does to their names."""

from __future__ import annotations

import os
from typing import Any, Callable, ContextManager

from . import folders
from .links import Links
from .opens import Opens
from .sightings import Sightings, inside, look_at
from .surroundings import Listings, is_import
from .tracelog import LOG

_Path = Any
"""What an audit event calls a path: text, bytes, or an open file's number."""
_AT_CWD = -1
"""What an audit event says when a path is relative to the working directory."""


class World:
    """Takes the audit events of links, folders and names.

    Attributes:
        links: The symbolic links of the world, and those that the program made.
        listings: The folders whose names it asked for.
    """

    def __init__(
        self, opens: Opens, files: Sightings, paused: Callable[[], ContextManager[None]]
    ) -> None:
        """Begin with nothing found.

        Args:
            opens: What was opened so far; it names files as this says.
            files: Told when files get another name.
            paused: A context in which work of ours is not seen.
        """
        self.links = Links()
        self.listings = Listings(opens.leaves_out, files.is_new)
        opens.normal = self.links.normal
        self._opens, self._files, self._paused = opens, files, paused

    def handlers(self) -> dict[str, Callable[..., None]]:
        """Return what takes each audit event."""
        return {
            "os.listdir": self._listed,
            "os.scandir": self._listed,
            "os.mkdir": self._making_folder,
            "os.symlink": self._making_link,
            "os.truncate": self._truncated,
            "os.rename": self._renamed,
            "os.link": self._linking,
            "os.remove": self._removed,
        }

    def found(self, paths: list[str], commanded: set[str]) -> dict[str, Any]:
        """Return links and listings in the shape of ``records.handover.SeenSurroundings``.

        Args:
            paths: Absolute paths that the program named.
            commanded: Names of links that its child processes made.
        """
        ways = [*paths, *self.listings.paths(), *self.listings.links]
        return {
            "links": self.links.found(ways, commanded),
            "listings": self.listings.as_dicts(),
            "cut": self.listings.cut,
        }

    def _beside(self, path: _Path, folder: int = _AT_CWD) -> str:
        """Return a path in full; ``folder`` is the open folder it is relative to."""
        if isinstance(path, int):  # itself an open folder
            return folders.opened(path)
        base = folders.working() if folder == _AT_CWD else folders.opened(folder)
        return self.links.normal(os.path.join(base, os.fsdecode(path)))

    def _name(self, path: _Path, folder: int = _AT_CWD) -> str:
        """Return the full path of a name itself, also when it is a link of the program's own."""
        head, name = os.path.split(os.fsdecode(path).rstrip("/"))
        if name in {"", ".", ".."}:
            return self._beside(path, folder)
        return os.path.join(self._beside(head or ".", folder), name)

    def _leaves_link(self, path: str) -> bool:
        """Note that a name is about to go, when it is a link's; say whether it is."""
        if not os.path.islink(path):
            return False
        if self.links.leaving(path):
            self._files.rename(path, os.path.realpath(path))
        self._opens.changed_folder()
        return True

    def _moves_link(self, old: str, new: str) -> bool:
        """Note that a name is about to become another, when it is a link's; say whether it is."""
        self._leaves_link(new)
        if not self._leaves_link(old):
            return False
        self.links.renaming(new)
        return True

    def _truncated(self, path: _Path, _length: int) -> None:
        self._opens.opened(path, "", os.O_WRONLY)

    def _renamed(
        self, source: _Path, target: _Path, from_folder: int = _AT_CWD, to_folder: int = _AT_CWD
    ) -> None:
        self._opens.catch_up()
        old, new = self._name(source, from_folder), self._name(target, to_folder)
        requested = os.fsdecode(target)
        if self._moves_link(old, new):
            return
        self._doubt_without_log(old)
        for name in inside(self._files, old) or [""]:
            self._files.moved(
                None if self._opens.leaves_out(old + name) else old + name,
                None if self._opens.leaves_out(new + name) else new + name,
                requested + name,
                self._opens.cell,
            )

    def _linking(
        self, source: _Path, target: _Path, from_folder: int = _AT_CWD, to_folder: int = _AT_CWD
    ) -> None:
        self._opens.catch_up()
        old, new = self._beside(source, from_folder), self._name(target, to_folder)
        look = look_at(old)
        if look is None or os.path.lexists(new):
            return
        if not self._opens.leaves_out(old):
            self._files.read(old, os.fsdecode(source), self._opens.cell, look)
        if not self._opens.leaves_out(new):
            self._files.wrote(new, os.fsdecode(target), self._opens.cell, None)

    def _removed(self, path: _Path, folder: int = _AT_CWD) -> None:
        self._opens.catch_up()
        full = self._name(path, folder)
        self._doubt_without_log(full)
        if not (self._leaves_link(full) or self._opens.leaves_out(full)):
            self._files.removed(full, os.fsdecode(path), self._opens.cell)

    def _doubt_without_log(self, gone: str) -> None:
        if gone == os.environ.get(LOG):
            self._opens.doubt()

    def _listed(self, path: _Path) -> None:
        if not is_import():
            self._opens.catch_up(reads_can_wait=True)
            with self._paused():
                full = self._beside("." if path is None else path)
                self.listings.listed(full, self._opens.cell)

    def _making_folder(self, path: _Path, _mode: int, folder: int = _AT_CWD) -> None:
        self.listings.making(self._beside(path, folder))

    def _making_link(self, _target: _Path, path: _Path, folder: int = _AT_CWD) -> None:
        self._opens.catch_up()
        self.links.making(self._name(path, folder))
        self._opens.changed_folder()
