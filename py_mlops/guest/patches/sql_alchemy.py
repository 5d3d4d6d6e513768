"""SQLAlchemy 1.4 and 2: every answer of every engine but those whose database is a file."""

from __future__ import annotations

import functools
import importlib
from typing import Any, Callable

from .layers import inside
from .sql_answer import Question, begin
from .sql_attempt import attempt, fail_again
from .sql_dbapi_place import PORTS
from .sql_stand_in import StandInConnection, StandInCursor
from .sql_tee import TeeCursor, driven
from .tape import tape

FILES = {"sqlite", "duckdb"}
"""Dialects whose database is a file, which is captured as a file."""
CONNECT = "(connect)"
"""The question whose answer is what a dialect learns about the server at first."""
_OWN = "mlops_source"
_QUIET = [
    "do_ping",
    "get_isolation_level",
    "set_isolation_level",
    "reset_isolation_level",
]
_NOTHING = [
    *("do_begin", "do_commit", "do_rollback", "do_close", "do_terminate", "do_begin_twophase"),
    *("do_prepare_twophase", "do_commit_twophase", "do_rollback_twophase", "set_readonly"),
    *("set_deferrable", "reset_isolation_level", "on_connect", "on_connect_url"),
    "_builtin_onconnect",
]


def patch(module: Any) -> None:
    """Patch ``sqlalchemy.engine.default``.

    Args:
        module: The module.
    """
    dialect = module.DefaultDialect

    # Not __init__: SQLAlchemy reads the options of an engine from its signature.
    def make(kind: Any, *_: Any, **__: Any) -> Any:
        made = object.__new__(kind)
        if kind.name not in FILES:
            made.create_connect_args = functools.partial(_connect_args, made)
        return made

    dialect.__new__ = make
    module.DefaultExecutionContext.cursor = property(_cursor, _set_cursor)


def patch_pool(module: Any) -> None:
    """Patch ``sqlalchemy.pool.base``: every connection of an engine, also of a creator's.

    Args:
        module: The module.
    """
    wrap = module.Pool._should_wrap_creator  # noqa: SLF001 - both versions have it

    def should_wrap(pool: Any, creator: Any) -> Any:
        return driven(wrap(pool, creator))

    module.Pool._should_wrap_creator = should_wrap  # noqa: SLF001


PATCHES: dict[str, Callable[[Any], None]] = {
    "sqlalchemy.engine.default": patch,
    "sqlalchemy.pool.base": patch_pool,
}


def source_of(url: Any) -> str:
    """Return where an URL of SQLAlchemy leads to, without user and password."""
    backend = url.get_backend_name()
    host = url.host or url.query.get("host") or ""
    port = url.port or PORTS.get(backend, "")
    return f"{backend}://{host}:{port}/{url.database or ''}"


def _connect_args(dialect: Any, url: Any) -> Any:
    arguments = type(dialect).create_connect_args(dialect, url)
    kept = tape()
    if kept is not None:
        try:
            setattr(dialect, _OWN, source_of(url))
            (_play if kept.mode == "replay" else _record)(dialect)
        except Exception:
            kept.failures += 1
    return arguments


def _cursor(context: Any) -> Any:
    try:
        return context.__dict__["cursor"]
    except KeyError:
        raise AttributeError("cursor") from None


def _set_cursor(context: Any, cursor: Any) -> None:
    source = getattr(context.dialect, _OWN, None)
    if source is not None and isinstance(cursor, StandInCursor):
        cursor.source = source  # of the engine, wherever its creator connected to
    elif source is not None and isinstance(cursor, TeeCursor):  # a creator's, which records
        cursor.__dict__["_source"] = source
    elif source is not None and cursor is not None:
        streaming = bool(getattr(context, "_is_server_side", False))
        cursor = TeeCursor(cursor, source, streaming=streaming)
    context.__dict__["cursor"] = cursor


def _record(dialect: Any) -> None:
    """Record what a dialect learns when it connects first; the questions for it are its own."""
    source = getattr(dialect, _OWN)

    def initialize(connection: Any) -> None:
        before = dict(dialect.__dict__)
        with inside():
            type(dialect).initialize(dialect, connection)
        learned = {
            name: value
            for name, value in dialect.__dict__.items()
            if name not in before or before[name] is not value
        }
        writing = begin(lambda: Question(source, CONNECT))
        if writing is not None:
            writing.values(learned)

    def on_connect_url(url: Any) -> Any:
        handler = type(dialect).on_connect_url(dialect, url)
        return None if handler is None else _quiet(handler)

    dialect.initialize = initialize
    dialect.on_connect_url = on_connect_url
    for name in _QUIET:
        if hasattr(dialect, name):
            setattr(dialect, name, _quiet(getattr(dialect, name)))
    connect = dialect.connect

    def connected(*args: Any, **kwargs: Any) -> Any:
        names = ("user", "username", "password", "passwd")
        secrets = [kwargs.get(name) for name in names]
        return attempt(source, secrets, lambda: connect(*args, **kwargs))

    dialect.connect = connected


def _quiet(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def quiet(*args: Any, **kwargs: Any) -> Any:
        with inside():
            return function(*args, **kwargs)

    return quiet


def _play(dialect: Any) -> None:
    """Let a dialect connect to no server, and know what it learned from the recorded one."""
    source = getattr(dialect, _OWN)

    def connect(*_: Any, **__: Any) -> StandInConnection:
        fail_again(source, dialect.dbapi)
        connection = StandInConnection(source, dialect.dbapi)
        if dialect.is_async:
            connection.cursor_kind = _AwaitingCursor
        return connection

    def initialize(_connection: Any) -> None:
        kept = tape()
        if kept is not None:
            answer = Question(source, CONNECT).replay(kept)
            dialect.__dict__.update(answer.values)

    def set_isolation_level(connection: Any, level: Any) -> None:
        connection.isolation_level = level

    def get_isolation_level(connection: Any) -> Any:
        level = connection.isolation_level
        return dialect.default_isolation_level if level in (None, "AUTOCOMMIT") else level

    def do_executemany(cursor: Any, statement: Any, parameters: Any, context: Any = None) -> None:
        del context
        cursor.executemany(statement, parameters)

    dialect.__dict__.update({name: _nothing for name in _NOTHING if hasattr(dialect, name)})
    dialect.__dict__.update(
        connect=connect,
        initialize=initialize,
        set_isolation_level=set_isolation_level,
        get_isolation_level=get_isolation_level,
        get_default_isolation_level=get_isolation_level,
        do_executemany=do_executemany,
        do_recover_twophase=lambda *_: [],
        do_ping=lambda *_: True,
        is_disconnect=lambda *_: False,
        detect_autocommit_setting=lambda connection: connection.autocommit,
        get_driver_connection=lambda connection: connection,
    )


class _AwaitingCursor(StandInCursor):
    """For engines of asyncio, which insist that something was awaited."""

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        _await()
        return super().execute(*args, **kwargs)

    def executemany(self, *args: Any, **kwargs: Any) -> Any:
        _await()
        return super().executemany(*args, **kwargs)

    async def _async_soft_close(self) -> None:
        pass


def _await() -> None:
    import asyncio

    concurrency = importlib.import_module("sqlalchemy.util.concurrency")
    concurrency.await_only(asyncio.sleep(0))


def _nothing(*_: Any, **__: Any) -> None:
    return None
