"""Raises an alarm when a process read far more than the files it was seen to open explain."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any

LIMIT = 16 << 20
"""Unexplained bytes that are let pass: pipes, settings and the like."""

_AGAIN = 3
_MOST = 1000


class Unexplained:
    """Compares, cell by cell, the system's count of read bytes with the files seen.

    A file may be read again without being seen again, so the files of a cell
    explain three times their size. Mapped files are in nobody's count. It is
    needed only where the tracer is not.
    """

    def __init__(self) -> None:
        """Begin with the first cell."""
        self._alarms: dict[int, int] = {}
        self._begin(0)

    def next_cell(self, cell: int, seen: int) -> None:
        """Judge a cell, and begin the next one.

        Args:
            cell: Execution count of the cell that ended.
            seen: Sizes of all files that were opened so far.
        """
        with contextlib.suppress(Exception):
            unexplained = _read_so_far() - self._read - _AGAIN * (seen - self._seen)
            if unexplained > LIMIT:
                unexplained -= _sizes(set(sys.modules) - self._modules)
            if unexplained > LIMIT and len(self._alarms) < _MOST:
                self._alarms[cell] = self._alarms.get(cell, 0) + unexplained
        self._begin(seen)

    def alarms(self) -> list[dict[str, Any]]:
        """Return the alarms in the shape of ``records.handover.SeenAlarm``."""
        return [
            {
                "cell": cell,
                "bytes": count,
                "text": f"Cell [{cell}] read {count >> 20:,} MiB that no file seen explains.",
            }
            for cell, count in self._alarms.items()
        ]

    def _begin(self, seen: int) -> None:
        self._seen, self._modules, self._read = seen, set(sys.modules), 0
        with contextlib.suppress(Exception):
            self._read = _read_so_far()


def _read_so_far() -> int:
    """Return how many bytes this process and its ended children have read."""
    with open("/proc/self/io", "rb") as counts:
        return int(counts.readline().split()[1])


def _sizes(names: set[str]) -> int:
    """Return the sizes of the compiled modules that were imported."""
    total = 0
    for name in names:
        spec = getattr(sys.modules.get(name), "__spec__", None)
        for path in (getattr(spec, "cached", None), getattr(spec, "origin", None)):
            with contextlib.suppress(OSError, TypeError, ValueError):
                total += os.path.getsize(path or "")
    return total
