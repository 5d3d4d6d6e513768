"""PyMySQL without SQLAlchemy: its cursors record what they fetched, or answer from the tape."""

from __future__ import annotations

import functools
import sys
import types
from typing import Any, Callable, Iterator

from .sql_attempt import attempt, fail_again
from .sql_mysql import Driver
from .sql_tee import driven
from .tape import opened


class _PyMySQL(Driver):
    module = "pymysql"

    def source(self, connection: Any) -> str:
        database = connection.db or b""
        name = database.decode() if isinstance(database, bytes) else database
        host = connection.unix_socket or connection.host
        return f"mysql://{host}:{connection.port}/{name}"

    def read(self, cursor: Any) -> Any:
        result = cursor._result  # noqa: SLF001 - what cursors of dicts convert
        return "It is several statements in one text." if result.has_next else result.rows

    def streams(self, cursor: Any) -> bool:
        return hasattr(cursor, "read_next")

    def flow(self, cursor: Any, rows: Iterator[Any]) -> None:
        cursor._fields = [column[0] for column in cursor.description]
        cursor._result = types.SimpleNamespace(warning_count=0)  # noqa: SLF001 - it asks that
        cursor._rows = rows  # noqa: SLF001 - no matter to a cursor that streams

    def is_of_dicts(self, cursor: Any) -> bool:
        return hasattr(cursor, "dict_type")

    def give(self, cursor: Any, rows: Any) -> Any:
        if rows is None or not self.is_of_dicts(cursor):
            return rows
        cursor._fields = [column[0] for column in cursor.description]
        return [cursor._conv_row(row) for row in rows]  # noqa: SLF001


_DRIVER = _PyMySQL()


def patch(module: Any) -> None:
    """Patch ``pymysql.connections``.

    Args:
        module: The module.
    """
    kept = opened()  # also where work of ours imports it first
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
    connect = driven(kind.connect)

    @functools.wraps(connect)
    def connected(connection: Any, *args: Any, **kwargs: Any) -> Any:
        secrets = connection.user, connection.password
        source = _DRIVER.source(connection)
        return attempt(source, secrets, lambda: connect(connection, *args, **kwargs))

    kind.connect, kind.query = connected, _DRIVER.query(kind.query)


def patch_cursors(module: Any) -> None:
    """Patch ``pymysql.cursors``.

    Args:
        module: The module.
    """
    kept = opened()
    if kept is None:
        return
    stream = module.SSCursor
    if kept.mode == "replay":
        _DRIVER.play(module.Cursor)
        stream.read_next = _read_recorded
        return
    _DRIVER.record(module.Cursor)
    stream.read_next, stream.nextset = _read_next(stream.read_next), _next(stream.nextset)
    stream.close = stream.__del__ = _DRIVER.leaving(stream.close)


PATCHES: dict[str, Callable[[Any], None]] = {
    "pymysql.connections": patch,
    "pymysql.cursors": patch_cursors,
}


def _read_next(read: Any) -> Any:
    @functools.wraps(read)
    def run(cursor: Any) -> Any:
        make: Any = cursor._conv_row  # noqa: SLF001 - before it a row is a plain tuple
        values: list[Any] = []

        def seen(row: Any) -> Any:
            values.append(row)
            return make(row)

        cursor.__dict__["_conv_row"] = seen
        try:
            row = read(cursor)
        finally:
            cursor.__dict__.pop("_conv_row")
        _DRIVER.passed(cursor, [one for one in values if one is not None], ended=row is None)
        return row

    return run


def _next(nextset: Any) -> Any:
    @functools.wraps(nextset)
    def run(cursor: Any) -> Any:
        more = nextset(cursor)
        if more:
            _DRIVER.take_back(cursor)
        return more

    return run


def _read_recorded(cursor: Any) -> Any:
    return cursor._conv_row(next(cursor._rows, None))  # noqa: SLF001 - PyMySQL's own way


def _connect(connection: Any, _sock: Any = None) -> None:
    fail_again(_DRIVER.source(connection), sys.modules["pymysql"])
    connection._sock, connection._closed = object(), False  # noqa: SLF001 - what `open` looks at


def _close(connection: Any) -> None:
    connection._sock, connection._closed = None, True  # noqa: SLF001


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _unasked(connection: Any, sql: Any, *_: Any, **__: Any) -> Any:
    return _DRIVER.unasked(connection, sql)
