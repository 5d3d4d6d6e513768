"""How much of the machine a rerun may take."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_GIB = 1 << 30


@dataclass(frozen=True)
class Limits:
    """How much a rerun may take; ``None`` leaves it to what the machine has.

    Attributes:
        memory: Bytes of memory, for each process and for all of them together.
            By default 90 % of the machine's, or of its control group's: the
            rest keeps the machine and its Jupyter answering, and a program that
            wants too much gets a ``MemoryError``, instead of the kernel's
            out-of-memory killer choosing whom to end.
        processes: Processes and threads; by default 1024, and 128 more for
            each processor.
        file: Bytes of one file; by default what is free but for the reserve.
        open_files: Open files of one process.
        reserve: Bytes of the disk that have to stay free; by default 1 GiB, or
            half of what is free where that is less.
    """

    memory: int | None = None
    processes: int | None = None
    file: int | None = None
    open_files: int = 65_536
    reserve: int | None = None

    def resolve(self, folder: Path) -> dict[str, int]:
        """Return every limit as a number, for a rerun that writes into a folder."""
        disk = os.statvfs(folder)
        free = disk.f_bavail * disk.f_frsize
        memory = self.memory or machine_memory() * 9 // 10
        reserve = min(_GIB, free // 2) if self.reserve is None else self.reserve
        return {
            "memory": memory,
            "shared": memory // 2,
            "processes": self.processes or 1024 + 128 * (os.cpu_count() or 1),
            "file": self.file or max(free - reserve, 1 << 20),
            "open_files": self.open_files,
            "reserve": reserve,
        }


def machine_memory() -> int:
    """Return the bytes of memory that this machine, or our control group, has."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            text = Path("/sys/fs/cgroup", name).read_text("ascii").strip()
        except OSError:
            continue
        found += [int(text)] if text.isdigit() else []
    return min(found)
