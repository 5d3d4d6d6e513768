"""mysqlclient (``MySQLdb``) without SQLAlchemy: its cursors record, or answer from the tape."""

from __future__ import annotations

import functools
import itertools
from typing import Any, Callable, Iterable

from ..observe import observer
from .sql_answer import Question, Writing, inside, text_of
from .sql_tee import begin, recorded
from .tape import Unrecorded, tape

_SEVERAL = "It has several results, and more than the first was read."
_GIVEN = ("host", "user", "passwd", "db", "port", "unix_socket")
"""What `MySQLdb.connect` takes without names."""


def patch(module: Any) -> None:
    """Patch ``MySQLdb.connections``.

    Args:
        module: The module.
    """
    kept = tape()
    if kept is None:
        return
    kind = module.Connection
    if kept.mode == "replay":
        module.Connection = type("Connection", (_StandIn,), {"default_cursor": kind.default_cursor})
        return
    connect, query = kind.__init__, kind.query

    @functools.wraps(connect)
    def connected(connection: Any, *args: Any, **kwargs: Any) -> None:
        with observer().driver(), inside():
            connect(connection, *args, **kwargs)
        connection.mlops_source = _source(args, kwargs)

    @functools.wraps(query)
    def asked(connection: Any, sql: Any) -> Any:
        writing = begin(lambda: Question(connection.mlops_source, text_of(sql)))
        if writing is not None:
            writing.abandon("Connection.query without a cursor is not recorded.")
        return query(connection, sql)

    kind.__init__, kind.query = connected, asked


def patch_cursors(module: Any) -> None:
    """Patch ``MySQLdb.cursors``.

    Args:
        module: The module.
    """
    kept = tape()
    if kept is None:
        return
    kind = module.BaseCursor
    if kept.mode == "replay":
        kind.execute, kind.executemany = _play, _play_many
        return
    kind.execute, kind.executemany = _run(kind.execute), _run_many(kind.executemany)
    kind.callproc, kind.nextset = _call(kind.callproc), _next(kind.nextset)


PATCHES: dict[str, Callable[[Any], None]] = {
    "MySQLdb.connections": patch,
    "MySQLdb.cursors": patch_cursors,
}


def _run(execute: Any) -> Any:
    @functools.wraps(execute)
    def run(cursor: Any, query: Any, args: Any = None) -> Any:
        def asked() -> Question:
            return Question(_of(cursor).mlops_source, text_of(query), args or None)

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
            return Question.many(_of(cursor).mlops_source, query, sets)

        result, writing = recorded(asked, lambda: executemany(cursor, query, sets))
        if writing is not None:
            _read(cursor, writing)
        return result

    return run


def _call(callproc: Any) -> Any:
    @functools.wraps(callproc)
    def run(cursor: Any, procname: Any, args: Any = ()) -> Any:
        source = _of(cursor).mlops_source
        writing = begin(lambda: Question(source, f"CALL {text_of(procname)}", args))
        if writing is not None:
            writing.abandon("A procedure called by name is not recorded.")
        with inside():
            return callproc(cursor, procname, args)

    return run


def _next(nextset: Any) -> Any:
    @functools.wraps(nextset)
    def run(cursor: Any) -> Any:
        more = nextset(cursor)
        writing = cursor.__dict__.get("mlops_writing")
        if more and writing is not None:
            writing.take_back(_SEVERAL)
        return more

    return run


def _read(cursor: Any, writing: Writing) -> None:
    """Record a result, which the driver has in memory as tuples or dicts."""
    cursor.mlops_writing = writing
    names = [column[0] for column in cursor.description or ()]
    if cursor._result is not None:  # noqa: SLF001 - what is not fetched yet
        writing.abandon("A cursor that reads row by row is not recorded outside of SQLAlchemy.")
    elif cursor._fetch_type and len(set(names)) < len(names):  # noqa: SLF001 - rows are dicts
        writing.abandon("Columns of one name in a cursor of dicts are not recorded.")
    else:
        writing.head(cursor)
        if names:
            writing.rows([_plain(row) for row in cursor._rows or ()])  # noqa: SLF001
        writing.end()


def _plain(row: Any) -> Any:
    return tuple(row.values()) if isinstance(row, dict) else row


def _of(cursor: Any) -> Any:
    return cursor._get_db()  # noqa: SLF001 - it raises what a closed cursor raises


def _source(args: Iterable[Any], kwargs: dict[str, Any]) -> str:
    given = {**dict(zip(_GIVEN, args)), **kwargs}
    place = given.get("unix_socket") or given.get("host") or "localhost"
    name = given.get("db") or given.get("database") or ""
    return f"mysql://{place}:{given.get('port') or 3306}/{name}"


def _play(cursor: Any, query: Any, args: Any = None) -> Any:
    return _answer(cursor, query, Question(_of(cursor).mlops_source, text_of(query), args or None))


def _play_many(cursor: Any, query: Any, args: Any) -> Any:
    return _answer(cursor, query, Question.many(_of(cursor).mlops_source, query, args))


def _answer(cursor: Any, query: Any, question: Question) -> Any:
    kept = tape()
    if kept is None:
        raise Unrecorded(f"Nothing plays back here: {question.sql}")
    reading = question.replay(kept, __import__("MySQLdb"))
    cursor._executed, cursor._result, cursor.rownumber = query, None, 0  # noqa: SLF001
    columns = reading.description
    cursor.description = columns and tuple(map(tuple, columns))
    cursor.rowcount, cursor.lastrowid = reading.rowcount, reading.lastrowid
    rows: Any = tuple(itertools.chain.from_iterable(reading.batches())) if columns else ()
    if columns and cursor._fetch_type:  # noqa: SLF001
        names = [column[0] for column in columns]
        rows = tuple(dict(zip(names, row)) for row in rows)
    cursor._rows = rows  # noqa: SLF001
    return reading.rowcount


class _StandIn:
    """A connection whose cursors answer from the tape: in a rerun there is no server."""

    default_cursor: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.mlops_source = _source(args, kwargs)
        self.cursorclass = kwargs.get("cursorclass", self.default_cursor)
        self.encoding = "utf8"
        self.open = 1

    def cursor(self, cursorclass: Any = None) -> Any:
        return (cursorclass or self.cursorclass)(self)

    def query(self, sql: Any) -> None:
        kept = tape()
        if kept is not None:
            kept.miss(self.mlops_source, text_of(sql))
        raise Unrecorded(f"Connection.query without a cursor is not recorded: {text_of(sql)}")

    def next_result(self) -> int:
        return -1

    def close(self) -> None:
        self.open = 0

    def _nothing(self, *_: Any, **__: Any) -> None:
        """Do nothing: there is no server."""

    autocommit = begin = commit = discard_result = ping = rollback = select_db = _nothing
    set_character_set = set_sql_mode = _nothing

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
