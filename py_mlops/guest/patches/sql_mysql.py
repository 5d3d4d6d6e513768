"""What the drivers of MySQL share: cursors that record, or answer from the tape."""

from __future__ import annotations

import abc
import functools
import itertools
from typing import Any, Iterator, Sequence

from .layers import inside
from .sql_answer import Question, Reading, Rowless, Writing, begin, playing, recorded, text_of
from .sql_many import many, replay_many
from .tape import Unrecorded, tape

SEVERAL = "It has several results, and more than the first was read."
"""Why the answer to a statement is not on the tape whose second result somebody read."""
_PASSING = "mlops_passing"
_TWICE = "Columns of one name in a cursor of dicts are not recorded."
_PLAIN = "Connection.query without a cursor is not recorded."


class Driver(abc.ABC):
    """What of a driver's is its own; a subclass for each."""

    module = ""
    """The name of the DBAPI module, whose errors the database raised."""

    @abc.abstractmethod
    def source(self, connection: Any) -> str:
        """Return the database, without user and password."""

    @abc.abstractmethod
    def read(self, cursor: Any) -> Any:
        """Return the rows of a result in memory, ``None`` without any; or why there are none.

        Returns:
            A sequence of rows as plain tuples, or a text.
        """

    @abc.abstractmethod
    def streams(self, cursor: Any) -> bool:
        """Say whether a cursor reads row by row what the server sends."""

    @abc.abstractmethod
    def flow(self, cursor: Any, rows: Iterator[Any]) -> None:
        """Let a cursor that streams read recorded rows."""

    @abc.abstractmethod
    def is_of_dicts(self, cursor: Any) -> bool:
        """Say whether a cursor's rows are dicts."""

    @abc.abstractmethod
    def give(self, cursor: Any, rows: Any) -> Any:
        """Return recorded rows as the cursor keeps them; ``None`` for a statement without any."""

    def begun(self, cursor: Any, writing: Writing) -> None:  # noqa: B027 - one needs it
        """Take notice that an answer of a cursor's is being recorded."""

    def passed(self, cursor: Any, rows: Sequence[Any], *, ended: bool) -> None:
        """Record what the program has read of a stream just now.

        Args:
            cursor: Whose.
            rows: Plain tuples.
            ended: Whether there are no more.
        """
        writing: Writing | None = cursor.__dict__.get(_PASSING)
        if writing is not None:
            writing.passed(cursor, rows, ended=ended)

    def take_back(self, cursor: Any) -> None:
        """Take notice that the program reads a further result of a stream."""
        writing: Writing | None = cursor.__dict__.pop(_PASSING, None)
        if writing is not None:
            writing.take_back(SEVERAL)

    def leaving(self, function: Any) -> Any:
        """Return a cursor's method before which the program has read what it wanted."""

        @functools.wraps(function)
        def run(cursor: Any, *args: Any, **kwargs: Any) -> Any:
            writing: Writing | None = cursor.__dict__.pop(_PASSING, None)
            if writing is not None:
                writing.leave(cursor)
            return function(cursor, *args, **kwargs)

        return run

    def record(self, kind: Any) -> None:
        """Let the cursors of a class record what they execute.

        Args:
            kind: The driver's class of cursors.
        """
        kind.execute = self.leaving(self._run(kind.execute))
        kind.executemany = self.leaving(self._many(kind.executemany))
        kind.callproc = self._call(kind.callproc)

    def play(self, kind: Any) -> None:
        """Let the cursors of a class answer from the tape."""

        def execute(cursor: Any, query: Any, args: Any = None) -> Any:
            question = Question(self._source_of(cursor), text_of(query), args or None)
            reading = question.replay(playing(query), __import__(self.module))
            return self._answer(cursor, query, reading)

        def executemany(cursor: Any, query: Any, args: Any) -> Any:
            if not args:  # the drivers do nothing then
                return None
            source, module = self._source_of(cursor), __import__(self.module)
            reading = replay_many(playing(query), source, query, args, module)
            return self._answer(cursor, query, reading)

        kind.execute, kind.executemany = execute, executemany

    def query(self, query: Any) -> Any:
        """Return a ``Connection.query`` that says where it is a hole."""

        @functools.wraps(query)
        def asked(connection: Any, sql: Any, *args: Any, **kwargs: Any) -> Any:
            writing = begin(lambda: Question(self.source(connection), text_of(sql)))
            if writing is not None:
                writing.abandon(_PLAIN)
            return query(connection, sql, *args, **kwargs)

        return asked

    def unasked(self, connection: Any, sql: Any) -> Any:
        """Raise what a ``Connection.query`` of a rerun does."""
        kept = tape()
        if kept is not None:
            kept.miss(self.source(connection), text_of(sql))
        raise Unrecorded(f"{_PLAIN[:-1]}: {text_of(sql)}")

    def _source_of(self, cursor: Any) -> str:
        return self.source(cursor._get_db())  # noqa: SLF001 - it raises what a closed one raises

    def _run(self, execute: Any) -> Any:
        @functools.wraps(execute)
        def run(cursor: Any, query: Any, args: Any = None) -> Any:
            def asked() -> Question:
                return Question(self._source_of(cursor), text_of(query), args or None)

            result, writing = recorded(asked, lambda: execute(cursor, query, args))
            if writing is not None:
                self._read(cursor, writing)
            return result

        return run

    def _many(self, executemany: Any) -> Any:
        @functools.wraps(executemany)
        def run(cursor: Any, query: Any, args: Any) -> Any:
            if not args:  # the drivers do nothing then
                return executemany(cursor, query, args)
            with many(lambda: self._source_of(cursor), query, args) as asking:
                result = executemany(cursor, query, asking.parameters)
            if asking.writing is not None:
                asking.writing.head(Rowless(cursor))
                asking.writing.end()
            return result

        return run

    def _call(self, callproc: Any) -> Any:
        @functools.wraps(callproc)
        def run(cursor: Any, procname: Any, args: Any = ()) -> Any:
            def asked() -> Question:
                return Question(self._source_of(cursor), f"CALL {text_of(procname)}", args)

            writing = begin(asked)
            if writing is not None:
                writing.abandon("A procedure called by name is not recorded.")
            with inside():
                return callproc(cursor, procname, args)

        return run

    def _read(self, cursor: Any, writing: Writing) -> None:
        """Record a result, which the driver has in memory."""
        try:
            self.begun(cursor, writing)
            names = [column[0] for column in cursor.description or ()]
            streams = bool(names) and self.streams(cursor)
            rows = () if streams else self.read(cursor)
            if isinstance(rows, str):
                writing.abandon(rows)
            elif self.is_of_dicts(cursor) and len(set(names)) < len(names):
                writing.abandon(_TWICE)
            elif streams:
                writing.head(cursor)
                cursor.__dict__[_PASSING] = writing
            else:
                writing.head(cursor)
                writing.rows(rows or ())
                writing.end()
        except Exception as error:  # of another version of the driver; the program goes on
            writing.abandon(f"Its rows could not be read: {error}")

    def _answer(self, cursor: Any, query: Any, reading: Reading) -> Any:
        cursor._executed, cursor._result, cursor.rownumber = query, None, 0  # noqa: SLF001
        columns = reading.description
        cursor.description = columns and tuple(map(tuple, columns))
        cursor.rowcount, cursor.lastrowid = reading.rowcount, reading.lastrowid
        rows = itertools.chain.from_iterable(reading.batches())
        if columns and self.streams(cursor):
            self.flow(cursor, rows)
        else:
            cursor._rows = self.give(cursor, tuple(rows) if columns else None)  # noqa: SLF001
        return reading.rowcount
