"""How completely a session is watched: proven by looking at a file of ours, never claimed."""

from __future__ import annotations

import os
import time
from typing import Any, Sequence

from .alarm import Unexplained
from .contacts import Contacts
from .opens import UNSEEN, Opens
from .probe import open_in_child, open_natively, probe
from .sightings import Sightings
from .trace import Trace
from .watch import Watch

OBSERVED, WATCHED, PYTHON_ONLY = "observed", "watched", "python-only"


class Level:
    """What sees more than Python's audit hook does, and whether it does.

    The tracer sees every file of this process and its children; where it is not,
    notifications of the system see some, and an alarm tells of the rest.
    """

    def __init__(self, files: Sightings, contacts: Contacts, opens: Opens) -> None:
        """Prepare; `start` begins.

        Args:
            files: Told about files.
            contacts: Told about peers.
            opens: What the audit hook saw; merged with the tracer's log.
        """
        self.trace = Trace(files, contacts, opens.passes_over)
        self._opens = opens
        self._watch = Watch(files, opens.leaves_out)
        self._alarm: Unexplained | None = None
        self._proven = False
        self._started = False

    @property
    def name(self) -> str:
        """The level in one word, see ``records.capture.CaptureLevel``."""
        self._opens.catch_up()
        if self.is_observed():
            return OBSERVED
        return WATCHED if self._watch.works else PYTHON_ONLY

    def is_observed(self) -> bool:
        """Say whether the tracer sees everything, and nothing in its log is missing."""
        return self._proven and self.trace.whole

    def seeing(self) -> Sequence[int]:
        """Return what says in its first element, at any time, whether the tracer sees all."""
        return self.trace.tracer.seeing if self.is_observed() else UNSEEN

    def start(self) -> None:
        """Begin with the tracer and prove it, before anything else is watched."""
        if not self._started:
            self._started = True
            self._proven = self.trace.start() and is_proven(self.trace)

    def start_without_tracer(self, folder: str) -> None:
        """Begin with what takes the tracer's place, where it is not.

        Args:
            folder: The one the kernel started in.
        """
        if not self.is_observed():
            self._watch.start(folder)
            self._alarm = Unexplained()

    def next_cell(self, ended: int, count: int) -> None:
        """Note that a cell ended and another begins.

        Args:
            ended: Execution count of the one that ended.
            count: That of the one that begins.
        """
        self.trace.next_cell(count, time.time_ns())
        self._judge(ended)
        self._watch.discard()
        self._watch.widen()

    def settle(self, cell: int) -> None:
        """Take in what was opened in a cell that ends, or stops to be looked at."""
        self._watch.merge(cell)

    def unseen(self) -> list[str]:
        """Return the child processes that nobody watched, in words."""
        return self.trace.unseen() if self._proven else []

    def alarms(self, cell: int) -> list[dict[str, Any]]:
        """Return the alarms in the shape of ``records.handover.SeenAlarm``.

        Args:
            cell: The running one.
        """
        self._judge(cell)
        found = self._alarm.alarms() if self._alarm is not None else []
        found += [{"cell": at, "bytes": 0, "text": text} for at, text in self._opens.doubtful]
        if self._proven and not self.trace.whole:
            text = "The log of opened files is full or damaged; what was read later is not seen."
            found.append({"cell": cell, "bytes": 0, "text": text})
        return found

    def _judge(self, cell: int) -> None:
        if self._alarm is not None:
            self._alarm.next_cell(cell, self._opens.bytes)


def is_proven(trace: Trace) -> bool:
    """Say whether the tracer sees what Python, native code and child processes open.

    Files are opened by Python, through the C library past Python, and by a child
    process; all must stand in the log.

    Args:
        trace: A trace that was started.
    """
    try:
        with probe() as path, probe() as other:
            trace.expect(path)
            trace.expect(other)
            open_natively(path)
            child = open_in_child(path)
            open(other, "rb").close()
            own = {os.getpid()}
            return own | {child} <= trace.seen_by(path) and own <= trace.seen_by(other)
    except Exception:
        return False
