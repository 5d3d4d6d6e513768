"""What psycopg 3 reads row by row: cursors of the server, and ``stream``."""

from __future__ import annotations

import functools
import weakref
from typing import Any, Callable, Iterator

from .sql_answer import Question, Writing, begin, recorded, text_of

Source = Callable[[Any], str]
"""Returns the database of a cursor."""

_SCROLLED = "The program went back and forth in it."
_passing: weakref.WeakKeyDictionary[Any, _Passing] = weakref.WeakKeyDictionary()


def patch_streams(module: Any, source: Source) -> None:
    """Let these cursors record what the program reads, as it reads.

    Args:
        module: ``psycopg``.
        source: Returns the database of a cursor.
    """
    for kind in (module.Cursor, module.AsyncCursor):
        awaited = kind is module.AsyncCursor
        kind.stream = (_async_stream if awaited else _stream)(kind.stream, source)
    for kind in (module.ServerCursor, module.AsyncServerCursor):
        awaited = kind is module.AsyncServerCursor
        kind.execute = (_async_declare if awaited else _declare)(kind.execute, source)
        follow = _async_followed if awaited else _followed
        for name, seen in _STEPS.items():
            setattr(kind, name, follow(getattr(kind, name), seen))
        step, through = ("__anext__", "__aiter__") if awaited else ("__next__", "__iter__")
        if hasattr(kind, step):
            setattr(kind, step, follow(getattr(kind, step), _next))
        else:  # before psycopg 3.2 the way through the rows was a generator
            iterated = _async_iterated if awaited else _iterated
            setattr(kind, through, iterated(getattr(kind, through)))


class _Passing:
    """The rows of one answer on their way to the program, whatever kind of rows it wants."""

    def __init__(self, cursor: Any, writing: Writing) -> None:
        self._writing = writing
        self._plain = cursor.row_factory
        self._values: list[Any] = []
        self._read = self._given = 0
        cursor.row_factory = self._factory

    def _factory(self, cursor: Any) -> Any:
        make = self._plain(cursor)

        def row(values: Any) -> Any:
            self._values.append(tuple(values))
            return make(values)

        return row

    def take(self, cursor: Any, count: int, *, ended: bool = False) -> None:
        """Record what was read since, of which the program was given so many rows."""
        values, self._values = self._values, []
        self._read += len(values)
        self._given += count
        if self._given > self._read:  # it has set another factory of rows
            self._writing.take_back("Its rows were made in a way that cannot be followed.")
        self._writing.passed(cursor, values, ended=ended)

    def leave(self, cursor: Any) -> None:
        """End the answer where the program stops to read."""
        if cursor.row_factory == self._factory:
            cursor.row_factory = self._plain
        self._writing.leave(cursor)

    def fail(self, error: Exception) -> None:
        """Record the database's error, if there were no rows before it."""
        if self._read:
            self._writing.take_back("It broke off in the midst of its rows.")
        self._writing.failed(error)

    def abandon(self, problem: str) -> None:
        """Keep only why there is no answer."""
        self._writing.take_back(problem)


def _leave(cursor: Any) -> None:
    passing = _passing.pop(cursor, None)
    if passing is not None:
        passing.leave(cursor)


def _begun(cursor: Any, writing: Writing | None) -> None:
    passing = _followed_by(cursor, writing)
    if passing is not None:
        _passing[cursor] = passing


def _followed_by(cursor: Any, writing: Writing | None) -> _Passing | None:
    if writing is None:
        return None
    try:
        return _Passing(cursor, writing)
    except Exception as error:  # another psycopg than those we know; the program goes on
        writing.abandon(f"What the program reads cannot be followed: {error}")
        return None


def _declare(execute: Any, source: Source) -> Any:
    @functools.wraps(execute)
    def run(cursor: Any, query: Any, params: Any = None, **kwargs: Any) -> Any:
        _leave(cursor)
        asked = _asked(source, cursor, query, params)
        result, writing = recorded(asked, lambda: execute(cursor, query, params, **kwargs))
        _begun(cursor, writing)
        return result

    return run


def _async_declare(execute: Any, source: Source) -> Any:
    @functools.wraps(execute)
    async def run(cursor: Any, query: Any, params: Any = None, **kwargs: Any) -> Any:
        _leave(cursor)
        writing = begin(_asked(source, cursor, query, params))
        try:
            result = await execute(cursor, query, params, **kwargs)
        except Exception as error:
            if writing is not None:
                writing.failed(error)
            raise
        _begun(cursor, writing)
        return result

    return run


