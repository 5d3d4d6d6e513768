"""Connections and cursors that answer from the tape: in a rerun there is no server."""

from __future__ import annotations

import contextlib
import itertools
from typing import Any, Callable, Iterator, Sequence

from .sql_answer import Question, Reading, playing, text_of
from .sql_many import replay_many
from .sql_parameters import PARAMETERS, SETS, STATEMENT, by_any_name

MakeRow = Callable[[Any], Callable[[Sequence[Any]], Any]]
"""Takes a cursor with its ``description``; returns what makes a row out of values."""


class StandInCursor:
    """A DBAPI cursor over recorded answers.

    Attributes:
        connection: The stand-in it belongs to.
        source: The database that is asked.
        arraysize: As in the DBAPI.
        description: The columns of the last answer.
        rowcount: Of the last answer.
        rownumber: How many of its rows were read; ``None`` without rows.
    """

    def __init__(self, connection: StandInConnection, make_row: MakeRow | None = None) -> None:
        """Open a cursor without an answer."""
        self.connection = connection
        self.source = connection.source
        self.arraysize = self.itersize = 1
        self.closed = False
        self._make_row = make_row
        self.rownumber: int | None = None
        self._reading: Reading | None = None
        self._take(None)

    def execute(self, *args: Any, **kwargs: Any) -> StandInCursor:
        """Look up the answer to a statement."""
        sql = by_any_name(args, kwargs, *STATEMENT)
        parameters = by_any_name(args[1:], kwargs, *PARAMETERS)
        question = Question(self.source, text_of(sql), parameters or None)
        self._ask(question)
        return self

    def executemany(self, *args: Any, **kwargs: Any) -> Any:
        """Look up the answer to a statement with many parameters."""
        sql = by_any_name(args, kwargs, *STATEMENT)
        given = by_any_name(args[1:], kwargs, *SETS)
        self._take(None)
        sets = () if given is None else given
        self._take(replay_many(playing(sql), self.source, sql, sets, self.connection.driver))

    def fetchone(self) -> Any:
        """Return the next row, ``None`` after the last."""
        return next(self._rows, None)

    def fetchmany(self, size: int | None = None) -> Any:
        """Return the next rows."""
        return list(itertools.islice(self._rows, self.arraysize if size is None else size))

    def fetchall(self) -> Any:
        """Return all rows that are left."""
        return list(self._rows)

    def scroll(self, value: int, mode: str = "relative") -> None:
        """Go back or forth in the rows.

        Args:
            value: How far, or where to.
            mode: ``relative`` or ``absolute``.

        Raises:
            Exception: The driver's, when there is no such row.
        """
        if self._reading is None or self.rownumber is None:
            next(self._none())
        place = value + (self.rownumber or 0 if mode == "relative" else 0)
        if not 0 <= place < max(1, self.rowcount):
            raise self._beyond()
        self._reading = self._reading.again() if self._reading else None
        self._values = self._counted()
        self.rownumber = 0
        self._rows = self._made()
        for _ in itertools.islice(self._values, place):
            pass

    def close(self) -> None:
        """End the cursor."""
        self.closed = True

    def nextset(self) -> bool | None:
        """Say that there is no further result: statements in one text are recorded as one."""
        return None

    def setinputsizes(self, *_: Any) -> None:
        """Do nothing, as the DBAPI allows."""

    setoutputsize = setinputsizes

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the rows that are left."""
        return self

    def __next__(self) -> Any:
        """Return the next row."""
        return next(self._rows)

    def __enter__(self) -> Any:
        """Return the cursor."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def __getattr__(self, name: str) -> Any:
        """Say that this is not recorded."""
        raise _missing("cursor", name)

    def _ask(self, question: Question) -> None:
        self._take(None)
        self._take(question.replay(playing(question.sql), self.connection.driver))

    def _take(self, reading: Reading | None) -> None:
        self.description = None if reading is None else reading.description
        self.rowcount = -1 if reading is None else reading.rowcount
        self.lastrowid = None if reading is None else reading.lastrowid
        self.statusmessage = None if reading is None else reading.statusmessage
        self.rownumber = 0 if self.description else None
        self._reading = reading
        self._values = self._counted()
        self._rows = self._made() if self.description else self._none()

    def _counted(self) -> Iterator[Any]:
        for batch in self._reading.batches() if self._reading is not None else ():
            for row in batch:
                self.rownumber = (self.rownumber or 0) + 1
                yield row

    def _made(self) -> Iterator[Any]:
        return self._values if self._make_row is None else map(self._make_row(self), self._values)

    def _none(self) -> Iterator[Any]:
        return _Refusing(lambda: self._wrong("no results to fetch"))

    def _beyond(self) -> Exception:
        return self._wrong("scroll destination out of bounds")

    def _wrong(self, problem: str) -> Exception:
        kind = getattr(self.connection.driver, "ProgrammingError", LookupError)
        error: Exception = kind(problem)
        return error


def _missing(what: str, name: str) -> AttributeError:
    return AttributeError(
        f"{name!r} of a database {what} is not recorded, and in a rerun there is no server to ask."
    )


class _Refusing(Iterator[Any]):
    """No rows: whoever fetches one is told so, each time."""

    def __init__(self, error: Callable[[], Exception]) -> None:
        self._error = error

    def __next__(self) -> Any:
        raise self._error()


class StandInConnection:
    """A DBAPI connection to a database that is not there.

    Attributes:
        source: The database, as in the recorded answers.
        driver: The DBAPI module.
        autocommit: Kept as it is set; transactions do nothing.
    """

    autocommit = False
    isolation_level: Any = None
    closed = False
    encoding = "UTF8"
    cursor_kind: Any = StandInCursor

    def __init__(self, source: str, driver: Any, make_row: MakeRow | None = None) -> None:
        """Stand in for a connection to a source."""
        self.source, self.driver, self.make_row = source, driver, make_row
        self.notices: list[str] = []

    def cursor(self, *_: Any, **__: Any) -> Any:
        """Return a cursor over the recorded answers."""
        return self.cursor_kind(self, self.make_row)

    def commit(self, *_: Any, **__: Any) -> None:
        """Do nothing: what was written to the database is not written again."""

    rollback = begin = cancel = set_session = set_isolation_level = commit
    set_client_encoding = reset = ping = commit

    def close(self) -> None:
        """End the connection."""
        self.closed = True

    terminate = close

    @contextlib.contextmanager
    def transaction(self, *_: Any, **__: Any) -> Iterator[None]:
        """Do nothing at the beginning and the end of a block."""
        yield

    def __enter__(self) -> Any:
        """Return the connection."""
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing: psycopg2 goes on to use it, and there is nothing to close."""

    def __getattr__(self, name: str) -> Any:
        """Say that this is not recorded."""
        raise _missing("connection", name)
