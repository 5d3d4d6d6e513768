"""The files a process was seen with: who touched each first, and how it looked then."""

from __future__ import annotations

import os
import stat
from typing import Any, Callable, Iterable, Iterator

from .copies import Copies, Look
from .originals import Kept
from .words import Named

MOST_FILES = 1_000_000
"""Files that are noted; of a program that opens more the others are counted only."""

_MOST_AWAITED = 1000
_MOST_VERSIONS = 100
_LARGEST_CODE, _MOST_CODE = 1 << 20, 10_000
_CHANGED_UNSEEN = "a child process or a database changed it, which shows only afterwards"


class _Sighting:
    """One file; ``look`` is of the newest version that was read, ``earlier`` of those before."""

    __slots__ = (
        *("cell", "earlier", "existed", "first", "kept", "look", "observed", "problem"),
        *("process", "requested", "written"),
    )

    def __init__(  # noqa: PLR0917 - as they stand in its slots
        self, requested: str, first: str, look: Look | None, cell: int, observed: str, process: str
    ) -> None:
        self.requested = requested
        self.first = first
        self.written = first == "write"
        self.existed = look is not None
        self.look = look
        self.cell = cell
        self.observed = observed
        self.process = process
        self.earlier: tuple[tuple[int, Look | None], ...] = ()
        self.kept = ""
        self.problem = ""


