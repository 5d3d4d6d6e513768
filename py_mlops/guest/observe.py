"""Sees which files a Python process reads and writes, through its audit hook."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from typing import Any, Callable, Iterator, Sequence

from . import folders, places, words
from .contacts import DRIVER, PYTHON, Contacts
from .copies import Look
from .level import Level
from .opens import WRITING, Opens
from .originals import Kept, Originals
from .sightings import Sightings
from .tracelog import LOG
from .world import World

_Path = Any
"""What an audit event calls a path: text, bytes, or an open file's number."""


class Observer:
    """Watches a process from `start` on, without ever failing into its code.

    An audit hook cannot be taken back, so it is installed once and does nothing
    while the observer is stopped. Each event comes before what it announces: a
    file is looked at as it was just before it was opened. Where the tracer is
    proven to see what this process reads, the hook leaves that to it.

    Attributes:
        originals: What inputs held that the process itself overwrote.
        level: What sees more than the audit hook, and how much.
        world: The links that it met and the folders that it listed.
    """

    def __init__(self) -> None:
        """Create an observer that sees nothing yet."""
        self._failures = 0
        self._installed = False
        self._silence = _Silence()
        self._everywhere = _Silent()
        self.originals = Originals()
        self._files = Sightings(self._keep)
        self._opens = Opens(self._files)
        self._contacts = Contacts()
        self.world = World(self._opens, self._files, self.paused)
        self.level = Level(self._files, self._contacts, self._opens)
        self.level.trace.listed = self.world.listings.listed
        self.level.trace.normal = self.world.links.normal
        self._opens.merge = self._merge
        self._opens.beside = self._open_folders
        self._commands: dict[tuple[int, str], None] = {}
        self._handlers: dict[str, Callable[..., None]] = {}

    @property
    def cell(self) -> int:
        """Execution count of the running cell; 0 before any."""
        return self._opens.cell

    @cell.setter
    def cell(self, count: int) -> None:
        ended = self.cell
        self._opens.next_cell(count)
        with contextlib.suppress(Exception):
            self.level.next_cell(ended, count)

    @property
    def failures(self) -> int:
        """How often the hook itself failed, or a file was one too many to note; that is lost."""
        own = self._failures + self._files.beyond
        return own + self._opens.failures + self.level.trace.failures

    @property
    def silent(self) -> bool:
        """Whether what this thread does now is work of ours, see `paused`."""
        return bool(self._silence.all)

    @property
    def started_ns(self) -> int:
        """When it was first started, in nanoseconds of the wall clock; 0 before."""
        return self._files.started_ns

    def start(self) -> None:
        """Begin or go on to watch."""
        log = [path for path in [os.environ.get(LOG, "")] if path]
        self._opens.leave_out(*(path for path, _ in places.left_out(places.prefixes())), *log)
        if not self._handlers:
            self.level.start()
        self._opens.follow(self.level.seeing())
        self._files.started_ns = self._files.started_ns or time.time_ns()
        self._handlers.update(
            {
                "open": self._opens.opened,
                "sqlite3.connect": self._opens.connected_sqlite,
                "ctypes.dlopen": self._opens.loaded,
                "os.chdir": self._opens.changed_folder,
                **self.world.handlers(),
                "subprocess.Popen": self._started_process,
                "os.posix_spawn": self._started_process,
                "os.system": self._started_shell,
                **dict.fromkeys(("os.fork", "os.forkpty"), self._forked),
                "socket.getaddrinfo": self._asked_address,
                "socket.connect": self._connected,
                "pickle.find_class": self._unpickled,
                "exec": self._opens.executed,
            }
        )
        if not self._installed:
            self._installed = True
            hook = _hook(self._opens, self._handlers, self._silence, self._failed)
            tracer = self.level.trace.tracer
            self._opens.left = tracer.left
            if not tracer.audit(hook, self._handlers):
                sys.addaudithook(hook)
            self._opens.follow(self.level.seeing())

    def stop(self) -> None:
        """Stop to watch; what was seen stays."""
        self._handlers.clear()

    def exclude(self, path: str) -> None:
        """Leave everything below a folder out, also what was seen there; or forget a file."""
        folder = os.path.join(os.path.abspath(path), "")
        self._opens.leave_out(folder)
        self._files.forget(folder)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """See nothing that this thread does inside; for work of ours."""
        self._silence.all += 1
        self.level.trace.tracer.pause(1)
        try:
            yield
        finally:
            self.level.trace.tracer.pause(-1)
            self._silence.all -= 1

    @contextlib.contextmanager
    def driver(self) -> Iterator[None]:
        """Take what this thread connects to inside for a driver's whose answers are recorded."""
        self._silence.driver += 1
        self.level.trace.tracer.driver(1)
        try:
            yield
        finally:
            self.level.trace.tracer.driver(-1)
            self._silence.driver -= 1

    @contextlib.contextmanager
    def following(self, command: object, *, all_threads: bool = False) -> Iterator[None]:
        """Follow a shell command that runs inside, and see the files its text names.

        Args:
            command: Its text or words; recorded once however many processes it starts.
            all_threads: Whether another thread starts them.
        """
        with contextlib.suppress(Exception):
            self._ran(words.text_of(command), folders.working())
        silence = self._everywhere if all_threads else self._silence
        silence.processes += 1
        try:
            yield
        finally:
            silence.processes -= 1
            self.settle()

    @contextlib.contextmanager
    def without_processes(self) -> Iterator[None]:
        """See no process that this thread starts inside; for a kernel's own start."""
        self._silence.processes += 1
        try:
            yield
        finally:
            self._silence.processes -= 1

    def settle(self, *, reads_can_wait: bool = False) -> None:
        """Look what became of the files that child processes and databases had in hand.

        Args:
            reads_can_wait: See `Opens.catch_up`.
        """
        with contextlib.suppress(Exception):
            self._opens.catch_up(reads_can_wait=reads_can_wait)
            self._files.settle()
            self.level.settle(self.cell)

    def files(self) -> list[dict[str, Any]]:
        """Return the files in the shape of ``records.handover.SeenFile``, first seen first.

        A file that another version of was read before (it was changed from
        outside between two cells) comes once for each version, newest last. A
        file whose name is not UTF-8 has the ``repr`` of its bytes as its path.
        """
        self.settle()
        if self._files.drop_missing_outputs():
            self._opens.changed_folder()
        return self._files.as_dicts()

    def commands(self) -> list[dict[str, Any]]:
        """Return child processes in the shape of ``records.handover.SeenCommand``."""
        return [{"cell": cell, "text": _utf8(text)} for cell, text in list(self._commands)]

    def connections(self) -> list[dict[str, Any]]:
        """Return connections in the shape of ``records.handover.SeenConnection``."""
        with contextlib.suppress(Exception):
            self._opens.catch_up()
        with self.paused():
            return self._contacts.connections()

    def unpickled(self) -> list[dict[str, Any]]:
        """Return classes in the shape of ``records.handover.SeenUnpickling``."""
        return self._contacts.unpickled()

    def leaves_out(self, path: str) -> bool:
        """Say whether a path is not looked at, being no work of the user's."""
        return self._opens.leaves_out(path)

    def _failed(self) -> None:
        self._failures += 1

    def _merge(self, reads_can_wait: bool) -> None:
        with self.paused():
            self.level.trace.merge(reads_can_wait=reads_can_wait)
        self._opens.follow(self.level.seeing())

    def _open_folders(self) -> list[str]:
        with self.paused():
            return folders.all_open()

    def _keep(self, path: str, look: Look) -> Kept:
        with self.paused():
            return self.originals.keep(path, look)

    def _started_process(
        self, program: object, argv: object, cwd: _Path | None = None, _env: object = None
    ) -> None:
        folder = folders.working()
        if isinstance(cwd, (str, bytes, os.PathLike)):  # a posix_spawn has an environment here
            folder = os.path.join(folder, os.fsdecode(cwd))
        command: Any = argv if isinstance(argv, (list, tuple)) and argv else program
        self._ran(words.text_of(command), folder)

    def _started_shell(self, command: _Path) -> None:
        self._ran(words.text_of(command), folders.working())

    def _forked(self) -> None:
        self._ran("", "")

    def _ran(self, text: str, folder: str) -> None:
        silent = self._silence.all or not self._handlers
        silent = silent or self._silence.processes or self._everywhere.processes
        if silent or len(self._commands) >= words.MOST_MATCHES:
            return
        self._opens.catch_up()
        # A spawn is announced as the process and again as the system call.
        self._commands.setdefault((self._opens.cell, text[: words.LONGEST]))
        named = [
            file for file in words.named_in(text, folder) if not self._opens.leaves_out(file.path)
        ]
        self._files.handed_out(named, self._opens.cell)

    def _asked_address(self, host: object, port: object, *_: object) -> None:
        self._contacts.asked(host, port)

    def _connected(self, socket: Any, address: Sequence[Any]) -> None:
        self.level.trace.tracer.socket(socket.fileno())
        by = DRIVER if self._silence.driver else PYTHON
        self._contacts.connected(socket, address, self._opens.cell, by)

    def _unpickled(self, module: object, name: object) -> None:
        self._contacts.unpickle(module, name, self._opens.cell)


