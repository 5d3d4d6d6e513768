"""psycopg 3 without SQLAlchemy: its cursors record what they fetched."""

from __future__ import annotations

import contextlib
import functools
from typing import Any, Callable

from .layers import inside
from .sql_answer import Question, Writing, begin, recorded, text_of
from .sql_many import many
from .sql_postgres import psycopg_parameters, record_failed, record_made, source_of
from .sql_psycopg_copy import patch_copy
from .sql_psycopg_stand_in import play
from .sql_psycopg_streams import patch_streams
from .sql_tee import driven
from .tape import opened


def patch(module: Any) -> None:
    """Patch ``psycopg``.

    Args:
        module: The module.
    """
    kept = opened()  # also where work of ours imports it first
    if kept is None:
        return
    if kept.mode == "replay":
        play(module)
        return
    for kind in (module.Connection, module.AsyncConnection):
        steps = kind._connect_gen.__func__  # noqa: SLF001 - every way to connect goes through it
        kind._connect_gen = classmethod(driven(steps))  # noqa: SLF001
        awaited = kind is module.AsyncConnection
        made = (_async_connected if awaited else _connected)(kind.connect.__func__, module)
        kind.connect = classmethod(made)
    module.connect = module.Connection.connect
    for kind in (module.Cursor, module.AsyncCursor):
        awaited = kind is module.AsyncCursor
        execute, executemany = (_async_run, _async_many) if awaited else (_run, _many)
        kind.execute = execute(kind.execute, module)
        kind.executemany = executemany(kind.executemany)
    patch_streams(module, _source)
    patch_copy(module, _source)


PATCHES: dict[str, Callable[[Any], None]] = {"psycopg": patch}


def _connected(connect: Any, module: Any) -> Any:
    @functools.wraps(connect)
    def run(cls: Any, conninfo: str = "", **kwargs: Any) -> Any:
        with _Connecting(module, conninfo, kwargs) as connecting, inside():
            made = connect(cls, conninfo, **kwargs)
        connecting.tell(made)
        return made

    return run


def _async_connected(connect: Any, module: Any) -> Any:
    @functools.wraps(connect)
    async def run(cls: Any, conninfo: str = "", **kwargs: Any) -> Any:
        with _Connecting(module, conninfo, kwargs) as connecting, inside():
            made = await connect(cls, conninfo, **kwargs)
        connecting.tell(made)
        return made

    return run


class _Connecting:
    """One connection on its way."""

    def __init__(self, module: Any, conninfo: str, options: dict[str, Any]) -> None:
        try:
            self._about, _ = psycopg_parameters(module, conninfo, options)
        except Exception:  # psycopg is to say so
            self._about = {}

    def __enter__(self) -> Any:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, Exception):
            record_failed(self._about, error)

    def tell(self, connection: Any) -> None:
        """Record what it knows of itself."""
        with contextlib.suppress(Exception):  # of another psycopg; a rerun asks for it in vain
            info = connection.info
            known = info.get_parameters(), info.parameter_status, info.server_version
            record_made(self._about, *known)


def _source(cursor: Any) -> str:
    return source_of(cursor.connection.info.get_parameters())


def _asked(cursor: Any, sql: Any, parameters: Any) -> Callable[[], Question]:
    return lambda: Question(_source(cursor), text_of(sql), parameters or None)


def _run(execute: Any, module: Any) -> Any:
    @functools.wraps(execute)
    def run(cursor: Any, query: Any, params: Any = None, **kwargs: Any) -> Any:
        asked = _asked(cursor, query, params)
        result, writing = recorded(asked, lambda: execute(cursor, query, params, **kwargs))
        if writing is not None:
            with _whole(cursor, writing, module) as wanted, inside():
                while wanted and not writing.ended:
                    batch = cursor.fetchmany(writing.batch)
                    writing.rows(batch)
                    if not batch:
                        writing.end()
                if wanted:
                    cursor.scroll(0, mode="absolute")
        return result

    return run


def _async_run(execute: Any, module: Any) -> Any:
    @functools.wraps(execute)
    async def run(cursor: Any, query: Any, params: Any = None, **kwargs: Any) -> Any:
        writing = begin(_asked(cursor, query, params))
        try:
            with inside():
                result = await execute(cursor, query, params, **kwargs)
        except Exception as error:
            if writing is not None:
                writing.failed(error)
            raise
        if writing is not None:
            with _whole(cursor, writing, module) as wanted, inside():
                while wanted and not writing.ended:
                    batch = await cursor.fetchmany(writing.batch)
                    writing.rows(batch)
                    if not batch:
                        writing.end()
                if wanted:
                    await cursor.scroll(0, mode="absolute")
        return result

    return run


class _whole:  # noqa: N801 - used as a function is
    """Read a result as plain tuples, and leave the cursor as it was; problems stay inside."""

    def __init__(self, cursor: Any, writing: Writing, module: Any) -> None:
        self._cursor, self._writing = cursor, writing
        self._plain = module.rows.tuple_row
        self._factory = cursor.row_factory

    def __enter__(self) -> bool:
        cursor, writing = self._cursor, self._writing
        if len(getattr(cursor, "_results", ())) > 1:
            writing.abandon("It is several statements in one text.")
            return False
        writing.head(cursor)
        if cursor.description is None:
            writing.end()
            return False
        cursor.row_factory = self._plain
        return True

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if error is not None:
            self._writing.abandon(f"Its rows could not be read: {error}")
        self._cursor.row_factory = self._factory
        return isinstance(error, Exception)


def _many(executemany: Any) -> Any:
    @functools.wraps(executemany)
    def run(cursor: Any, query: Any, params_seq: Any, **kwargs: Any) -> Any:
        with many(lambda: _source(cursor), query, params_seq) as asking:
            result = executemany(cursor, query, asking.parameters, **kwargs)
        _count(asking.writing, cursor, kwargs)
        return result

    return run


def _async_many(executemany: Any) -> Any:
    @functools.wraps(executemany)
    async def run(cursor: Any, query: Any, params_seq: Any, **kwargs: Any) -> Any:
        with many(lambda: _source(cursor), query, params_seq) as asking:
            result = await executemany(cursor, query, asking.parameters, **kwargs)
        _count(asking.writing, cursor, kwargs)
        return result

    return run


def _count(writing: Writing | None, cursor: Any, options: dict[str, Any]) -> None:
    if writing is None:
        return
    if options.get("returning"):
        writing.abandon("executemany(returning=True) answers with several results.")
        return
    writing.head(cursor)
    writing.end()
