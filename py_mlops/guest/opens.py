"""The way of every opened file: a quick look at it when opened, the thought about it later."""

from __future__ import annotations

import os
from collections import deque
from typing import Any, Callable, Optional, Sequence, Tuple
from urllib.parse import unquote, urlsplit

from . import folders, places
from .copies import Look
from .sightings import Sightings, look_at

WRITING = os.O_WRONLY | os.O_RDWR
UNSEEN = (0,)
"""What `Opens.seeing` is where no tracer sees anything."""
_MANY = 500_000
_BACKLOG = 50_000
_MOST_UNSURE = 1000

_TYPE, _FOLDER = 0o170000, 0o040000

_Opened = Tuple[str, str, int, int, Optional[Look]]
"""Absolute path, path as requested, flags, cell, and how the file looked."""


class Opens:
    """Takes the files that are opened and passes them on to the sightings.

    Attributes:
        read: Paths, as the program names them, that need no second look when
            read; until the next cell, or until relative ones mean another file.
        written: The same when written.
        cell: Execution count of the running cell.
        failures: How many files were lost to a failure of ours.
        bytes: Sizes of all files that were read, summed up.
        merge: Takes in first what the tracer saw meanwhile; told whether reads can wait.
        seeing: Its first element says whether the tracer sees what is opened.
        left: Its first element says the same to who hands on the audit events.
        normal: Makes paths that mean the same the same, see `links.Links.normal`.
        beside: Returns the folders that ``os.open`` may mean, see `folders.all_open`.
        doubtful: Cells with what was opened in one of several folders, in words.
    """

    def __init__(self, files: Sightings) -> None:
        """Pass on to these sightings."""
        self.read: set[Any] = set()
        self.written: set[Any] = set()
        self.cell = 0
        self.failures = 0
        self.bytes = 0
        self.merge: Callable[[bool], None] = _nothing
        self.seeing: Sequence[int] = UNSEEN
        self.left: Any = [0]
        self.normal: Callable[[str], str] = normal
        self.beside: Callable[[], list[str]] = _none
        self.doubtful: dict[tuple[int, str], None] = {}
        self._files = files
        self._backlog: deque[_Opened] = deque()
        self._unsure: list[_Opened] = []
        self._ours: set[str] = set()  # folders that are left out; theirs are watched
        self._theirs: set[str] = set()
        self._left_out: tuple[str, ...] = ()
        self._kept: tuple[str, ...] = ()

    def opened(self, path: Any, mode: object, flags: int) -> None:
        """Take one audit event ``open``; it comes before the file is opened.

        Args:
            path: As the program names it.
            mode: That of ``open``; ``None`` for ``os.open``, which can name a folder besides.
            flags: Those of the system call.
        """
        # Every new file comes through here, 20,000 of them in some loops: look
        # at it now, think about it between cells.
        if isinstance(path, int):
            return
        full = requested = path if type(path) is str else os.fsdecode(path)
        if full[:1] != "/":
            if mode is None and self._is_beside(requested, flags):
                return
            full = folders.working() + "/" + full
        known = self.written if flags & WRITING else self.read
        folder = full[: full.rindex("/") + 1]
        ours = folder in self._ours or (folder not in self._theirs and self.leaves_out(folder))
        if ours and not full.startswith(self._kept):
            known.add(path)
            return
        look = None
        try:
            found = os.stat(full)
            look = (found.st_size, found.st_mtime_ns, found.st_ino)
            if found.st_mode & _TYPE == _FOLDER:
                return
        except (OSError, ValueError):
            if not flags & WRITING or self.seeing[0]:
                return
        self._backlog.append((full, requested, flags, self.cell, look))
        # What is there and about to be overwritten can be kept now, and never again.
        if (look is not None and flags & WRITING) or len(self._backlog) > _BACKLOG:
            self.catch_up()
        if full[-3:] != ".py":  # reloading reads anew within a cell
            known.add(path)

    def executed(self, code: Any) -> None:
        """Take one audit event ``exec``: a module or script is kept as it is now executed."""
        path = getattr(code, "co_filename", "")
        if path[-3:] == ".py" and not self.passes_over(path):
            path = self.normal(os.path.join(folders.working(), path))
            look = look_at(path)
            if look is not None:
                self._files.keep_code(path, look)

    def loaded(self, name: Any) -> None:
        """Take one audit event ``ctypes.dlopen``; no tracer sees what the loader opens.

        Args:
            name: That of a library; one without a folder is the system's, or not to be told.
        """
        named = os.fsdecode(name) if isinstance(name, (str, bytes, os.PathLike)) else ""
        if "/" in named:
            path = self.normal(os.path.join(folders.working(), named))
            if not self.leaves_out(path):
                self.catch_up()
                look = look_at(path)
                if look is not None:
                    self._files.read(path, named, self.cell, look)

    def _is_beside(self, name: str, flags: int) -> bool:
        """Take a file that is in one of several folders, for no event tells in which.

        Args:
            name: Its name as it was given with or without a folder.
            flags: Those of the system call.

        Returns:
            Whether there are several: where no folder is open it is the working directory's.
        """
        places = self.beside()
        if len(places) < 2:  # noqa: PLR2004 - the working directory alone
            return False
        found = [self.normal(os.path.join(place, name)) for place in places]
        files = [(path, look_at(path)) for path in found if not self.leaves_out(path)]
        there = [path for path, look in files if look is not None]
        opened = [(path, name, flags, self.cell, look) for path, look in files]
        if flags & WRITING:
            self.catch_up()
            for path in there:
                self._files.keep(path)  # what it held, before it is known to be the one
            if not self.seeing[0]:
                self._unsure += opened[: _MOST_UNSURE - len(self._unsure)]
        elif not self.seeing[0]:
            self._backlog.extend(one for one in opened if one[-1] is not None)
            if len(there) > 1 and len(self.doubtful) < _MOST_UNSURE:
                text = f"os.open({name!r}) may have read any of {', '.join(there)}; all are kept."
                self.doubtful.setdefault((self.cell, text))
        return True

    def _settle_unsure(self) -> None:
        waiting, self._unsure = self._unsure, []
        for one in waiting:
            path, requested, flags, cell, look = one
            if look_at(path) == look:
                self._unsure.append(one)
                continue
            if look is not None and not flags & os.O_TRUNC and (_reads(flags) or look[0]):
                self._files.read(path, requested, cell, look)
            self._files.wrote(path, requested, cell, look)

    def connected_sqlite(self, database: Any) -> None:
        """Take one audit event ``sqlite3.connect``; the library opens the file itself, later."""
        name = os.fsdecode(database)
        if name.startswith("file:"):
            parts = urlsplit(name)
            name = "" if "mode=memory" in parts.query else unquote(parts.path)
        if not name or name.startswith(":memory:"):
            return
        full = self.normal(os.path.join(folders.working(), name))
        if not self.leaves_out(full):
            self.catch_up()
            look = look_at(full)
            if look is None:
                self._files.wrote(full, name, self.cell, look)
            else:
                self._opens_database(full, name, look)
            log = look_at(full + "-wal")
            if log is not None:
                self._opens_database(full + "-wal", name + "-wal", log)

    def _opens_database(self, full: str, name: str, look: Look) -> None:
        self._files.read(full, name, self.cell, look, kept_open=True)
        self._files.keep(full)

    def next_cell(self, count: int) -> None:
        """Begin another cell, which takes a second look at what it reads."""
        self.catch_up(reads_can_wait=True)
        self._unsure.clear()
        self.cell = count
        self.read.clear()

    def leave_out(self, *prefixes: str) -> None:
        """Leave out paths that begin so; a folder's name ends in a separator."""
        self.catch_up()
        self._left_out = tuple(dict.fromkeys([*self._left_out, *prefixes]))
        self._kept = tuple(places.kept())
        self._theirs.clear()

    def follow(self, seeing: Sequence[int]) -> None:
        """Leave what is opened to the tracer as long as it sees it, see `seeing`."""
        self.seeing = seeing
        self.left[0] = seeing is not UNSEEN

    def doubt(self) -> None:
        """See for ourselves what is opened, until the tracer has shown that it still does."""
        self.seeing, self.left[0] = UNSEEN, False

    def catch_up(self, *, reads_can_wait: bool = False) -> None:
        """Work out what the opened files mean; before anything that depends on their order.

        Args:
            reads_can_wait: Whether that may be put off where files were only read, and the
                tracer saw them.
        """
        self.merge(reads_can_wait)
        self._settle_unsure()
        while self._backlog:
            try:
                full, requested, flags, cell, look = self._backlog.popleft()
                path = self.normal(full)
                if path is not full and self.leaves_out(path):
                    continue
                in_log = self.seeing[0] and path in self._files
                if look is not None and not flags & os.O_TRUNC:
                    self.bytes += look[0] * _reads(flags)
                    # What is appended to goes on from what it held.
                    if not in_log and (_reads(flags) or look[0]):
                        self._files.read(path, requested, cell, look)
                if flags & WRITING:
                    self._files.wrote(path, requested, cell, look)
            except Exception:
                self.failures += 1
        for known in (self.read, self.written, self._ours, self._theirs):
            if len(known) > _MANY:
                known.clear()

    def changed_folder(self, _folder: object = None) -> None:
        """Take a second look at everything: relative paths mean other files now."""
        self.read.clear()
        self.written.clear()

    def passes_over(self, path: str) -> bool:
        """Say whether a file's folder is not looked at; quick for many files of one folder."""
        folder = path[: path.rfind("/") + 1]
        ours = folder in self._ours or (folder not in self._theirs and self.leaves_out(folder))
        return ours and not path.startswith(self._kept)

    def leaves_out(self, path: str) -> bool:
        """Say whether a file, or a folder whose name ends in a separator, is not looked at."""
        ours = path.startswith(self._left_out) and not path.startswith(self._kept)
        ours = ours or places.lies_apart(path)
        if path[-1:] == "/":
            (self._ours if ours else self._theirs).add(path)
        return ours


def _reads(flags: int) -> bool:
    return flags & WRITING != os.O_WRONLY


def _nothing(_reads_can_wait: bool) -> None:
    pass


def _none() -> list[str]:
    return []


def normal(path: str) -> str:
    """Return an absolute path without ``.``, ``..`` and doubled separators; links stay."""
    if "//" in path or "/." in path or path[-1:] == "/":
        return os.path.normpath("/" + path.lstrip("/"))
    return path
