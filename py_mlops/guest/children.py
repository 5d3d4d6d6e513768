"""The child processes of a traced session: what each is called, and which escaped the tracer."""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from . import places
from .tracelog import Record, stamp

_WORD = b"\x1f"
_GRACE = 500_000_000
"""Nanoseconds within which a program that was started shows up in the log."""
_MOST = 1000
_SETTINGS = (".config", ".ssh", ".gnupg")
LAUNCHERS = (
    *("at", "batch", "bsub", "docker", "flatpak", "kubectl", "machinectl", "nerdctl", "podman"),
    *("qsub", "sbatch", "srun", "ssh", "systemd-run"),
)
"""Programs that ask another process to work, which is no child of ours."""
_SHELLS = ("sh", "bash", "dash")
_LONGEST = 200
_ENVIRONMENTS = ("pyvenv.cfg", "conda-meta")


class Image(NamedTuple):
    """A program that a process runs.

    Attributes:
        program: Its file.
        name: What it was called as, without folders.
        started_ns: When.
        own: Where its interpreter and packages lie; no data of the user's.
    """

    program: str
    name: str
    started_ns: int
    own: tuple[str, ...]


class Children:
    """Follows the log's records of processes."""

    def __init__(self) -> None:
        """Begin with no child; this process is the kernel."""
        self._kernel = os.getpid()
        self._images: dict[int, Image] = {}
        self._awaited: dict[int, tuple[int, str]] = {}
        self._escaped: dict[str, None] = {}
        self._installed: dict[str, tuple[str, ...]] = {}
        self._home = os.path.join(os.path.expanduser("~"), "")

    def began(self, fields: Record) -> Image:
        """Take a record P: a process runs a program that the tracer is in."""
        pid, started = stamp(fields)
        length, rest = int(fields[4]), fields[5]
        program = os.fsdecode(rest[:length])
        called = os.fsdecode(rest[length:].partition(_WORD)[0]) or program
        name = os.path.basename(called).lstrip("-") or os.path.basename(program)
        words = os.fsdecode(rest[length:]).rstrip("\x1f").split("\x1f")
        script = os.path.basename(words[1]) if name in _SHELLS and len(words) > 1 else ""
        if pid != self._kernel and (name in LAUNCHERS or script in LAUNCHERS):
            self._escape(f"{' '.join(words)[:_LONGEST]} (asks another process to do the work)")
        self._images[pid] = image = Image(program, name, started, self._own(program))
        awaited = self._awaited.get(pid)
        if awaited is not None and awaited[0] <= started:
            del self._awaited[pid]
        return image

    def forked(self, fields: Record) -> None:
        """Take a record K: a process was copied, its program with it."""
        pid, parent = int(fields[2]), int(fields[3])
        self._awaited.pop(pid, None)
        if parent in self._images:
            self._images[pid] = self._images[parent]

    def starting(self, fields: Record) -> None:
        """Take a record S: a process is to run a program, with or without the tracer."""
        pid, started = stamp(fields)
        program = os.fsdecode(fields[4])
        image = self._images.get(pid)
        if fields[3] == b"0":
            self._escape(f"{program} (started without LD_PRELOAD)")
        # A spawned child's own record comes before that of who spawned it.
        elif image is None or image.started_ns < started:
            self._awaited[pid] = (started, program)

    def failed(self, fields: Record) -> None:
        """Take a record E: the program could not be run after all."""
        self._awaited.pop(int(fields[2]), None)

    def blind(self, fields: Record) -> None:
        """Take a record U: a process opens files in a way that nobody sees."""
        name = self.name(int(fields[2])) or "the kernel"
        self._escape(f"{name} (uses io_uring, which opens files unseen)")

    def name(self, pid: int) -> str:
        """Return what to call a process; an empty text for the kernel itself."""
        if pid == self._kernel:
            return ""
        image = self._images.get(pid)
        return image.name if image is not None else f"process {pid}"

    def owns(self, pid: int, path: str) -> bool:
        """Say whether a file belongs to the program that a child runs, not to the user's work.

        That is a Python's or conda environment's own part of its folder, and a
        program's settings in the home folder.
        """
        if path.endswith("/pyvenv.cfg"):
            self._is_environment(pid, os.path.dirname(path))
            return True
        if pid == self._kernel:
            return False
        if path.startswith(self._home) and path[len(self._home)] == ".":
            inside = path[len(self._home) :]
            if "/" not in inside or inside.partition("/")[0] in _SETTINGS:
                return True
        image = self._images.get(pid)
        return image is not None and bool(image.own) and path.startswith(image.own)

    def unseen(self) -> list[str]:
        """Return the programs that ran without the tracer, in words, each once."""
        now = time.time_ns()
        for pid, (started, program) in list(self._awaited.items()):
            if now - started > _GRACE or not os.path.exists(f"/proc/{pid}"):
                del self._awaited[pid]
                self._escape(f"{program} (does not load LD_PRELOAD: static or privileged)")
        return list(self._escaped)

    def _escape(self, text: str) -> None:
        if len(self._escaped) < _MOST:
            self._escaped.setdefault(text.encode("utf-8", "backslashreplace").decode())

    def _is_environment(self, pid: int, folder: str) -> None:
        """Note the folder of a Python's packages, which is not that of its program."""
        image = self._images.get(pid)
        if image is not None and image.own:
            self._images[pid] = image._replace(own=image.own + _installed(folder))

    def _own(self, program: str) -> tuple[str, ...]:
        folder = os.path.dirname(program)
        if folder not in self._installed:
            root = os.path.dirname(folder)
            is_environment = os.path.basename(program).startswith(("python", "pypy")) or any(
                os.path.exists(os.path.join(root, mark)) for mark in _ENVIRONMENTS
            )
            self._installed[folder] = _installed(root) if is_environment else ()
        return self._installed[folder]


def _installed(root: str) -> tuple[str, ...]:
    return tuple(os.path.join(path, "") for path in places.installed([root]))
