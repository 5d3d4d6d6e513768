"""mysqlclient (``MySQLdb``) without SQLAlchemy: its cursors record, or answer from the tape."""

from __future__ import annotations

import functools
import itertools
import sys
from typing import Any, Callable, Iterable, Iterator

from ..observe import observer
from .sql_answer import Writing
from .sql_attempt import attempt, fail_again
from .sql_mysql import SEVERAL, Driver
from .tape import opened

_GIVEN = ("host", "user", "passwd", "db", "port", "unix_socket")
"""What `MySQLdb.connect` takes without names."""


class _MySQLdb(Driver):
    module = "MySQLdb"

    def source(self, connection: Any) -> str:
        return str(connection.mlops_source)

    def begun(self, cursor: Any, writing: Writing) -> None:
        cursor.mlops_writing = writing  # a further result takes it back

    def read(self, cursor: Any) -> Any:
        rows = cursor._rows or () if cursor.description else ()  # noqa: SLF001
        return _plain(rows)

    def streams(self, cursor: Any) -> bool:
        return any(kind.__name__ == "CursorUseResultMixIn" for kind in type(cursor).__mro__)

    def flow(self, cursor: Any, rows: Iterator[Any]) -> None:
        cursor._rows = rows  # noqa: SLF001 - no matter to a cursor that streams

    def is_of_dicts(self, cursor: Any) -> bool:
        return bool(cursor._fetch_type)  # noqa: SLF001

    def give(self, cursor: Any, rows: Any) -> Any:
        if rows is None or not self.is_of_dicts(cursor):
            return rows or ()
        names = [column[0] for column in cursor.description]
        return tuple(dict(zip(names, row)) for row in rows)


_DRIVER = _MySQLdb()


def patch(module: Any) -> None:
    """Patch ``MySQLdb.connections``.

    Args:
        module: The module.
    """
    kept = opened()  # also where work of ours imports it first
    if kept is None:
        return
    kind = module.Connection
    if kept.mode == "replay":
        module.Connection = type("Connection", (_StandIn,), {"default_cursor": kind.default_cursor})
        return
    connect = kind.__init__

    @functools.wraps(connect)
    def connected(connection: Any, *args: Any, **kwargs: Any) -> None:
        source, names = _source(args, kwargs), ("user", "passwd", "password")
        secrets = [*args[1:3], *(kwargs.get(name) for name in names)]
        with observer().driver():
            attempt(source, secrets, lambda: connect(connection, *args, **kwargs))
        connection.mlops_source = source

    kind.__init__, kind.query = connected, _DRIVER.query(kind.query)


def patch_cursors(module: Any) -> None:
    """Patch ``MySQLdb.cursors``.

    Args:
        module: The module.
    """
    kept = opened()  # also where work of ours imports it first
    if kept is None:
        return
    kind = module.BaseCursor
    if kept.mode == "replay":
        _DRIVER.play(kind)
        kind._fetch_row = _fetch_recorded  # noqa: SLF001 - every way to read goes through it
        kind.nextset = _no_next(kind.nextset)
        return
    _DRIVER.record(kind)
    kind._fetch_row, kind.close = _fetch(kind._fetch_row), _DRIVER.leaving(kind.close)  # noqa: SLF001
    kind.nextset = _next(kind.nextset)


PATCHES: dict[str, Callable[[Any], None]] = {
    "MySQLdb.connections": patch,
    "MySQLdb.cursors": patch_cursors,
}


def _plain(rows: Iterable[Any]) -> list[Any]:
    return [tuple(row.values()) if isinstance(row, dict) else row for row in rows]


def _fetch(fetch: Any) -> Any:
    @functools.wraps(fetch)
    def run(cursor: Any, size: int = 1) -> Any:
        rows = fetch(cursor, size)
        _DRIVER.passed(cursor, _plain(rows), ended=not size or len(rows) < size)
        return rows

    return run


def _fetch_recorded(cursor: Any, size: int = 1) -> Any:
    rows = cursor._rows  # noqa: SLF001
    return _DRIVER.give(cursor, tuple(itertools.islice(rows, size) if size else rows))


def _no_next(nextset: Any) -> Any:
    @functools.wraps(nextset)
    def run(cursor: Any) -> Any:
        # It would read what is left, which the recorded run did not.
        return None if _DRIVER.streams(cursor) else nextset(cursor)

    return run


def _next(nextset: Any) -> Any:
    @functools.wraps(nextset)
    def run(cursor: Any) -> Any:
        more = nextset(cursor)
        writing = cursor.__dict__.get("mlops_writing")
        if more and writing is not None:
            writing.take_back(SEVERAL)
        return more

    return run


def _source(args: Iterable[Any], kwargs: dict[str, Any]) -> str:
    given = {**dict(zip(_GIVEN, args)), **kwargs}
    place = given.get("unix_socket") or given.get("host") or "localhost"
    name = given.get("db") or given.get("database") or ""
    return f"mysql://{place}:{given.get('port') or 3306}/{name}"


class _StandIn:
    """A connection whose cursors answer from the tape: in a rerun there is no server."""

    default_cursor: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.mlops_source = _source(args, kwargs)
        fail_again(self.mlops_source, sys.modules["MySQLdb"])
        self.cursorclass = kwargs.get("cursorclass", self.default_cursor)
        self.encoding = "utf8"
        self.open = 1

    def cursor(self, cursorclass: Any = None) -> Any:
        return (cursorclass or self.cursorclass)(self)

    def query(self, sql: Any) -> None:
        _DRIVER.unasked(self, sql)

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
