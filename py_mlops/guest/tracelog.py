"""The tracer's log as it grows: its complete records, each once, in order (see tracer.c)."""

from __future__ import annotations

import operator
import os
from typing import Callable, Iterator, List

LOG = "MLOPS_TRACE"
"""The environment variable that names the log; without it nothing is traced."""

_PIECE = 1 << 20
_LONGEST = 1 << 16
_FIELDS = {
    b"F": 9, b"D": 3, b"V": 8, b"P": 5, b"K": 4, b"S": 4, b"E": 3, b"C": 5, b"L": 4, b"N": 4,
    b"U": 3,    b"X": 0,
}  # fmt: skip
"""How many spaces separate the fields of a record, by its kind."""
_TIME = operator.itemgetter(slice(2, 21))
"""A record's time: 19 digits until the year 2286."""

Record = List[bytes]


class TraceLog:
    """Reads what was appended to the log since the last time.

    Attributes:
        whole: Whether nothing is missing: the log is there, is not full, and
            every record in it makes sense.
    """

    def __init__(self, path: str) -> None:
        """Begin at the log's start.

        Args:
            path: The log's absolute path; kept by name, as descriptors of ours
                are closed by programs that close all of them.
        """
        self.whole = True
        self._path = path
        self._at = 0
        self._file: tuple[int, int] | None = None
        self._rest = b""

    def records(self) -> Iterator[Record]:
        """Yield the fields of each new record, the earliest first.

        They stand in the order in which processes came to write them. The last
        field may hold spaces.
        """
        lines: list[bytes] = []
        for data in self._pieces():
            lines += (self._rest + data).split(b"\0")
            self._rest = lines.pop()
            if len(self._rest) > _LONGEST:
                self.whole, self._rest = False, b""
        lines.sort(key=_TIME)
        for line in lines:
            count = _FIELDS.get(line[:1], -1)
            fields = line.split(b" ", count)
            if count < 1 or len(fields) != count + 1:
                self.whole = False
            else:
                yield fields

    def _pieces(self) -> Iterator[bytes]:
        try:
            log = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self.whole = False
            return
        try:
            found = os.fstat(log)
            self._file = self._file or (found.st_dev, found.st_ino)
            if self._file != (found.st_dev, found.st_ino) or found.st_size < self._at:
                self.whole = False
                return
            while True:
                data = os.pread(log, _PIECE, self._at)
                if not data:
                    return
                self._at += len(data)
                yield data
        finally:
            os.close(log)


Reader = Callable[[Record], None]


def stamp(fields: Record) -> tuple[int, int]:
    """Return process and time of a record."""
    return int(fields[2]), int(fields[1])