def _asked(source: Source, cursor: Any, sql: Any, parameters: Any) -> Callable[[], Question]:
    return lambda: Question(source(cursor), text_of(sql), parameters or None)


Seen = Callable[["_Passing", Any, Any, Any], None]
"""Records what a call of a cursor's brought; takes its first argument and its result."""


def _one(passing: _Passing, cursor: Any, _given: Any, row: Any) -> None:
    passing.take(cursor, int(row is not None), ended=row is None)


def _some(passing: _Passing, cursor: Any, size: Any, rows: Any) -> None:
    passing.take(cursor, len(rows), ended=len(rows) < (size or cursor.arraysize))


def _all(passing: _Passing, cursor: Any, _given: Any, rows: Any) -> None:
    passing.take(cursor, len(rows), ended=True)


def _next(passing: _Passing, cursor: Any, _given: Any, _row: Any) -> None:
    passing.take(cursor, 1)


def _scrolled(passing: _Passing, _cursor: Any, _given: Any, _result: Any) -> None:
    passing.abandon(_SCROLLED)


def _closed(_passing: _Passing, cursor: Any, _given: Any, _result: Any) -> None:
    _leave(cursor)


_STEPS: dict[str, Seen] = {
    "fetchone": _one,
    "fetchmany": _some,
    "fetchall": _all,
    "scroll": _scrolled,
    "close": _closed,
}


def _followed(function: Any, seen: Seen) -> Any:
    @functools.wraps(function)
    def run(cursor: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            result = function(cursor, *args, **kwargs)
        except StopIteration:
            _ended(cursor)
            raise
        _follow(cursor, seen, args, kwargs, result)
        return result

    return run


def _async_followed(function: Any, seen: Seen) -> Any:
    @functools.wraps(function)
    async def run(cursor: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            result = await function(cursor, *args, **kwargs)
        except StopAsyncIteration:
            _ended(cursor)
            raise
        _follow(cursor, seen, args, kwargs, result)
        return result

    return run


def _iterated(iterate: Any) -> Any:
    @functools.wraps(iterate)
    def run(cursor: Any) -> Iterator[Any]:
        for row in iterate(cursor):
            _follow(cursor, _next, (), {}, row)
            yield row
        _ended(cursor)

    return run


def _async_iterated(iterate: Any) -> Any:
    @functools.wraps(iterate)
    async def run(cursor: Any) -> Any:
        async for row in iterate(cursor):
            _follow(cursor, _next, (), {}, row)
            yield row
        _ended(cursor)

    return run


def _follow(cursor: Any, seen: Seen, args: Any, kwargs: Any, result: Any) -> None:
    passing = _passing.get(cursor)
    if passing is not None:
        try:
            seen(passing, cursor, next(iter((*args, *kwargs.values())), None), result)
        except Exception as error:  # another psycopg than those we know
            passing.abandon(f"What the program reads cannot be followed: {error}")


def _ended(cursor: Any) -> None:
    passing = _passing.get(cursor)
    if passing is not None:
        passing.take(cursor, 0, ended=True)


class _Streaming:
    """One ``stream`` of a cursor."""

    def __init__(self, cursor: Any, asked: Callable[[], Question]) -> None:
        self._cursor = cursor
        self._passing = _followed_by(cursor, begin(asked))

    def __enter__(self) -> Any:
        return self

    def row(self) -> None:
        if self._passing is not None:
            self._passing.take(self._cursor, 1)

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if self._passing is None:
            return
        if error is None:
            self._passing.take(self._cursor, 0, ended=True)
        elif isinstance(error, Exception):
            self._passing.fail(error)
        self._passing.leave(self._cursor)


def _stream(stream: Any, source: Source) -> Any:
    @functools.wraps(stream)
    def run(cursor: Any, query: Any, params: Any = None, **kwargs: Any) -> Iterator[Any]:
        with _Streaming(cursor, _asked(source, cursor, query, params)) as streaming:
            for row in stream(cursor, query, params, **kwargs):
                streaming.row()
                yield row

    return run


def _async_stream(stream: Any, source: Source) -> Any:
    @functools.wraps(stream)
    async def run(cursor: Any, query: Any, params: Any = None, **kwargs: Any) -> Any:
        with _Streaming(cursor, _asked(source, cursor, query, params)) as streaming:
            async for row in stream(cursor, query, params, **kwargs):
                streaming.row()
                yield row

    return run
