"""Watches folders through the system's notifications (inotify), where there is no tracer."""

from __future__ import annotations

import contextlib
import os
import struct
import tempfile
from typing import Callable, Iterator

from .opens import normal
from .places import PARTS
from .probe import open_natively, probe
from .sightings import Sightings, look_at

MOST_FOLDERS = 256
_DEPTH = 3
_MODIFY, _CLOSE_WRITE, _OPEN, _MOVED_TO, _CREATE = 0x2, 0x8, 0x20, 0x80, 0x100
_OVERFLOW, _ONLY_FOLDERS, _IS_FOLDER = 0x4000, 0x01000000, 0x40000000
_MADE = _MODIFY | _CLOSE_WRITE | _MOVED_TO | _CREATE
_EVENT = struct.Struct("iIII")
_PIECE = 1 << 16
_INOTIFY = "anon_inode:inotify"
_OF_EDITORS = (".ipynb", ".swp", ".swx", "~")


class Watch:
    """Sees which files are opened in the notebook's folder and those of files seen before.

    A notification tells neither who opened a file nor what for, so it counts only
    while a cell runs, and only for files that nothing else saw.
    """

    def __init__(self, files: Sightings, leaves_out: Callable[[str], bool]) -> None:
        """Prepare; `start` begins.

        Args:
            files: Told about the files.
            leaves_out: Says which paths are no work of the user's.
        """
        self.works = False
        self._files, self._leaves_out = files, leaves_out
        self._file = -1
        self._folders: dict[int, str] = {}
        self._numbers: dict[str, int] = {}
        self._shared = ""
        self._pid = os.getpid()
        self._add: Callable[..., int] = lambda *_: -1

    def start(self, folder: str) -> bool:
        """Begin to watch a folder and those below it; say whether that was proven to work.

        Args:
            folder: The notebook's, or the one the kernel started in.
        """
        with contextlib.suppress(Exception):
            import ctypes

            libc = ctypes.CDLL(None)
            self._file = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
            if self._file >= 0:
                self._add = libc.inotify_add_watch
                self.works = self._is_told()
        if self.works:
            # Everybody's files come and go there; whose they are, no notification tells.
            shared = normal(os.path.realpath(tempfile.gettempdir()))
            self._shared = shared if folder != shared else ""
            for below in _folders(folder, self._shared):
                self._follow(below)
        return self.works

    def merge(self, cell: int) -> None:
        """Take in what was opened since the last time, as work of a cell."""
        if not self.works or os.getpid() != self._pid:
            return
        masks: dict[str, int] = {}
        for mask, folder, name in self._events():
            path = normal(os.path.join(folder, os.fsdecode(name)))
            if mask & _IS_FOLDER:
                if mask & (_CREATE | _MOVED_TO):
                    self._follow(path)
            elif name and not name.endswith(tuple(os.fsencode(end) for end in _OF_EDITORS)):
                masks[path] = masks.get(path, 0) | mask
        for path, mask in masks.items():
            self._saw(path, mask, cell)

    def discard(self) -> None:
        """Drop what was opened while no cell ran: it was somebody else."""
        if self.works and os.getpid() == self._pid:
            for _ in self._events():
                pass

    def widen(self) -> None:
        """Watch the folders of the files seen so far, too."""
        if self.works and len(self._folders) < MOST_FOLDERS:
            for folder in {os.path.dirname(path) for path in self._files.paths()}:
                self._follow(folder)

    def _saw(self, path: str, mask: int, cell: int) -> None:
        if path in self._files or self._leaves_out(path):
            return
        look = look_at(path)
        if mask & _MADE:
            self._files.wrote(path, path, cell, look, observed="notification")
        elif look is not None:
            self._files.read(path, path, cell, look, observed="notification")

    def _follow(self, folder: str) -> None:
        if folder == self._shared or folder in self._numbers or len(self._folders) >= MOST_FOLDERS:
            return
        if self._leaves_out(os.path.join(folder, "")) or not self._is_ours():
            return
        kinds = _MADE | _OPEN | _ONLY_FOLDERS
        number = self._add(self._file, os.fsencode(folder), kinds)
        if number >= 0:
            self._folders[number] = folder
            self._numbers[folder] = number

    def _is_ours(self) -> bool:
        """Say whether the descriptor still is what it was: programs close those of others."""
        try:
            return os.readlink(f"/proc/self/fd/{self._file}") == _INOTIFY
        except OSError:
            return False

    def _events(self) -> Iterator[tuple[int, str, bytes]]:
        while True:
            try:
                data = os.read(self._file, _PIECE) if self._is_ours() else b""
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.works = False
                return
            at = 0
            while at < len(data):
                number, mask, _, length = _EVENT.unpack_from(data, at)
                at += _EVENT.size + length
                if mask & _OVERFLOW:
                    self.works = False  # there is no telling what was lost
                folder = self._folders.get(number)
                if folder is not None:
                    yield mask, folder, data[at - length : at].rstrip(b"\0")

    def _is_told(self) -> bool:
        with tempfile.TemporaryDirectory(prefix="mlops-probe-") as own, probe(own) as path:
            number = self._add(self._file, os.fsencode(own), _OPEN)
            self._folders[number] = own
            open_natively(path)
            told = [os.path.join(own, os.fsdecode(name)) for _, _, name in self._events()]
            del self._folders[number]
        return path in told


def _folders(start: str, without: str) -> Iterator[str]:
    """Yield a folder and those below it, near ones first, without hidden and foreign ones."""
    level = [start]
    for _ in range(_DEPTH + 1):
        below: list[str] = []
        for folder in level:
            yield folder
            if len(below) < MOST_FOLDERS:
                with contextlib.suppress(OSError), os.scandir(folder) as entries:
                    below += [
                        entry.path
                        for entry in entries
                        if entry.name[:1] != "." and entry.name not in PARTS
                        and entry.path != without
                        and entry.is_dir(follow_symlinks=False)
                    ]  # fmt: skip
        level = below
