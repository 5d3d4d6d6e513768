"""How the process ends when nobody reads what it prints, or when it is asked to end."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

_KILLED = 128
"""A shell's exit code for a process that a signal ended is this and the signal's number."""

_ASKED = (signal.SIGTERM, signal.SIGHUP)


def nobody_reads() -> NoReturn:
    """End as a program does that is stopped by SIGPIPE, but with everything put away first.

    Python ignores that signal, and rightly: the pipe to a kernel that died must
    not end us without a word.

    Raises:
        SystemExit: With code 141, as a shell shows it for ``git log | head -1``.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            # What is left in the buffer would fail once more when Python ends.
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())
            os.close(null)
    raise SystemExit(_KILLED + signal.SIGPIPE)


@contextmanager
def orderly() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the process as Ctrl-C does, so that it leaves nothing behind.

    A signal that whoever started us ignores (``nohup``) or handles stays as it is.

    Raises:
        SystemExit: In the block, with the code a shell shows for that signal.
    """
    ours = threading.current_thread() is threading.main_thread()
    taken = [number for number in _ASKED if ours and signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _end(number: int, _: object) -> NoReturn:
    raise SystemExit(_KILLED + number)
