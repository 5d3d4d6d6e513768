"""Executes statements that need no answer of each other; a server is asked once for all of them.

SQLAlchemy asks once for each. Where a hundred writers wait for one, the way
to a server and back is most of what they wait for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect
from sqlalchemy.exc import DBAPIError

_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"

_IDLE = 0
"""psycopg's ``TransactionStatus.IDLE``."""

Answer = list[dict[str, Any]]
"""Rows, the values of each by the names of their columns."""


class Question(NamedTuple):
    """A statement and its values.

    Attributes:
        statement: One of those that are asked again and again: each is kept as
            SQL. Values of a list must have a parameter each.
        values: Its parameters, of plain types.
    """

    statement: Any
    values: Mapping[str, Any]


def together(
    connection: Connection,
    questions: Sequence[Question],
    *,
    begins: bool = False,
    ends: bool = False,
) -> list[Answer]:
    """Execute statements one after the other, each seeing what those before it did.

    Args:
        connection: In a transaction.
        questions: The statements.
        begins: Whether a server's `brief` transaction begins with them, unless it has begun.
        ends: Whether it is committed with them.

    Returns:
        The rows of each; none of a statement that has no rows.

    Raises:
        DBAPIError: When one fails; those behind it are not executed.
    """
    driver: Any = connection.connection.driver_connection
    asked = [(_sql(connection.dialect, statement), values) for statement, values in questions]
    with _failures(connection, driver):
        if connection.dialect.name == "postgresql":
            begins = begins and driver.autocommit and driver.info.transaction_status == _IDLE
            return _at_server(driver, asked, begins=begins, ends=ends)
        return _at_file(driver, asked)


class _Sql(NamedTuple):
    """A statement as a driver gets it, the order of its parameters, and those that it brings."""

    text: str
    order: Sequence[str]
    constants: dict[str, Any]


_Asked = Sequence[tuple[_Sql, Mapping[str, Any]]]


def _at_file(driver: Any, asked: _Asked) -> list[Answer]:
    answers = list[Answer]()
    for sql, values in asked:
        given = {**sql.constants, **values}
        cursor = driver.execute(sql.text, [given[name] for name in sql.order])
        names = [column[0] for column in cursor.description or ()]
        answers.append([dict(zip(names, row, strict=True)) for row in cursor])
    return answers


def _at_server(driver: Any, asked: _Asked, *, begins: bool, ends: bool) -> list[Answer]:
    # The driver, which is an extra, is there: it is the connection's.
    from psycopg import ClientCursor  # noqa: PLC0415
    from psycopg.rows import dict_row  # noqa: PLC0415

    with ClientCursor(driver, row_factory=dict_row) as cursor:
        texts = [cursor.mogrify(sql.text, {**sql.constants, **values}) for sql, values in asked]
        cursor.execute("; ".join([*[_BEGIN] * begins, *texts, *["COMMIT"] * ends]))
        answers = [_rows(cursor)]
        while cursor.nextset():
            answers.append(_rows(cursor))
    return answers[begins : begins + len(asked)]


def _rows(cursor: Any) -> Answer:
    return cursor.fetchall() if cursor.pgresult.nfields else []


@lru_cache(maxsize=256)
def _sql(dialect: Dialect, statement: Any) -> _Sql:
    compiled = statement.compile(dialect=dialect)
    constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
    return _Sql(compiled.string, compiled.positiontup or (), constants)


@contextmanager
def _failures(connection: Connection, driver: Any) -> Iterator[None]:
    """Say a driver's error as SQLAlchemy does, and drop a connection that was lost."""
    dialect: Any = connection.dialect
    try:
        yield
    except dialect.dbapi.Error as error:
        if dialect.is_disconnect(error, driver, None):
            connection.invalidate(error)
        raise DBAPIError(None, None, error, hide_parameters=True) from error