class _Silent:
    """What is not to be seen, everything or processes; and what a recorded driver's work is."""

    all = 0
    processes = 0
    driver = 0


class _Silence(_Silent, threading.local):
    """The same for one thread."""


def _hook(
    opens: Opens,
    handlers: dict[str, Callable[..., None]],
    silence: _Silence,
    failed: Callable[[], None],
) -> Callable[[str, tuple[Any, ...]], None]:
    """Return what every audit event of the process goes through.

    It has locals only, and for what is read does nothing more where the tracer sees
    it, or where it was seen before.

    Args:
        opens: Knows both.
        handlers: What takes each other event; none while nothing is watched.
        silence: What this thread does now and is not to be seen.
        failed: Told that a handler failed.
    """
    read, written = opens.read, opens.written

    def hook(event: str, args: tuple[Any, ...]) -> None:
        try:
            if event == "open":
                if args[2] & WRITING:
                    if args[0] in written and args[1] is not None:
                        return
                elif opens.seeing[0] or (args[0] in read and args[1] is not None):
                    return
            handler = handlers.get(event)
            if handler is not None and not silence.all:
                handler(*args)
        except Exception:
            failed()

    return hook


def _utf8(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


_OBSERVER = Observer()


def observer() -> Observer:
    """Return the process's only observer."""
    return _OBSERVER