class Sightings:
    """Every file seen, by absolute path.

    It takes no lock: each step is one operation on a dict, so that a thread, a
    signal handler or a forked child can never wait for another one's lock.

    Attributes:
        started_ns: When we began to watch, in nanoseconds of the wall clock.
        beyond: How often a file was opened that is not noted, being one too many.
    """

    def __init__(self, keep: Callable[[str, Look], Kept] | None = None) -> None:
        """Begin with none.

        Args:
            keep: Copies an input that is about to change, see `Originals.keep`.
        """
        self.started_ns = 0
        self.beyond = 0
        self._keep = keep
        self._files: dict[str, _Sighting] = {}
        # In the hands of a child (False) or a database (True): only looking again tells.
        self._in_hand: dict[str, bool] = {}
        self._awaited: dict[str, tuple[str, int, Look | None]] = {}
        self._copies = Copies(keep or _kept_by_none)
        self._appended: set[str] = set()
        self._code: dict[tuple[str, Look], str] = {}

    def read(
        self,
        path: str,
        requested: str,
        cell: int,
        look: Look,
        *,
        kept_open: bool = False,
        observed: str = "audit-hook",
        process: str = "",
    ) -> None:
        """Note that a file is read.

        Args:
            path: Absolute and normalised.
            requested: As the program names it.
            cell: The execution count of the cell that reads it.
            look: How it looked just before.
            kept_open: Whether it may be written later without another sign.
            observed: Who saw it.
            process: The program that read it; empty for this one.
        """
        entry = self._files.get(path)
        if entry is None:
            if _is_one_too_many(self, len(self._files)):
                return
            new = _Sighting(requested, "read", look, cell, observed, process)
            entry = self._files.setdefault(path, new)
        elif entry.first == "read" and not entry.written and entry.look != look:
            if path in self._in_hand:
                self._settle(path)
            else:
                entry.earlier = (*entry.earlier[-_MOST_VERSIONS:], (entry.cell, entry.look))
                entry.look, entry.cell = look, cell
                entry.kept = entry.problem = ""
        if kept_open and not entry.written:
            self._in_hand[path] = True

    def wrote(
        self,
        path: str,
        requested: str,
        cell: int,
        look: Look | None,
        *,
        observed: str = "audit-hook",
        process: str = "",
    ) -> None:
        """Note that a file is written; ``look`` is ``None`` for a new one. See `read`."""
        if path in self._appended and path not in self._files:
            before = self._copies.look(path)
            self.read(path, requested, cell, before, observed=observed, process=process)
        entry = self._files.get(path)
        if entry is None:
            if _is_one_too_many(self, len(self._files)):
                return
            new = _Sighting(requested, "write", look, cell, observed, process)
            entry = self._files.setdefault(path, new)
        self._keep_original(path, entry)
        entry.written = True

    def moved(self, old: str | None, new: str | None, requested: str, cell: int) -> None:
        """Note that a file is about to get another name.

        Args:
            old: Its name, ``None`` when nothing there is watched.
            new: What it will be called, likewise.
            requested: The new name as the program gives it.
            cell: The running cell's execution count.
        """
        if old is not None:
            look = look_at(old)
            if look is None:
                return
            # An unknown file that is younger than our watching was made by
            # native code of the program; an older one is data that it takes.
            if old not in self._files and look[1] < self.started_ns:
                self.read(old, old, cell, look)
            self.removed(old)
        if new is not None:
            self.wrote(new, requested, cell, look_at(new))

    def removed(self, path: str, requested: str = "", cell: int = 0) -> None:
        """Note that a file is about to be gone: an input then cannot be taken from there.

        One that nobody had opened is an input too when it is older than our watching:
        the program does other things, or fails, where it is missing.
        """
        if path not in self._files:
            look = look_at(path)
            if look is not None and look[1] < self.started_ns:
                self.read(path, requested or path, cell, look)
        entry = self._files.get(path)
        if entry is not None:
            self._keep_original(path, entry)
            entry.written = True

    def keep(self, path: str) -> None:
        """Copy a file that is not large, because its next change may give no sign."""
        entry, look = self._files.get(path), look_at(path)
        if look is not None and not (entry is not None and entry.written):
            self._copies.make(path, look)

    def keep_code(self, path: str, look: Look) -> None:
        """Copy a module or script that is executed: a person may edit it at any time."""
        if self._keep is None or (path, look) in self._code:
            return
        if look[0] <= _LARGEST_CODE and len(self._code) < _MOST_CODE:
            self._code[path, look] = self._keep(path, look)[0]

    def _keep_original(self, path: str, entry: _Sighting) -> None:
        is_input = entry.first == "read" and not entry.written and not entry.kept
        if not is_input:
            return
        entry.kept, entry.problem = self._copies.of(path, entry.look)
        if not entry.kept and entry.look and self._keep is not None:
            entry.kept, entry.problem = self._keep(path, entry.look)

    def __contains__(self, path: object) -> bool:
        """Say whether a file was seen; ``path`` is absolute and normalised."""
        return path in self._files

    def paths(self) -> list[str]:
        """Return the paths of all files seen."""
        return list(self._files)

    def unguess(self, path: str) -> None:
        """Forget what was only guessed from a command's text: now the access itself was seen."""
        entry = self._files.get(path)
        if entry is not None and entry.observed == "shell-command":
            self._files.pop(path, None)
            self._in_hand.pop(path, None)

    def handed_out(self, named: Iterable[Named], cell: int) -> None:
        """Note the files whose names a child process is given."""
        for path, requested, writes, appends in named:
            look = look_at(path)
            if look is not None and (appends or not writes):
                self.keep(path)
            if appends and path in self._copies and path not in self._files:
                self._appended.add(path)
            if path not in self._files and look is not None and not writes:
                self.read(path, requested, cell, look, observed="shell-command")
            entry = self._files.get(path)
            if entry is not None:
                self._in_hand.setdefault(path, False)
                if writes:
                    self._keep_original(path, entry)
            elif len(self._awaited) < _MOST_AWAITED:
                self._awaited.setdefault(path, (requested, cell, look))

    def settle(self) -> None:
        """Look what became of the files in other hands, and of those that were to appear."""
        for path in list(self._in_hand):
            self._settle(path)
        awaited, self._awaited = self._awaited, {}
        for path, (requested, cell, look) in awaited.items():
            if path not in self._files and os.path.isfile(path):
                self.wrote(path, requested, cell, look, observed="shell-command")

    def _settle(self, path: str) -> None:
        entry = self._files.get(path)
        if entry is None or entry.written:
            self._in_hand.pop(path, None)
        elif look_at(path) != entry.look:
            is_older = entry.look is not None and entry.look[1] < self.started_ns
            was_removed = is_older and not os.path.lexists(path)
            if entry.observed == "shell-command" and not was_removed:
                entry.first = "write"  # the only thing it was seen with is what changed it
            self._keep_original(path, entry)
            entry.written = True
            if not entry.kept:
                entry.problem = _CHANGED_UNSEEN
            self._in_hand.pop(path, None)
        elif not self._in_hand.get(path):
            self._in_hand.pop(path, None)

    def is_new(self, path: str) -> bool:
        """Say whether a file is one that the program made."""
        entry = self._files.get(path)
        return entry is not None and entry.first == "write" and not entry.existed

    def rename(self, link: str, to: str) -> None:
        """Know what is known through a link by where the link leads, for it is about to go."""
        for path in list(self._files):
            if path == link or path.startswith(link + "/"):
                entry = self._files.pop(path)
                self._files.setdefault(to + path[len(link) :], entry)

    def forget(self, folder: str) -> None:
        """Drop a file, or everything below a folder; its name ends in a separator."""
        for path in list(self._files):
            if (path + os.sep).startswith(folder):
                self._files.pop(path, None)

    def drop_missing_outputs(self) -> bool:
        """Drop what the program wrote and did away with again; say whether there was any."""
        gone = [
            path
            for path, entry in list(self._files.items())
            if entry.first == "write" and (not os.path.lexists(path) or os.path.isdir(path))
        ]
        for path in gone:
            self._files.pop(path, None)
        return bool(gone)

    def as_dicts(self) -> list[dict[str, Any]]:
        """Return the shape of ``records.handover.SeenFile``; see `Observer.files`."""
        return [
            _described(path, entry, cell, look, self._code.get((path, look)) if look else None)
            for path, entry in list(self._files.items())
            for cell, look in _versions(entry)
        ]


