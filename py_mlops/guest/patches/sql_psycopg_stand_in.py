"""psycopg 3 in a rerun: connections and cursors that answer from the tape."""

from __future__ import annotations

import contextlib
import functools
import sys
import types
from typing import Any, Iterator

from .sql_answer import Question
from .sql_postgres import Info, psycopg_parameters, quoted_identifier
from .sql_psycopg_copy import AsyncStandInCopy, StandInCopy
from .sql_stand_in import StandInConnection, StandInCursor


def play(module: Any) -> None:
    """Let ``psycopg`` connect to no server.

    Args:
        module: The module.
    """
    module.connect = module.Connection.connect = functools.partial(_connect, module)
    module.AsyncConnection.connect = functools.partial(_connect_async, module)
    for name in ("SQL", "Identifier", "Literal", "Placeholder", "Composed"):
        kind = getattr(module.sql, name)
        for way in ("as_bytes", "as_string"):
            setattr(kind, way, _anywhere(getattr(kind, way), module))
    for name in [f"{way}{kind}Cursor" for way in ("", "Async") for kind in ("", "Client", "Raw")]:
        plain = getattr(module, name, None)
        if plain is not None:
            setattr(module, name, type(name, (plain,), {"__new__": _cursor_of}))
    identifier = module.sql.Identifier
    identifier.as_bytes = _identifier(identifier.as_bytes)


class _Context:
    """How values are written where there is no connection; psycopg has older ways without one."""

    connection = None

    def __init__(self, adapters: Any) -> None:
        self.adapters = adapters


def _anywhere(write: Any, module: Any) -> Any:
    @functools.wraps(write)
    def run(composable: Any, context: Any = None) -> Any:
        stands_in = isinstance(context, (StandInConnection, StandInCursor))
        adapters = getattr(context, "adapters", module.adapters)
        return write(composable, _Context(adapters) if stands_in else context)

    return run


def _identifier(write: Any) -> Any:
    @functools.wraps(write)
    def run(composable: Any, context: Any = None) -> Any:
        if isinstance(context, (StandInConnection, StandInCursor, _Context)):
            return ".".join(map(quoted_identifier, composable._obj)).encode()  # noqa: SLF001
        return write(composable, context)

    return run


def _cursor_of(_kind: Any, connection: Any, *_: Any, row_factory: Any = None, **__: Any) -> Any:
    return connection.cursor(row_factory=row_factory)


class _Wire:
    """As much of libpq's connection as others look at."""

    transaction_status = pipeline_status = status = backend_pid = 0
    _encoding = "utf-8"

    def __init__(self, info: Info) -> None:
        self._info = info

    def parameter_status(self, name: bytes) -> Any:
        known = self._info.parameter_status(name.decode())
        return known and known.encode()


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

    @property  # type: ignore[misc] # isinstance looks here, too
    def __class__(self) -> Any:
        return self.connection.driver.Cursor

    @property
    def adapters(self) -> Any:
        return getattr(self.connection, "adapters", None)

    @property
    def row_factory(self) -> Any:
        return self._make_row

    @row_factory.setter
    def row_factory(self, make_row: Any) -> None:
        self._make_row = make_row
        self._rows = self._made() if self.description else self._rows

    def _beyond(self) -> Exception:
        return IndexError("position out of bound")

    def results(self) -> Iterator[Any]:
        yield self

    def mogrify(self, query: Any, params: Any = None) -> str:
        """Return a statement with its parameters in it, as a ``ClientCursor`` does."""
        adapt, queries = self.connection.driver.adapt, sys.modules["psycopg._queries"]
        written: Any = queries.PostgresClientQuery(adapt.Transformer(_Context(self.adapters)))
        written.convert(query, params)
        return str(written.query.decode())

    def stream(self, query: Any, params: Any = None, **_: Any) -> Iterator[Any]:
        return iter(self.execute(query, params))

    def copy(self, statement: Any, params: Any = None, **_: Any) -> Any:
        return StandInCopy(self, statement, params)

    def answer(self, question: Question) -> None:
        """Look up what the database said to a question of another form."""
        self._ask(question)


class _AsyncCursor(_Cursor):
    @property  # type: ignore[misc] # isinstance looks here, too
    def __class__(self) -> Any:
        return self.connection.driver.AsyncCursor

    async def execute(self, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override] # awaited
        return super().execute(*args, **kwargs)

    async def executemany(self, *args: Any, **kwargs: Any) -> Any:
        super().executemany(*args, **kwargs)

    def copy(self, statement: Any, params: Any = None, **_: Any) -> Any:
        return AsyncStandInCopy(self, statement, params)

    async def stream(self, query: Any, params: Any = None, **_: Any) -> Any:
        await self.execute(query, params)
        for row in self._rows:
            yield row

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
    broken = False
    prepare_threshold, prepared_max, read_only, deferrable = 5, 100, None, None

    def __init__(self, info: Info, driver: Any, make_row: Any) -> None:
        super().__init__(info.source, driver, make_row)
        self.info = info
        self.row_factory = make_row or driver.rows.tuple_row
        self.adapters = driver.adapt.AdaptersMap(driver.adapters)
        self.pgconn = _Wire(info)

    @property  # type: ignore[misc] # isinstance looks here, too
    def __class__(self) -> Any:
        return self.driver.Connection

    def cursor(self, *_: Any, row_factory: Any = None, **__: Any) -> Any:
        return self.cursor_kind(self, row_factory or self.row_factory)

    def _nothing(self, *_: Any, **__: Any) -> None:
        """Do nothing: there is no server that would tell anything."""

    @contextlib.contextmanager
    def pipeline(self) -> Iterator[Any]:
        yield types.SimpleNamespace(sync=self._nothing)

    add_notice_handler = remove_notice_handler = _nothing
    add_notify_handler = remove_notify_handler = cancel_safe = _nothing

    def execute(self, query: Any, params: Any = None, **_: Any) -> Any:
        return self.cursor().execute(query, params)


class _AsyncConnection(_Connection):
    cursor_kind = _AsyncCursor

    @property  # type: ignore[misc] # isinstance looks here, too
    def __class__(self) -> Any:
        return self.driver.AsyncConnection

    async def execute(self, query: Any, params: Any = None, **_: Any) -> Any:
        return await self.cursor().execute(query, params)

    async def commit(self, *_: Any, **__: Any) -> None:  # type: ignore[override] # awaited
        pass

    rollback = set_autocommit = close = commit  # type: ignore[assignment] # awaited
    set_isolation_level = set_read_only = set_deferrable = commit  # type: ignore[assignment] # too

    async def __aenter__(self) -> Any:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def transaction(self, *_: Any, **__: Any) -> Any:
        return self


def _opened(kind: Any, module: Any, conninfo: str, options: dict[str, Any]) -> Any:
    about, own = psycopg_parameters(module, conninfo, options)
    connection = kind(Info(about, module), module, own.get("row_factory"))
    connection.autocommit = bool(own.get("autocommit"))
    return connection


def _connect(module: Any, conninfo: str = "", **options: Any) -> Any:
    return _opened(_Connection, module, conninfo, options)


async def _connect_async(module: Any, conninfo: str = "", **options: Any) -> Any:
    return _opened(_AsyncConnection, module, conninfo, options)
