"""What psycopg2 reads bit by bit: cursors with a name, which the server keeps, and ``COPY``."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
from typing import Any, Callable

from .sql_answer import KIND, Question, Rowless, Writing, begin, playing, text_of
from .sql_psycopg_copy import Pieces, sending
from .sql_stand_in import StandInCursor

_SCROLLED = "The program went back and forth in it."
_PASSING = "_mlops_passing"
Source = Callable[[Any], str]
"""Returns the database of a cursor."""


_Driver: Any = object  # psycopg2's cursor: what imports none of it cannot name it


class _Passing(_Driver):  # type: ignore[misc]
    """Records what the program reads of an answer from the server.

    The classes that make kinds of rows come before this one: it sees plain values.
    """

    row_factory: Any

    def fetchone(self) -> Any:
        """Return the next row, ``None`` after the last."""
        return self._one(super().fetchone)

    def __next__(self) -> Any:
        """Return the next row."""
        step = super().__next__
        row = self._one(lambda: next(iter(step, None), None))
        if row is None:
            raise StopIteration
        return row

    def fetchmany(self, size: Any = None) -> Any:
        """Return the next rows."""
        fetch, wanted = super().fetchmany, self.arraysize if size is None else size
        return self._read(lambda: fetch(wanted), lambda rows: len(rows) < wanted)

    def fetchall(self) -> Any:
        """Return all rows that are left."""
        return self._read(super().fetchall, lambda _: True)

    def scroll(self, *args: Any, **kwargs: Any) -> Any:
        """Go back or forth; what is read then is not recorded."""
        writing = self.__dict__.get(_PASSING)
        if writing is not None:
            writing.take_back(_SCROLLED)
        return super().scroll(*args, **kwargs)

    def close(self) -> Any:
        """End the cursor."""
        leave(self)
        return super().close()

    def __del__(self) -> None:
        """End the answer where the program stopped to read: it dropped the cursor unclosed."""
        with contextlib.suppress(Exception):
            leave(self)

    def _one(self, fetch: Callable[[], Any]) -> Any:
        rows = self._read(lambda: [] if (row := fetch()) is None else [row], lambda rows: not rows)
        return rows[0] if rows else None

    def _read(self, fetch: Callable[[], Any], ended: Callable[[Any], bool]) -> Any:
        writing: Writing | None = self.__dict__.get(_PASSING)
        if writing is None:
            return fetch()
        factory, self.row_factory = self.row_factory, None
        try:
            rows = fetch()
        finally:
            self.row_factory = factory
        writing.passed(self, rows, ended=ended(rows))
        return rows if factory is None else [_made(factory(self), row) for row in rows]


@functools.lru_cache(maxsize=None)
def passing(base: Any) -> Any:
    """Return a kind of cursor that can be given to `pass_on`.

    Args:
        base: ``psycopg2.extensions.cursor``.
    """
    return type(base.__name__, (_Passing, base), {"__module__": base.__module__})


def pass_on(cursor: Any, writing: Writing) -> None:
    """Record an answer as the program reads it.

    Args:
        cursor: Of a `passing` kind; it has executed a statement.
        writing: Where it is recorded.
    """
    cursor.__dict__[_PASSING] = writing


def leave(cursor: Any) -> None:
    """End the answer where the program stops to read."""
    writing: Writing | None = cursor.__dict__.pop(_PASSING, None)
    if writing is not None:
        writing.leave(cursor)


def _made(row: Any, values: Any) -> Any:
    """Fill a row of a kind as psycopg2 does."""
    for place, value in enumerate(values):
        row[place] = value
    return row


def copying(plain: Any, name: str, source: Source) -> Any:
    """Return a cursor's way to ``COPY``, recording what comes, and of what is sent a digest.

    Args:
        plain: The class that does it.
        name: ``copy_expert``, ``copy_to`` or ``copy_from``.
        source: Returns the database of a cursor.
    """
    copy = getattr(plain, name)

    @functools.wraps(copy)
    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            sql, place = _statement(name, args, kwargs)
            given = args[place] if place < len(args) else kwargs["file"]
        except (LookupError, TypeError):  # psycopg2 is to say so
            return copy(self, *args, **kwargs)
        moving = _Moving(self, lambda: Question(source(self), sql), given)
        file = (_Text if isinstance(given, io.TextIOBase) else _Bytes)(moving)
        if place < len(args):
            args = (*args[:place], file, *args[place + 1 :])
        else:
            kwargs = {**kwargs, "file": file}
        with moving:
            return copy(self, *args, **kwargs)

    return run


def _statement(name: str, args: Any, kwargs: Any) -> tuple[str, int]:
    """Return what a call asks, as text, and where its file stands."""
    if name == "copy_expert":
        return text_of(args[0] if args else kwargs["sql"]), 1
    names = ("file", "table", "sep", "null", "size", "columns")
    given = {**dict(zip(names, args)), **kwargs}
    columns = given.get("columns")
    about = [given["table"], given.get("sep"), given.get("null"), columns and list(columns)]
    return f"{name}: {', '.join(map(repr, about))}", 0


class _Moving:
    """Data on its way between a database and a file of the program's."""

    def __init__(self, cursor: Any, asked: Callable[[], Question], file: Any) -> None:
        self._cursor, self._asked, self._file = cursor, asked, file
        self._sent: Any = None
        self._pieces: Pieces | None = None
        self._began = False

    def read(self, size: int = -1) -> Any:
        data = self._file.read(size)
        self._sent = self._sent or hashlib.sha256()
        self._sent.update(data.encode() if isinstance(data, str) else data)
        return data

    def write(self, data: Any) -> Any:
        self._begin()
        if self._pieces is not None:
            self._pieces.take(data.encode() if isinstance(data, str) else bytes(data))
        return self._file.write(data)

    def _begin(self) -> None:
        if not self._began:
            self._began = True
            writing = begin(self._asked)
            self._pieces = None if writing is None else Pieces(writing)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None and not self._began and hasattr(error, "pgcode"):
            writing = begin(self._put if self._sent else self._asked)
            if writing is not None:
                writing.failed(error)
        elif error is not None and self._pieces is not None:
            self._pieces.leave(error)
        elif error is None and self._sent is not None:
            writing = begin(self._put)
            if writing is not None:
                writing.head(Rowless(self._cursor))
                writing.end()
        elif error is None:
            self._begin()
            if self._pieces is not None:
                self._pieces.end(self._cursor.rowcount)

    def _put(self) -> Question:
        asked = self._asked()
        return sending(asked.source, asked.sql, asked.parameters, self._sent.hexdigest())


