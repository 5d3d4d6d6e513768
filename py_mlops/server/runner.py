"""Runs one job in a process of its own that outlives the server: the verb's guardian and clerk.

``python -m py_mlops.server.runner FOLDER`` runs the command in ``FOLDER/job.json``
and keeps, beside it, what the server asks about: ``log`` for a person, ``step.json``
how far it is, ``result.json`` what the verb printed, ``ended.json`` how it ended. It
holds a lock on ``FOLDER/lock`` for as long as it lives, which the system takes back
from a process that dies in whatever way.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

LOCK, LOG, STEP, RESULT, ENDED = "lock", "log", "step.json", "result.json", "ended.json"
STARTED, CANCEL, JOB, PID = "started", "cancel", "job.json", "pid"

_LARGEST_LOG = 8 * 1024 * 1024
_LARGEST_RESULT = 32 * 1024 * 1024
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER
_PAUSE = 0.1
"""Seconds between two notes of how far a job is."""

_GRACE = 10.0
"""Seconds in which a cancelled verb may put away what it has begun."""


def main(folder: Path) -> int:
    """Run a job.

    Args:
        folder: The job's folder.

    Returns:
        An exit code: 0 when the job runs, in a process that is nobody's child,
        1 when it is another's.
    """
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)  # who only looks whether it is held lets go at once
    if (folder / STARTED).exists():
        return 1
    write(folder / STARTED, now())
    if child := os.fork():  # it is nobody's child, and the lock is the child's as well
        write(folder / PID, str(child))
        return 0
    # Kernels begin sessions of their own; when the verb is gone they become our children.
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    job = json.loads((folder / JOB).read_bytes())
    with (folder / LOG).open("ab") as log, (folder / RESULT).open("wb") as result:
        code = _run(folder, job["command"], log, result)
    cancelled = (folder / CANCEL).exists()
    write(folder / ENDED, json.dumps({"code": code, "cancelled": cancelled, "time": now()}))
    return 0


def write(path: Path, text: str) -> None:
    """Write a small file all at once, so that nobody reads half of it."""
    draft = path.with_name(f".{path.name}-{os.getpid()}-{threading.get_ident()}")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def now() -> str:
    """Return the present moment, RFC 3339 in UTC with microseconds."""
    seconds = time.time()
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1e6):06d}Z"


def _run(folder: Path, command: list[str], log: IO[bytes], result: IO[bytes]) -> int:
    cancelled = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: cancelled.set())
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        log.write(f"{command[0]} could not be started: {error.strerror}.\n".encode())
        return 127
    readers = [
        threading.Thread(target=_progress, args=(folder, process.stderr, log), daemon=True),
        threading.Thread(target=_copy, args=(process.stdout, result), daemon=True),
    ]
    for reader in readers:
        reader.start()
    code = _wait(process, cancelled)
    _end_children()  # one that was let go would hold the pipes for ever
    for reader in readers:
        reader.join(_GRACE)
    return code


def _wait(process: subprocess.Popen[bytes], cancelled: threading.Event) -> int:
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(0.2)
        if cancelled.is_set():
            process.terminate()
            try:
                return process.wait(_GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                return process.wait()


class _Steps:
    """Notes how far a job is, not too often, and the last of many steps all the same."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / STEP
        self._turn = threading.Lock()
        self._waiting = ""
        self._timer: threading.Timer | None = None

    def note(self, step: str) -> None:
        """Have a step noted, unless another one comes in a moment."""
        with self._turn:
            self._waiting = step
            if self._timer is None:
                self._timer = threading.Timer(_PAUSE, self.write)
                self._timer.daemon = True
                self._timer.start()

    def write(self) -> None:
        """Note the newest step."""
        with self._turn:
            self._timer = None
            if self._waiting:
                write(self._path, self._waiting)
            self._waiting = ""


def _progress(folder: Path, stream: IO[bytes], log: IO[bytes]) -> None:
    """Sort what the verb prints to stderr: steps for a program, lines for a person."""
    steps = _Steps(folder)
    left = _LARGEST_LOG
    for line in stream:
        text = line
        if line.startswith(b'{"progress":'):
            with contextlib.suppress(ValueError, KeyError):
                step = json.loads(line)["progress"]
                count = f"{step['done']}/{step['total']}" if step["total"] else ""
                text = f"{step['stage']} {count}  {step['text']}\n".encode()
                steps.note(json.dumps(step))
        if left > 0:
            log.write(text[:left])
            log.flush()
            left -= len(text)
            if left <= 0:
                log.write(b"\n[the rest of the log was cut]\n")
    steps.write()


def _copy(stream: IO[bytes], result: IO[bytes]) -> None:
    left = _LARGEST_RESULT
    while data := stream.read1(65536):  # type: ignore[attr-defined]  # a pipe is buffered
        result.write(data[:left])
        left = max(0, left - len(data))
    result.flush()


def _end_children() -> None:
    """End what the verb has left behind, whatever session it is in."""
    end = time.monotonic() + _GRACE
    while time.monotonic() < end:
        for pid in _children():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.02)
        except ChildProcessError:
            return


def _children() -> list[int]:
    found = []
    with contextlib.suppress(OSError):
        for thread in Path("/proc/self/task").iterdir():
            with contextlib.suppress(OSError, ValueError):
                found += [int(word) for word in (thread / "children").read_text().split()]
    return found


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
