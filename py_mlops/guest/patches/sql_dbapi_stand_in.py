"""Connections and cursors of any driver of the DBAPI, in a rerun that has no server."""

from __future__ import annotations

import functools
import itertools
from typing import Any, Iterator

from .sql_answer import Question, playing, text_of
from .sql_dbapi_rows import maker
from .sql_frames import METHODS, replayed
from .sql_parameters import STATEMENT, by_any_name
from .sql_postgres import CONNECTION
from .sql_stand_in import StandInConnection, StandInCursor

TOLD = ("version", "server_version", "server_info", "thin")
"""What connections say of themselves, and what is recorded of it."""
QUIET_CURSOR = frozenset(
    {"setinputsizes", "setoutputsize", "setoutputsizes", "cancel", "commit", "rollback"}
)
"""Methods of cursors by which a program learns nothing."""
QUIET = frozenset(
    {
        *("commit", "rollback", "close", "cancel", "begin", "start_transaction", "reset_session"),
        *("autocommit", "set_autocommit", "setautocommit", "set_attr", "use", "select_db"),
        *("setencoding", "setdecoding", "set_charset_collation", "add_output_converter"),
        *("remove_output_converter", "clear_output_converters"),
        *("ping", "reconnect", "is_connected", "is_closed"),
    }
)
"""Methods of connections by which a program learns nothing."""


_NO_ROWS = frozenset({"mysql.connector"})
"""Drivers whose cursors give no rows, and no error, after a statement without any."""


def executed(source: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Question:
    """Return the question that an ``execute`` is.

    Args:
        source: The database.
        args: What the method was given: the statement, and its parameters together, or value
            by value (pyodbc).
        kwargs: What it was given with names: also parameters (oracledb).
    """
    sql = by_any_name(args, kwargs, *STATEMENT)
    rest = {} if not kwargs else kwargs if args else _without_first(kwargs, sql)
    given: Any = args[1] if len(args) == 2 else list(args[1:])  # noqa: PLR2004 - the statement and one more
    if isinstance(given, (list, tuple, dict)) and not given:
        given = None
    return Question(source, text_of(sql), [given, rest] if rest else given)


def _without_first(kwargs: dict[str, Any], sql: Any) -> dict[str, Any]:
    return {name: value for name, value in kwargs.items() if value is not sql}


def of_table(
    name: str, executed: Question, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Question:
    """Return the question whose answer is a whole table.

    Args:
        name: The method that gives it.
        executed: The statement.
        args: What the method was given.
        kwargs: What it was given with names.
    """
    parameters = [executed.parameters, *args, kwargs] if args or kwargs else executed.parameters
    return executed._replace(sql=f"{name}: {executed.sql}", parameters=parameters)


class _Cursor(StandInCursor):
    """A cursor over recorded answers, whose rows are of the recorded kind."""

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        """Look up the answer to a statement."""
        self._executed = executed(self.source, args, kwargs)
        self._ask(self._executed)
        return self

    def __getattr__(self, name: str) -> Any:
        """Return what gives a whole table, and say of all else that it is not there."""
        return (
            functools.partial(self._table, name) if name in METHODS else super().__getattr__(name)
        )

    def _table(self, name: str, *args: Any, **kwargs: Any) -> Any:
        question = of_table(name, self._executed, args, kwargs)
        return replayed(question, self.connection.driver)

    @property  # type: ignore[misc]  # a question that classes answer, too
    def __class__(self) -> Any:
        """The driver's class, for who asks whether it is one of its kind."""
        return _class_of(self.connection.driver, "Cursor", _Cursor)

    def fetchall(self) -> Any:
        """Return all rows that are left."""
        return self._listed(super().fetchall())

    def fetchmany(self, *args: Any, **kwargs: Any) -> Any:
        """Return the next rows."""
        size = [*args, *kwargs.values()]
        return self._listed(super().fetchmany(size[0] if size else None))

    def fetchval(self) -> Any:
        """Return the first value of the next row, as pyodbc does."""
        row = self.fetchone()
        return None if row is None else row[0]

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns of the last answer, as MySQL's own driver has them."""
        return tuple(column[0] for column in self.description or ())

    def setoutputsizes(self, *_: Any, **__: Any) -> None:
        """Do nothing."""

    cancel = commit = rollback = setinputsizes = setoutputsize = setoutputsizes

    def _made(self) -> Iterator[Any]:
        for first in self._values:  # the kind of rows is known with the first of them
            kind = self._reading.made.get("row", "tuple") if self._reading else "tuple"
            yield from map(maker(kind, self.description), itertools.chain([first], self._values))
        if self._reading:  # some drivers count the rows as they are read
            self.rowcount = self._reading.rowcount

    def _none(self) -> Iterator[Any]:
        quiet = self.connection.driver.__name__ in _NO_ROWS
        return iter(()) if quiet else super()._none()

    def _listed(self, rows: list[Any]) -> Any:
        kind = self._reading.made.get("rows") if self._reading else None
        return tuple(rows) if kind == "tuple" else rows


@functools.lru_cache(maxsize=None)
def like(base: Any, module: str, name: str) -> Any:
    """Return a class under the name of a driver's: libraries know drivers by that.

    Args:
        base: The class that it is.
        module: The module of the driver's class.
        name: Its name.
    """
    return type(name, (base,), {"__module__": module})


def connecting(name: str, source: str) -> Question:
    """Return the question that a connection answers.

    Args:
        name: The driver's module.
        source: The database, as in the recorded answers.
    """
    return Question(source, CONNECTION, [name])


def connected(name: str, source: str, driver: Any) -> Any:
    """Return a connection that stands in for the recorded one, or fail as that did.

    Args:
        name: The driver's module.
        source: The database, as in the recorded answers.
        driver: The module itself.
    """
    told = dict(connecting(name, source).replay(playing(CONNECTION), driver).values)
    module, kind = told.pop("class")
    methods = told.pop("methods", [])
    connection = like(_StandIn, module, kind)(source, driver)
    connection.cursor_kind = like(_Cursor, module, "Cursor")
    connection.__dict__.update(told, **dict.fromkeys(methods, connection.commit))
    return connection


class _StandIn(StandInConnection):
    """A connection to a database that is not there."""

    cursor_kind = _Cursor

    @property  # type: ignore[misc]  # as above
    def __class__(self) -> Any:
        """The driver's class, for who asks whether it is one of its kind."""
        return _class_of(self.driver, "Connection", _StandIn)

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        """Execute with a cursor of its own, as pyodbc does."""
        return self.cursor().execute(*args, **kwargs)

    def is_connected(self) -> bool:
        """Say whether the program did not close it."""
        return not self.closed

    def is_closed(self) -> bool:
        """Say whether the program closed it."""
        return self.closed

    def __getattr__(self, name: str) -> Any:
        """Do nothing where the program learns nothing, and say of all else that it is not there."""
        return self.commit if name in QUIET else super().__getattr__(name)


def _class_of(driver: Any, name: str, otherwise: type) -> type:
    kind = getattr(driver, name, None)
    return kind if isinstance(kind, type) else otherwise