class _Bytes:
    def __init__(self, moving: _Moving) -> None:
        self.read, self.write = moving.read, moving.write

    readline = None  # psycopg2 wants one to be there


class _Text(io.TextIOBase):
    """By its class psycopg2 sees that it is to be given text."""

    def __init__(self, moving: _Moving) -> None:
        self._moving = moving

    def read(self, size: int | None = -1) -> str:
        return str(self._moving.read(-1 if size is None else size))

    def write(self, data: str) -> int:
        return int(self._moving.write(data) or 0)


class CopyingStandIn(StandInCursor):
    """A cursor over recorded answers that plays ``COPY`` back."""

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        """Write the data that the statement brought, or read what it is to send."""
        question = Question(self.source, text_of(sql))
        if playing(sql).knows(KIND, question.key()):
            self._ask(question)
            pieces = self._rows
            next(pieces)  # what is known of the data
            text = isinstance(file, io.TextIOBase)
            for (piece,) in pieces:
                if isinstance(piece, int):
                    self.rowcount = piece
                else:
                    file.write(piece.decode() if text else piece)
            self.description, self._rows = None, self._none()
            return
        sent = hashlib.sha256()
        for data in iter(lambda: file.read(size), None):
            if not data:
                break
            sent.update(data.encode() if isinstance(data, str) else data)
        self._ask(sending(question.source, question.sql, None, sent.hexdigest()))

    def copy_to(self, *args: Any, **kwargs: Any) -> None:
        """Write the data that a table held."""
        self._copy("copy_to", args, kwargs)

    def copy_from(self, *args: Any, **kwargs: Any) -> None:
        """Read the data that a table is to get."""
        self._copy("copy_from", args, kwargs)

    def _copy(self, name: str, args: Any, kwargs: Any) -> None:
        sql, _ = _statement(name, args, kwargs)
        self.copy_expert(sql, args[0] if args else kwargs["file"])
