"""psycopg 3 without SQLAlchemy: its cursors record what they fetched, or answer from the tape."""

from __future__ import annotations

import functools
from typing import Any, Callable, Iterator

from .sql_answer import Question, Writing, begin, inside, recorded, text_of
from .sql_many import many
from .sql_stand_in import StandInConnection, StandInCursor
from .sql_tee import driven
from .tape import Unrecorded, opened, tape


def patch(module: Any) -> None:
    """Patch ``psycopg``.

    Args:
        module: The module.
    """
    kept = opened()  # also where work of ours imports it first
    if kept is None:
        return
    if kept.mode == "replay":
        module.connect = module.Connection.connect = functools.partial(_connect, module)
        module.AsyncConnection.connect = functools.partial(_connect_async, module)
        return
    for kind in (module.Connection, module.AsyncConnection):
        steps = kind._connect_gen.__func__  # noqa: SLF001 - every way to connect goes through it
        kind._connect_gen = classmethod(driven(steps))  # noqa: SLF001
    for kind in (module.Cursor, module.AsyncCursor):
        awaited = kind is module.AsyncCursor
        execute, executemany = (_async_run, _async_many) if awaited else (_run, _many)
        kind.execute = execute(kind.execute, module)
        kind.executemany = executemany(kind.executemany)
        for name in ("stream", "copy"):
            setattr(kind, name, _hole(getattr(kind, name), f"What Cursor.{name} reads"))
    for kind in (module.ServerCursor, module.AsyncServerCursor):
        kind.execute = _hole(kind.execute, "A server-side cursor outside of SQLAlchemy")


PATCHES: dict[str, Callable[[Any], None]] = {"psycopg": patch}


def source_of(about: dict[str, Any]) -> str:
    """Return the database that libpq's parameters name, without user and password."""
    host, port = about.get("host") or about.get("hostaddr") or "", about.get("port") or 5432
    return f"postgresql://{host}:{port}/{about.get('dbname') or about.get('database') or ''}"


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


def _hole(function: Any, what: str) -> Any:
    @functools.wraps(function)
    def run(cursor: Any, query: Any, params: Any = None, *args: Any, **kwargs: Any) -> Any:
        writing = begin(_asked(cursor, query, params))
        if writing is not None:
            writing.abandon(f"{what} is not recorded.")
        return function(cursor, query, params, *args, **kwargs)

    return run


class _Result:
    """As much of libpq's result as psycopg's makers of rows look at."""

    def __init__(self, description: list[Any]) -> None:
        self._names = [column.name for column in description]
        self.nfields, self.status = len(self._names), 2  # TUPLES_OK

    def fname(self, number: int) -> bytes:
        """Return the name of a column."""
        return str(self._names[number]).encode()


class _Cursor(StandInCursor):
    _encoding = "utf-8"

    @property
    def pgresult(self) -> Any:
        return None if self.description is None else _Result(self.description)

    def stream(self, query: Any, params: Any = None, **_: Any) -> Iterator[Any]:
        return iter(self.execute(query, params))

    def copy(self, statement: Any, *_: Any, **__: Any) -> Any:
        kept = tape()
        if kept is not None:
            kept.miss(self.source, text_of(statement))
        raise Unrecorded(f"What Cursor.copy reads is not recorded: {text_of(statement)}")


class _AsyncCursor(_Cursor):
    async def execute(self, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override] # awaited
        return super().execute(*args, **kwargs)

    async def executemany(self, *args: Any, **kwargs: Any) -> Any:
        super().executemany(*args, **kwargs)

    async def fetchone(self) -> Any:
        return super().fetchone()

    async def fetchmany(self, size: int | None = None) -> Any:
        return super().fetchmany(size)

    async def fetchall(self) -> Any:
        return super().fetchall()

    async def close(self) -> None:  # type: ignore[override] # awaited
        super().close()

    async def __aiter__(self) -> Any:
        for row in self._rows:
            yield row

    async def __aenter__(self) -> Any:
        return self

    async def __aexit__(self, *_: object) -> None:
        super().close()


class _Connection(StandInConnection):
    cursor_kind = _Cursor

    def cursor(self, *_: Any, row_factory: Any = None, **__: Any) -> Any:
        return self.cursor_kind(self, row_factory or self.make_row)

    def execute(self, query: Any, params: Any = None, **_: Any) -> Any:
        return self.cursor().execute(query, params)


class _AsyncConnection(_Connection):
    cursor_kind = _AsyncCursor

    async def execute(self, query: Any, params: Any = None, **_: Any) -> Any:
        return await self.cursor().execute(query, params)

    async def commit(self, *_: Any, **__: Any) -> None:  # type: ignore[override] # awaited
        pass

    rollback = set_autocommit = close = commit  # type: ignore[assignment] # awaited

    async def __aenter__(self) -> Any:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def transaction(self, *_: Any, **__: Any) -> Any:
        return self


def _opened(kind: Any, module: Any, conninfo: str, options: dict[str, Any]) -> Any:
    own = ("autocommit", "prepare_threshold", "context", "row_factory", "cursor_factory")
    autocommit, _, _, row_factory, _ = (options.pop(name, None) for name in own)
    options.pop("server_cursor_factory", None)
    about = module.conninfo.conninfo_to_dict(conninfo, **options)
    connection = kind(source_of(about), module, row_factory)
    connection.autocommit = bool(autocommit)
    return connection


def _connect(module: Any, conninfo: str = "", **options: Any) -> Any:
    return _opened(_Connection, module, conninfo, options)


async def _connect_async(module: Any, conninfo: str = "", **options: Any) -> Any:
    return _opened(_AsyncConnection, module, conninfo, options)
