"""A driver's cursor that records what it answers."""

from __future__ import annotations

import collections
import contextlib
import functools
import types
from typing import Any, Callable, Generator, Sequence

from ..observe import observer
from .layers import inside
from .sql_answer import Question, Writing, begin, text_of
from .sql_many import many


class TeeCursor:
    """Stands before a driver's cursor; whatever it does not do itself is the driver's.

    What the driver has in memory anyway is read at once, so that the answer is
    whole at any snapshot; what comes from the server row by row is recorded as
    the program reads it. An answer over the limit goes on untouched.
    """

    _writing: Any

    def __init__(self, cursor: Any, source: str, *, streaming: bool) -> None:
        """Stand before a cursor.

        Args:
            cursor: The driver's.
            source: The database, as in the recorded answers.
            streaming: Whether rows come from the server as they are read.
        """
        # Straight into the dict: what is set by name goes to the driver's cursor.
        state: dict[str, Any] = {"_rows": collections.deque(), "_writing": None}
        self.__dict__.update(state, _cursor=cursor, _source=source, _streaming=streaming)

    def __getattr__(self, name: str) -> Any:
        """Return what the driver's cursor has."""
        return getattr(held(self, "_cursor", name), name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set it on the driver's cursor."""
        if name in self.__dict__:
            self.__dict__[name] = value
        else:
            setattr(self._cursor, name, value)

    def execute(self, sql: Any, *args: Any, **kwargs: Any) -> Any:
        """Execute, and record the answer or the error."""
        parameters = args[0] if args else next(iter(kwargs.values()), None)

        def asked() -> Question:
            return Question(self._source, text_of(sql), parameters or None)

        return self._run(asked, lambda: self._cursor.execute(sql, *args, **kwargs))

    def executemany(self, sql: Any, parameters: Any, *args: Any, **kwargs: Any) -> Any:
        """Execute, and record the answer or the error."""
        self._settle()
        self._rows.clear()
        with many(lambda: str(self._source), sql, parameters) as asking:
            result = self._cursor.executemany(sql, asking.parameters, *args, **kwargs)
        return self._answered(result, asking.writing)

    def fetchone(self) -> Any:
        """Return the next row."""
        if self._rows:
            return self._rows.popleft()
        row = self._cursor.fetchone()
        self._tee([] if row is None else [row], ended=row is None)
        return row

    def fetchmany(self, size: int | None = None) -> Any:
        """Return the next rows."""
        wanted = self._cursor.arraysize if size is None else size
        ready = [self._rows.popleft() for _ in range(min(wanted, len(self._rows)))]
        if len(ready) == wanted:
            return ready
        rows = self._cursor.fetchmany(wanted - len(ready))
        self._tee(rows, ended=len(rows) < wanted)
        return [*ready, *rows] if ready else rows

    def fetchall(self) -> Any:
        """Return all rows that are left."""
        ready = list(self._rows)
        self._rows.clear()
        rows = self._cursor.fetchall()
        self._tee(rows, ended=True)
        return [*ready, *rows] if ready else rows

    def __iter__(self) -> Any:
        """Iterate over the rows that are left."""
        return iter(self.fetchone, None)

    def nextset(self) -> Any:
        """Go to the next result; the tape has one of a statement, and then takes it back."""
        writing: Writing | None = self._writing
        self._settle()
        self._rows.clear()
        more = self._cursor.nextset()
        # SQLAlchemy's cursors for asyncio do not say whether there was one.
        if writing is not None and (more or hasattr(self._cursor, "_adapt_connection")):
            writing.take_back("It has several results, and more than the first was read.")
        return more

    def close(self) -> Any:
        """Close, and end the answer where the program stopped to read."""
        self._settle()
        return self._cursor.close()

    def __del__(self) -> None:
        """End the answer where the program stopped to read: it dropped the cursor unclosed."""
        with contextlib.suppress(Exception):
            self._settle()

    async def _async_soft_close(self) -> None:
        self._settle()
        await self._cursor._async_soft_close()  # noqa: SLF001 - SQLAlchemy's own name, asked of us

    def _run(self, asked: Callable[[], Question], execute: Callable[[], Any]) -> Any:
        self._settle()
        self._rows.clear()
        writing = begin(asked)
        if writing is None:
            return execute()
        try:
            with inside():
                result = execute()
        except Exception as error:
            writing.failed(error)
            raise
        return self._answered(result, writing)

    def _answered(self, result: Any, writing: Writing | None) -> Any:
        self.__dict__["_writing"] = writing
        if writing is not None and not self._streaming:
            self._buffer(writing)
        return self if result is self._cursor else result

    def _buffer(self, writing: Writing) -> None:
        writing.head(self._cursor)
        if self._cursor.description is None:
            writing.end()
        while not writing.ended:
            try:
                with inside():
                    batch = self._cursor.fetchmany(writing.batch)
            except Exception as error:  # the program meets it itself when it reads
                writing.abandon(f"Its rows could not be read: {error}")
                return
            self._rows.extend(batch)
            writing.rows(batch)
            if not batch:
                writing.end()

    def _tee(self, rows: Sequence[Any], *, ended: bool) -> None:
        writing: Writing | None = self._writing
        if writing is not None:
            writing.passed(self._cursor, rows, ended=ended)

    def _settle(self) -> None:
        writing: Writing | None = self._writing
        self.__dict__["_writing"] = None
        if writing is not None:
            writing.leave(self._cursor)


def held(proxy: Any, place: str, name: str) -> Any:
    """Return what a proxy stands before; one that is being copied has nothing yet."""
    try:
        return proxy.__dict__[place]
    except KeyError:
        raise AttributeError(name) from None


def driven(connect: Any) -> Any:
    """Return what connects in the same way, as a driver whose answers are recorded.

    Args:
        connect: A function, or one that returns a generator (psycopg's).
    """

    @functools.wraps(connect)
    def driving(*args: Any, **kwargs: Any) -> Any:
        with observer().driver():
            made = connect(*args, **kwargs)
        return _steps(made) if isinstance(made, types.GeneratorType) else made

    return driving


def _steps(steps: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Go on with a generator, each of its steps as a driver's; between them others may connect."""
    go, given = steps.send, None
    while True:
        try:
            with observer().driver():
                wanted = go(given)
        except StopIteration as end:
            return end.value
        try:
            go, given = steps.send, (yield wanted)
        except BaseException as error:
            go, given = steps.throw, error
