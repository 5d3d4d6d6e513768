"""One answer from outside on its way into a file of the tape."""

from __future__ import annotations

import os
from typing import Any, Callable, Protocol

from ..observe import observer


class Owner(Protocol):
    """What an answer needs of its tape."""

    folder: str
    limit: int
    failures: int

    def take(self, size: int, so_far: int) -> bool:
        """Reserve room for more bytes of an answer."""
        ...

    def open(self) -> tuple[str, Any]:
        """Create the file of an answer."""
        ...

    def append(self, line: dict[str, Any]) -> None:
        """Enter an answer that has ended."""
        ...


class Recording:
    """One answer on its way into the tape. No method ever raises.

    It ends with `finish` or `abandon`; one that is dropped unfinished is abandoned.
    One that is finished can still be taken back.

    Attributes:
        before_look: Refers to what writes the rest of what is there, before an unfinished
            answer is looked at.
        as_far: Whether what was written so far is an answer, to a rerun that asks no more.
    """

    def __init__(self, owner: Owner, line: dict[str, Any], *, silent: bool = False) -> None:
        """Begin an answer.

        Args:
            owner: The tape it belongs to.
            line: Its index line, still without file, size and problem.
            silent: Whether it leaves no trace, the tape being full.
        """
        self._owner, self._line = owner, line
        self._stream: Any = None
        self._name = ""
        self._size = 0
        self._ended = silent
        self.as_far = False
        self.before_look: Callable[[], Callable[[], None] | None] = _nothing
        self._copied = ("", 0)

    @property
    def ended(self) -> bool:
        """Whether nothing that is written from now on is kept."""
        return self._ended

    @property
    def limit(self) -> int:
        """Most bytes of it."""
        return self._owner.limit

    def write(self, data: bytes) -> None:
        """Append to the answer; past the limit it is given up, with a problem that says so."""
        if self._ended:
            return
        try:
            if not self._owner.take(len(data), self._size):
                self.abandon(
                    f"The answer is larger than {self._owner.limit:,} bytes."
                    if self._size + len(data) > self._owner.limit
                    else "The answers of this session are too many to keep."
                )
                return
            with observer().paused():
                if self._stream is None:
                    self._name, self._stream = self._owner.open()
                written = self._stream.write(data)
            self._size += written
            if written < len(data):
                self.abandon("The answer could not be written: no room is left.")
        except Exception as error:
            self.abandon(f"The answer could not be written: {error}.")

    def finish(self) -> None:
        """Say that the answer is whole."""
        if self._ended:
            return
        try:
            with observer().paused():
                if self._stream is None:
                    self._name, self._stream = self._owner.open()
                self._stream.close()
            self._end(file=self._name, size=self._size, problem="")
        except Exception as error:
            self.abandon(f"The answer could not be written: {error}.")

    def abandon(self, problem: str) -> None:
        """Keep only the fact that there was an answer, and why it is not here."""
        if self._ended:
            return
        try:
            with observer().paused():
                if self._stream is not None:
                    self._stream.close()
                    os.unlink(os.path.join(self._owner.folder, self._name))
                    self._owner.take(-self._size, 0)
                    self._name = ""
        except Exception:
            self._owner.failures += 1
        self._end(file="", size=-1, problem=problem)

    def take_back(self, problem: str) -> None:
        """Abandon the answer even where it was finished: there turned out to be more of it."""
        if not self._ended:
            self.abandon(problem)
        elif self._name:
            self._end(file="", size=-1, problem=problem)
            self._name = ""

    def forget(self) -> None:
        """End without a trace: in a forked child, whose parent goes on with it."""
        self._ended = True

    def unfinished(self) -> dict[str, Any]:
        """Return the index line of an answer that is still coming: as far as it goes, or none."""
        if self.as_far:
            try:
                if write := self.before_look():
                    write()
                with observer().paused():
                    name, size = self._copy()
                return dict(self._line, file=name, size=size, problem="")
            except Exception:
                self._owner.failures += 1
        return dict(self._line, file="", size=-1, problem="It was not read to its end.")

    def _copy(self) -> tuple[str, int]:
        """Copy what is there into a file of its own: this one may well grow before it is kept."""
        name, size = self._copied
        if size < self._size:
            size = left = self._size
            name, stream = self._owner.open()
            with stream, open(os.path.join(self._owner.folder, self._name), "rb") as source:
                while left:
                    data = source.read(min(left, 1 << 20))
                    stream.write(data)
                    left -= len(data) or left
            self._copied = name, size
        return name, size

    def _end(self, **fields: Any) -> None:
        self._ended, self._stream = True, None
        self._owner.append(dict(self._line, **fields))

    def __del__(self) -> None:
        """Abandon what nobody finished."""
        if not self._ended:
            self.abandon("It was not read to its end.")


def _nothing() -> None:
    return None
