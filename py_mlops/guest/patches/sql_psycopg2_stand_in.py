"""psycopg2 in a rerun: connections and cursors that answer from the tape."""

from __future__ import annotations

import collections
import functools
import sys
from typing import Any, Sequence

from .sql_postgres import Info, psycopg2_parameters, quoted_identifier
from .sql_psycopg2_streams import CopyingStandIn
from .sql_stand_in import StandInConnection, StandInCursor


def play(module: Any) -> None:
    """Let ``psycopg2`` connect to no server, and what it does with connections be done without.

    Args:
        module: The module.
    """
    module.connect = functools.partial(_connect, module)
    extensions = module.extensions
    for name, without in (("quote_ident", quoted_identifier), ("register_type", None)):
        setattr(extensions, name, _anywhere(getattr(extensions, name), without))
    for name in ("_json", "_range", "extras"):
        part: Any = sys.modules.get(f"psycopg2.{name}")
        if hasattr(part, "register_type"):
            part.register_type = extensions.register_type


def play_sql(module: Any) -> None:
    """Let ``psycopg2.sql`` write literals for connections that stand in for one.

    Args:
        module: The module.
    """
    write = module.Literal.as_string

    @functools.wraps(write)
    def run(literal: Any, context: Any) -> Any:
        if isinstance(context, (StandInConnection, StandInCursor)):
            connection = getattr(context, "connection", context)
            return quoted(literal.wrapped, connection).decode()
        return write(literal, context)

    module.Literal.as_string = run


def quoted(value: Any, connection: Any) -> bytes:
    """Return a value as psycopg2 writes it into a statement.

    Args:
        value: Any it can adapt.
        connection: A stand-in; the server takes backslashes for what they are.

    Raises:
        Exception: psycopg2's, when it cannot adapt it.
    """
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("A string literal cannot contain NUL (0x00) characters.")
        return b"'" + value.replace("'", "''").encode() + b"'"
    if type(value) is tuple:
        return b"(" + b", ".join(quoted(item, connection) for item in value) + b")"
    if type(value) is list and value:
        return b"ARRAY[" + b",".join(quoted(item, connection) for item in value) + b"]"
    adapted = connection.driver.extensions.adapt(value)
    if hasattr(adapted, "as_string"):
        return str(adapted.as_string(connection)).encode()
    written = adapted.getquoted()
    return written.encode() if isinstance(written, str) else bytes(written)


def mogrified(sql: Any, parameters: Any, connection: Any) -> bytes:
    """Return a statement with its parameters in it.

    Args:
        sql: The statement.
        parameters: Its parameters, in any form psycopg2 takes.
        connection: A stand-in.
    """
    if hasattr(sql, "as_string"):
        sql = sql.as_string(connection)
    text: bytes = sql.encode() if isinstance(sql, str) else bytes(sql)
    if parameters is None:
        return text
    if isinstance(parameters, collections.abc.Mapping):
        return text % {k.encode(): quoted(v, connection) for k, v in parameters.items()}
    return text % tuple(quoted(value, connection) for value in parameters)


def _anywhere(function: Any, without: Any) -> Any:
    @functools.wraps(function)
    def run(what: Any, context: Any = None) -> Any:
        if isinstance(context, (StandInConnection, StandInCursor)):
            return without(what) if without else None
        return function(what) if context is None else function(what, context)

    return run


class _Cursor(CopyingStandIn):
    _asked: Any = None

    def callproc(self, procname: Any, vars: Any = None) -> Any:  # noqa: A002 - psycopg2's own name
        self.execute(f"callproc: {procname}", vars)
        return vars

    def execute(self, query: Any, vars: Any = None) -> None:  # type: ignore[override] # noqa: A002
        super().execute(query, vars)
        self._asked = query, vars

    def mogrify(self, query: Any, vars: Any = None) -> bytes:  # noqa: A002 - as above
        """Return a statement with its parameters in it."""
        return mogrified(query, vars, self.connection)

    @property
    def query(self) -> Any:
        return self._asked and self.mogrify(*self._asked)

    @property  # type: ignore[misc] # isinstance looks here, too
    def __class__(self) -> Any:
        return self.connection.driver.extensions.cursor

    @property
    def index(self) -> dict[str, int]:
        return {column.name: place for place, column in enumerate(self.description or ())}


class _Connection(StandInConnection):
    cursor_kind = _Cursor
    cursor_factory: Any = None
    status, async_, deferrable, readonly = 1, 0, None, None
    closed: Any = 0

    def __init__(self, info: Info, driver: Any) -> None:
        super().__init__(info.source, driver)
        self.info, self.server_version, self.dsn = info, info.server_version, info.dsn
        self.protocol_version = info.protocol_version
        self.get_dsn_parameters, self.get_parameter_status = (
            info.get_parameters, info.parameter_status,
        )  # fmt: skip

    @property  # type: ignore[misc] # isinstance looks here, too
    def __class__(self) -> Any:
        return self.driver.extensions.connection

    def get_backend_pid(self) -> int:
        return self.info.backend_pid

    def get_transaction_status(self) -> int:
        return self.info.transaction_status

    def cursor(self, name: Any = None, cursor_factory: Any = None, *_: Any, **__: Any) -> Any:
        del name
        factory = cursor_factory or self.cursor_factory
        return _Cursor(self, _maker(factory, self.driver))


def _maker(factory: Any, module: Any) -> Any:
    """Return what makes the rows of psycopg2's own kinds of cursors; ``None`` for tuples."""
    if factory in (None, module.extensions.cursor):
        return None
    extras = __import__("psycopg2.extras").extras
    if issubclass(factory, extras.RealDictCursor):
        return lambda cursor: (
            lambda row: extras.RealDictRow(zip([column.name for column in cursor.description], row))
        )
    if issubclass(factory, extras.DictCursor):
        return lambda cursor: functools.partial(_dict_row, extras, cursor)
    if issubclass(factory, extras.NamedTupleCursor):
        return _named
    return None


def _dict_row(extras: Any, cursor: Any, values: Sequence[Any]) -> Any:
    row = extras.DictRow(cursor)
    row[:] = values
    return row


def _named(cursor: Any) -> Any:
    names: list[str] = [column.name for column in cursor.description]
    make: Any = collections.namedtuple  # noqa: PYI024 - the names come with the answer
    record = make("Record", names, rename=True)
    return record._make


def _connect(
    module: Any,
    dsn: Any = None,
    connection_factory: Any = None,
    cursor_factory: Any = None,
    **options: Any,
) -> Any:
    connection = _Connection(Info(psycopg2_parameters(module, dsn, options), module), module)
    connection.cursor_factory = cursor_factory
    if cursor_factory is None and connection_factory is not None:
        extras = __import__("psycopg2.extras").extras
        for name in ("RealDict", "Dict", "NamedTuple"):
            if connection_factory is getattr(extras, f"{name}Connection"):
                connection.cursor_factory = getattr(extras, f"{name}Cursor")
    return connection
