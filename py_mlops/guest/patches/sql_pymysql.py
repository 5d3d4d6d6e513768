"""PyMySQL without SQLAlchemy: its cursors record what they fetched, or answer from the tape."""

from __future__ import annotations

import functools
import itertools
from typing import Any, Callable

from .sql_answer import Question, Writing, inside, text_of
from .sql_tee import begin, driven, recorded
from .tape import Unrecorded, tape


def patch(module: Any) -> None:
    """Patch ``pymysql.connections``.

    Args:
        module: The module.
    """
    kept = tape()
    if kept is None:
        return
    kind = module.Connection
    if kept.mode == "replay":
        # Everything but the wire stays PyMySQL's own: options, cursors, kinds of rows.
        kind.server_status = 2  # autocommit
        kind.connect, kind.query = _connect, _unasked
        kind._execute_command = kind._read_ok_packet = _nothing  # noqa: SLF001
        kind.close = kind._force_close = _close  # noqa: SLF001
        return
    connect, query = driven(kind.connect), kind.query

    @functools.wraps(query)
    def asked(connection: Any, sql: Any, *args: Any, **kwargs: Any) -> Any:
        writing = begin(lambda: Question(_source(connection), text_of(sql)))
        if writing is not None:
            writing.abandon("Connection.query without a cursor is not recorded.")
        return query(connection, sql, *args, **kwargs)

    @functools.wraps(connect)
    def connected(*args: Any, **kwargs: Any) -> Any:
        with inside():
            return connect(*args, **kwargs)

    kind.connect, kind.query = connected, asked


def patch_cursors(module: Any) -> None:
    """Patch ``pymysql.cursors``.

    Args:
        module: The module.
    """
    kept = tape()
    if kept is None:
        return
    kind = module.Cursor
    if kept.mode == "replay":
        kind.execute, kind.executemany = _play, _play_many
        return
    kind.execute, kind.executemany = _run(kind.execute), _run_many(kind.executemany)
    kind.callproc = _call(kind.callproc)


PATCHES: dict[str, Callable[[Any], None]] = {
    "pymysql.connections": patch,
    "pymysql.cursors": patch_cursors,
}


def _run(execute: Any) -> Any:
    @functools.wraps(execute)
    def run(cursor: Any, query: Any, args: Any = None) -> Any:
        def asked() -> Question:
            return Question(_source(cursor.connection), text_of(query), args or None)

        result, writing = recorded(asked, lambda: execute(cursor, query, args))
        if writing is not None:
            _read(cursor, writing)
        return result

    return run


def _run_many(executemany: Any) -> Any:
    @functools.wraps(executemany)
    def run(cursor: Any, query: Any, args: Any) -> Any:
        sets = list(args)

        def asked() -> Question:
            return Question.many(_source(cursor.connection), query, sets)

        result, writing = recorded(asked, lambda: executemany(cursor, query, sets))
        if writing is not None:
            writing.head(_Plain(cursor))
            writing.end()
        return result

    return run


def _call(callproc: Any) -> Any:
    @functools.wraps(callproc)
    def run(cursor: Any, procname: Any, args: Any = ()) -> Any:
        writing = begin(lambda: Question(_source(cursor.connection), f"CALL {procname}", args))
        if writing is not None:
            writing.abandon("A procedure called by name is not recorded.")
        with inside():
            return callproc(cursor, procname, args)

    return run


class _Plain:
    """What is recorded of a cursor whose statement has no rows, whatever the one before had."""

    description = statusmessage = None

    def __init__(self, cursor: Any) -> None:
        self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid


def _source(connection: Any) -> str:
    database = connection.db or b""
    name = database.decode() if isinstance(database, bytes) else database
    host = connection.unix_socket or connection.host
    return f"mysql://{host}:{connection.port}/{name}"


def _read(cursor: Any, writing: Writing) -> None:
    """Record a result, which the driver has in memory as plain tuples."""
    result = cursor._result  # noqa: SLF001 - what cursors of dicts convert
    names = [column[0] for column in cursor.description or ()]
    if result is None or result.unbuffered_active:
        writing.abandon("A cursor that reads row by row is not recorded outside of SQLAlchemy.")
    elif result.has_next:
        writing.abandon("It is several statements in one text.")
    elif hasattr(cursor, "dict_type") and len(set(names)) < len(names):
        writing.abandon("Columns of one name in a cursor of dicts are not recorded.")
    else:
        writing.head(cursor)
        writing.rows(result.rows or ())
        writing.end()


def _connect(connection: Any, _sock: Any = None) -> None:
    connection._sock, connection._closed = object(), False  # noqa: SLF001 - what `open` looks at


def _close(connection: Any) -> None:
    connection._sock, connection._closed = None, True  # noqa: SLF001


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _unasked(connection: Any, sql: Any, *_: Any, **__: Any) -> Any:
    kept = tape()
    if kept is not None:
        kept.miss(_source(connection), text_of(sql))
    raise Unrecorded(f"Connection.query without a cursor is not recorded: {text_of(sql)}")


def _play(cursor: Any, query: Any, args: Any = None) -> Any:
    return _answer(cursor, query, Question(_source(_of(cursor)), text_of(query), args or None))


def _play_many(cursor: Any, query: Any, args: Any) -> Any:
    return _answer(cursor, query, Question.many(_source(_of(cursor)), query, args))


def _of(cursor: Any) -> Any:
    return cursor._get_db()  # noqa: SLF001 - it raises what a closed cursor raises


def _answer(cursor: Any, query: Any, question: Question) -> Any:
    kept = tape()
    if kept is None:
        raise Unrecorded(f"Nothing plays back here: {question.sql}")
    reading = question.replay(kept, __import__("pymysql"))
    cursor._executed, cursor._result, cursor.rownumber = query, None, 0  # noqa: SLF001
    columns = reading.description
    cursor.description = columns and tuple(map(tuple, columns))
    cursor.rowcount, cursor.lastrowid = reading.rowcount, reading.lastrowid
    rows: Any = tuple(itertools.chain.from_iterable(reading.batches())) if columns else None
    if columns and hasattr(cursor, "dict_type"):
        cursor._fields = [column[0] for column in columns]
        rows = [cursor._conv_row(row) for row in rows]  # noqa: SLF001
    cursor._rows = rows  # noqa: SLF001
    return reading.rowcount