def _is_one_too_many(files: Sightings, count: int) -> bool:
    files.beyond += count >= MOST_FILES
    return count >= MOST_FILES


def _described(
    path: str, entry: _Sighting, cell: int, look: Look | None, code: str | None
) -> dict[str, Any]:
    return as_dict(
        path,
        entry.requested,
        entry.first,
        look,
        cell,
        written=entry.written,
        existed=entry.existed,
        observed=entry.observed,
        process=entry.process,
        kept=entry.kept or code or "" if look == entry.look else code or "",
        problem=entry.problem,
    )


def as_dict(
    path: str,
    requested: str,
    first: str,
    look: Look | None,
    cell: int,
    *,
    written: bool,
    existed: bool,
    observed: str,
    process: str = "",
    kept: str = "",
    problem: str = "",
) -> dict[str, Any]:
    """Return one file in the shape of ``records.handover.SeenFile``."""
    size, mtime_ns, inode = look if look is not None and first == "read" else (-1, -1, -1)
    try:
        path.encode()
    except UnicodeEncodeError:
        path = repr(os.fsencode(path))
    return {
        "path": path,
        "requested": requested.encode("utf-8", "backslashreplace").decode(),
        "first": first,
        "written": written,
        "existed": existed,
        "size": size,
        "mtime_ns": mtime_ns,
        "inode": inode,
        "cell": cell,
        "observed": observed,
        "process": process.encode("utf-8", "backslashreplace").decode(),
        "kept": kept if first == "read" else "",
        "problem": problem if first == "read" else "",
    }


def _versions(entry: _Sighting) -> Iterator[tuple[int, Look | None]]:
    if entry.first == "read":
        yield from entry.earlier
    yield entry.cell, entry.look


def _kept_by_none(_path: str, _look: Look) -> Kept:
    return "", ""


def inside(files: Sightings, folder: str, now: str = "") -> list[str]:
    """Return what to append to a folder's name to get each known file below it.

    Args:
        files: The known files.
        folder: The folder, under the name that its files are known by.
        now: Where it is now, when it has been moved.
    """
    if not os.path.isdir(now or folder):
        return []
    return [path[len(folder) :] for path in files.paths() if path.startswith(folder + "/")]


def look_at(path: str) -> Look | None:
    """Return how a file looks now, ``None`` when there is none or it is a folder."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    if stat.S_ISDIR(found.st_mode):
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino
