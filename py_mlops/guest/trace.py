"""Takes in what the tracer saw: files, peers and processes, below Python and in child processes."""

from __future__ import annotations

import bisect
import contextlib
import os
import threading
from typing import Any, Callable

from .children import Children
from .contacts import BY, CHILD, Contacts
from .copies import Look
from .opens import normal
from .preloaded import Preloaded
from .sightings import Sightings, inside
from .tracelog import LOG, Reader, Record, TraceLog, stamp

_SYSTEM_SOCKETS = (
    *("/run/systemd/", "/run/dbus/", "/run/user/", "/run/nscd/", "/run/nslcd/", "/run/avahi"),
    *("/run/uuidd", "/var/lib/sss/", "/dev/log"),
    *("/tmp/.X11-unix/", "/tmp/dbus-", "/tmp/ssh-"),  # noqa: S108 - others made them
)


class Trace:
    """The kernel's side of the tracer.

    The log holds every opened file, those of Python too. So it alone tells what was
    read, and in which order with what was written; the audit hook stands back.

    Attributes:
        failures: How many records made no sense.
        listed: Told each folder that a child process opened, and the cell.
        normal: Makes paths that mean the same the same, see `links.Links.normal`.
        tracer: The library itself.
    """

    def __init__(
        self, files: Sightings, contacts: Contacts, leaves_out: Callable[[str], bool]
    ) -> None:
        """Prepare; `start` begins.

        Args:
            files: Told about the files.
            contacts: Told about the peers.
            leaves_out: Says which paths are no work of the user's.
        """
        self.failures = 0
        self.tracer = Preloaded()
        self.listed: Callable[[str, int], object] = _nothing
        self.normal: Callable[[str], str] = normal
        self._files, self._contacts, self._leaves_out = files, contacts, leaves_out
        self._log: TraceLog | None = None
        self._children = Children()
        self._pid = os.getpid()
        self._heard = -1
        self._reading = threading.Lock()
        self._times, self._cells = [0], [0]
        self._known: set[tuple[int, int]] = set()
        self._names: dict[bytes, str] = {}
        self._probes: dict[str, set[int]] = {}
        self._readers: dict[bytes, Reader] = {
            b"F": self._opened, b"D": self._listed, b"V": self._renamed, b"P": self._began,
            b"K": self._children.forked, b"S": self._children.starting,
            b"E": self._children.failed, b"C": self._connected, b"L": self._listens,
            b"N": self._looked_up, b"U": self._children.blind,
        }  # fmt: skip

    @property
    def whole(self) -> bool:
        """Whether there is a log and nothing is missing in it."""
        return self._log is not None and self._log.whole and not self.failures

    def start(self) -> bool:
        """Begin to read the log, where the environment names one; say whether it does."""
        path = os.environ.get(LOG, "")
        if self._log is None and os.path.isabs(path):
            with contextlib.suppress(Exception):
                self.tracer.load()
                self._log = TraceLog(path)
        return self._log is not None

    def next_cell(self, count: int, time_ns: int) -> None:
        """Note that what follows belongs to another cell.

        Args:
            count: The cell's execution count.
            time_ns: When it began, in nanoseconds of the wall clock.
        """
        self._times.append(time_ns)
        self._cells.append(count)

    def merge(self, *, reads_can_wait: bool = False) -> None:
        """Take in what is new in the log.

        Args:
            reads_can_wait: Whether nothing need be done when files were only read: their
                records tell how they looked, so that it can be thought about later.
        """
        if self._log is None or os.getpid() != self._pid:
            return
        news = self.tracer.news()
        if reads_can_wait and news == self._heard:
            return
        if not self._reading.acquire(blocking=False):
            return  # another thread is at it, or this one was interrupted while it was
        try:
            self._heard = news
            self._log.whole = bool(self.tracer.drain()) and self._log.whole
            for fields in self._log.records():
                try:
                    self._readers[fields[0]](fields)
                except Exception:  # noqa: PERF203 - one senseless record costs itself alone
                    self.failures += 1
        finally:
            self._reading.release()

    def unseen(self) -> list[str]:
        """Return the child processes that the tracer was not in, in words."""
        return self._children.unseen()

    def seen_by(self, path: str) -> set[int]:
        """Return the processes that opened a file of ours since `expect` was called for it."""
        self.merge()
        return self._probes.pop(path, set())

    def expect(self, path: str) -> None:
        """Look out for a file of ours: it proves that the tracer sees, and is no data."""
        self._probes[path] = set()

    def _cell(self, time_ns: int) -> int:
        return self._cells[bisect.bisect_right(self._times, time_ns) - 1]

    def _is_early(self, pid: int, time_ns: int) -> bool:
        since = self._files.started_ns
        return pid == self._pid and (since == 0 or time_ns < since)

    def _opened(self, fields: Record) -> None:
        kind, (pid, time_ns) = fields[3], stamp(fields)
        named = os.fsdecode(fields[9])
        path = self.normal(named)
        if path in self._probes:
            self._probes[path].add(pid)
            return
        look, identity = _look(fields[4:8])
        if kind == b"M" and identity in self._known:
            return
        self._known.add(identity)
        if self._passes_over(pid, time_ns, path):
            return
        cell, name = self._cell(time_ns), self._children.name(pid)
        if fields[8] != b"0":  # it was relative to what stands before
            named = os.fsdecode(fields[9][int(fields[8]) :])
        requested = path if name else named
        self._files.unguess(path)
        if kind == b"A" and look is not None:  # it goes on from what it held
            self._files.read(path, requested, cell, look, observed="tracer", process=name)
        if kind in (b"A", b"W"):
            self._files.wrote(path, requested, cell, look, observed="tracer", process=name)
        elif look is not None:
            self._files.read(
                path, requested, cell, look, kept_open=kind == b"B", observed="tracer", process=name
            )

    def _passes_over(self, pid: int, time_ns: int, path: str) -> bool:
        early = self._is_early(pid, time_ns)
        return early or self._leaves_out(path) or self._children.owns(pid, path)

    def _listed(self, fields: Record) -> None:
        pid, time_ns = stamp(fields)
        path = self.normal(os.fsdecode(fields[3]))
        if pid != self._pid and not self._passes_over(pid, time_ns, path):
            self.listed(path, self._cell(time_ns))

    def _renamed(self, fields: Record) -> None:
        pid, time_ns = stamp(fields)
        length, paths = int(fields[7]), fields[8]
        old, new = (self.normal(os.fsdecode(one)) for one in (paths[:length], paths[length:]))
        look, _ = _look(fields[3:7])
        cell, name = self._cell(time_ns), self._children.name(pid)
        for file in inside(self._files, old, now=new) or [""]:
            before, after = old + file, new + file
            if not self._passes_over(pid, time_ns, before):
                is_old = look is not None and look[1] < self._files.started_ns
                if look and is_old and not os.path.isdir(new) and before not in self._files:
                    # Nobody opened it: data that was there before.
                    self._files.read(before, before, cell, look, observed="tracer", process=name)
                self._files.removed(before)
            if not self._passes_over(pid, time_ns, after):
                self._files.unguess(after)
                self._files.wrote(after, after, cell, None, observed="tracer", process=name)

    def _began(self, fields: Record) -> None:
        image = self._children.began(fields)
        pid = int(fields[2])
        if pid == self._pid or not os.path.isabs(image.program):
            return
        if not self._passes_over(pid, image.started_ns, image.program):
            with contextlib.suppress(OSError):
                found = os.stat(image.program)
                look = (found.st_size, found.st_mtime_ns, found.st_ino)
                cell = self._cell(image.started_ns)
                self._files.unguess(image.program)
                self._files.read(
                    image.program, image.program, cell, look, observed="tracer", process=image.name
                )

    def _connected(self, fields: Record) -> None:
        pid, time_ns = stamp(fields)
        port, peer = int(fields[3]), os.fsdecode(fields[5])
        if self._is_early(pid, time_ns):
            return
        by = CHILD if pid != self._pid else BY[int(fields[4])]
        if port >= 0:
            name = self._names.get(fields[5], "")
            self._contacts.reached(name, peer, port, self._cell(time_ns), by)
        elif not peer.lstrip("@").replace("/var/run/", "/run/", 1).startswith(_SYSTEM_SOCKETS):
            self._contacts.reached("", peer, 0, self._cell(time_ns), by)

    def _listens(self, fields: Record) -> None:
        port, peer = int(fields[3]), os.fsdecode(fields[4])
        self._contacts.listening.add(port if port >= 0 else peer)

    def _looked_up(self, fields: Record) -> None:
        self._names[fields[3]] = os.fsdecode(fields[4])


def _look(fields: Record) -> tuple[Look | None, tuple[int, int]]:
    """Return how a file looked, and its device and inode."""
    size, mtime_ns, inode = int(fields[0]), int(fields[1]), int(fields[3])
    return (size, mtime_ns, inode) if size >= 0 else None, (int(fields[2]), inode)


def _nothing(*_: Any) -> None:
    pass
