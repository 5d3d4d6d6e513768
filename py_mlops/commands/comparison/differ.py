"""nbdime in a process of its own, which can be ended, and may be started before it is asked."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading

from py_mlops.notebook.celldiff import Cells, Entry

_PATIENCE = 25.0
"""Seconds after which the process is ended; it sets itself a shorter limit."""

_SPARE = 600.0
"""Seconds for which a process waits to be asked."""


class Differ:
    """Asks nbdime; most of the time of a short answer is Python's start, which may come before.

    Who has compared once often compares again: after each answer the next process is started.
    """

    def __init__(self) -> None:
        """Start nothing yet."""
        self._turn = threading.Lock()
        self._closed = False
        self._spare: subprocess.Popen[bytes] | None = None
        self._end: threading.Timer | None = None

    def prepare(self) -> None:
        """Start a process that waits to be asked, unless there is one."""
        with self._turn:
            if self._closed:
                return
            if self._spare is None or self._spare.poll() is not None:
                with contextlib.suppress(OSError):  # whoever asks is told
                    self._spare = _started()
            if self._end is not None:
                self._end.cancel()
            self._end = threading.Timer(_SPARE, self._end_spare)
            self._end.daemon = True
            self._end.start()

    def ask(self, a: Cells, b: Cells) -> tuple[list[Entry], bool] | None:
        """Compare cells.

        Args:
            a: The older ones.
            b: The newer ones.

        Returns:
            nbdime's diff, and whether it is inside cells throughout; ``None``
            when nbdime did not answer.
        """
        asked = json.dumps({"a": a, "b": b}).encode()
        spare = self._taken()
        try:
            said = _told(spare, asked) if spare is not None else b""
            answer = json.loads(said or _told(_started(), asked))
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return None
        finally:
            self.prepare()
        return answer["diff"], answer["complete"]

    def close(self) -> None:
        """End the process that waits; nothing is started any more."""
        with self._turn:
            self._closed = True
        self._end_spare()

    def _end_spare(self) -> None:
        process = self._taken()
        if process is not None:
            process.kill()
            process.communicate()

    def _taken(self) -> subprocess.Popen[bytes] | None:
        with self._turn:
            process, self._spare = self._spare, None
            if self._end is not None:
                self._end.cancel()
                self._end = None
        if process is not None and process.poll() is not None:
            process.communicate()
            return None  # somebody ended it
        return process


def _told(process: subprocess.Popen[bytes], asked: bytes) -> bytes:
    """Return what a process answers; nothing when somebody ended it."""
    try:
        return process.communicate(asked, timeout=_PATIENCE)[0]
    except BrokenPipeError:
        return b""
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def _started() -> subprocess.Popen[bytes]:
    # It ends with whoever started it: nobody else holds the other end of its input.
    return subprocess.Popen(
        [sys.executable, "-m", "py_mlops.notebook.celldiff"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
