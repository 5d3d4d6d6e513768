"""Any other driver of the DBAPI (PEP 249): its cursors record what they answer, row by row."""

from __future__ import annotations

import contextlib
import functools
import sys
from typing import Any, Callable, Iterator

from ..observe import observer
from .layers import inside, is_inside
from .sql_answer import Question, Writing, begin, recorded
from .sql_dbapi_place import DRIVERS, hidden, source_of
from .sql_dbapi_rows import kind_of, values_of
from .sql_dbapi_stand_in import (
    QUIET,
    QUIET_CURSOR,
    TOLD,
    connected,
    connecting,
    executed,
    like,
    of_table,
)
from .sql_frames import METHODS, asked
from .sql_many import many
from .sql_parameters import SETS, STATEMENT, by_any_name
from .sql_tee import TeeCursor, driven, held
from .tape import opened


def patch(name: str, module: Any) -> None:
    """Patch a driver.

    Args:
        name: A key of `DRIVERS`.
        module: The module.
    """
    kept = opened()  # also where work of ours imports it first
    if kept is None:
        return
    connect, record = module.connect, functools.partial(_record, name)

    @functools.wraps(connect)
    def recording(*args: Any, **kwargs: Any) -> Any:
        if is_inside():  # SQLAlchemy's, which records it all itself
            return connect(*args, **kwargs)
        try:
            source, secrets = source_of(name, args, kwargs), hidden(name, args, kwargs)
        except Exception:  # of what no text can be made: the driver is to judge it
            kept.failures += 1
            return connect(*args, **kwargs)
        try:
            with inside():
                made = driven(connect)(*args, **kwargs)
        except Exception as error:
            problem = error
            record(source, lambda writing: writing.failed(problem, secrets))
            raise
        record(source, lambda writing: writing.values(_told(made)))
        return like(_Connection, *_class_of(made))(made, source)

    @functools.wraps(connect)
    def replaying(*args: Any, **kwargs: Any) -> Any:
        try:
            source = source_of(name, args, kwargs)
        except Exception:  # as above
            return connect(*args, **kwargs)
        return connected(name, source, sys.modules[name])

    module.connect = replaying if kept.mode == "replay" else recording
    if getattr(module, "Connect", None) is connect:  # another name of the same function
        module.Connect = module.connect


PATCHES: dict[str, Callable[[Any], None]] = {
    name: functools.partial(patch, name) for name in DRIVERS
}


def _record(name: str, source: str, how: Callable[[Writing], None]) -> None:
    writing = begin(lambda: connecting(name, source))
    if writing is not None:
        how(writing)


def _told(connection: Any) -> dict[str, Any]:
    """Return what a connection says of itself without asking the server."""
    told = {}
    for name in TOLD:
        with contextlib.suppress(Exception):
            told[name] = getattr(connection, name)
    told = {name: value for name, value in told.items() if not callable(value)}
    methods = [name for name in ("autocommit",) if callable(getattr(type(connection), name, None))]
    return {**told, "class": list(_class_of(connection)), "methods": methods}


def _class_of(made: Any) -> tuple[str, str]:
    return type(made).__module__, type(made).__name__


class _Before:
    """Stands before a driver's object, and says where the program gets data in another way."""

    _quiet: frozenset[str] = frozenset()

    def _unrecorded(self, value: Any, name: str, source: str) -> Any:
        if name[:1] == "_" or not callable(value) or isinstance(value, type):
            return value

        @functools.wraps(value)
        def run(*args: Any, **kwargs: Any) -> Any:
            if name in self._quiet:
                with observer().driver(), inside():  # some connect anew
                    return value(*args, **kwargs)
            self._hole(f"{name} of its driver is not recorded.", name, source)
            return value(*args, **kwargs)

        return run

    def _hole(self, problem: str, name: str, source: str) -> None:
        writing = begin(lambda: Question(source, name))
        if writing is not None:
            writing.abandon(problem)


class _Connection(_Before):
    """Stands before a driver's connection; whatever it does not do itself is the driver's."""

    _quiet = QUIET

    def __init__(self, connection: Any, source: str) -> None:
        """Stand before a connection.

        Args:
            connection: The driver's.
            source: The database, as in the recorded answers.
        """
        self.__dict__.update(_connection=connection, _source=source)

    @property  # type: ignore[misc]  # a question that classes answer, too
    def __class__(self) -> Any:
        """The driver's class, for who asks whether it is one of its kind."""
        return type(self._connection)

    def __getattr__(self, name: str) -> Any:
        """Return what the driver's connection has."""
        value = getattr(held(self, "_connection", name), name)
        if name == "execute":
            return self._execute
        return self._unrecorded(value, name, self._source)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set it on the driver's connection."""
        setattr(self._connection, name, value)

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        """Return a cursor that records."""
        cursor = self._connection.cursor(*args, **kwargs)
        return like(_Cursor, *_class_of(cursor))(cursor, self._source, self)

    def __enter__(self) -> Any:
        """Return the connection."""
        self._connection.__enter__()
        return self

    def __exit__(self, *about: object) -> Any:
        """End the driver's block."""
        return self._connection.__exit__(*about)

    def _execute(self, *args: Any, **kwargs: Any) -> Any:
        """Execute as the driver's connection does, which makes the cursor itself."""
        cursor: Any = None

        def execute() -> Any:
            nonlocal cursor
            with observer().driver():
                made = self._connection.execute(*args, **kwargs)
            cursor = like(_Cursor, *_class_of(made))(made, self._source, self)
            return made

        question = functools.partial(executed, self._source, args, kwargs)
        _, writing = recorded(question, execute)
        cursor.take_over(question, writing)
        return cursor


class _Cursor(_Before, TeeCursor):
    """Stands before a driver's cursor, and records what the program reads."""

    _quiet = QUIET_CURSOR

    def __init__(self, cursor: Any, source: str, connection: Any) -> None:
        """Stand before a cursor.

        Args:
            cursor: The driver's.
            source: The database, as in the recorded answers.
            connection: What the program knows as its connection.
        """
        super().__init__(cursor, source, streaming=True)
        state = {"connection": connection, "_plain": None}
        self.__dict__.update(state, _asked=lambda: Question(source, ""))

    @property  # type: ignore[misc]  # a question that classes answer, too
    def __class__(self) -> Any:
        """The driver's class, for who asks whether it is one of its kind."""
        return type(self._cursor)

    def __getattr__(self, name: str) -> Any:
        """Return what the driver's cursor has."""
        value = getattr(held(self, "_cursor", name), name)
        if name == "fetchval":
            return self._value
        if name in METHODS:
            return functools.partial(self._table, name, value)
        return self._unrecorded(value, name, self._source)

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        """Execute, and record the answer or the error."""
        question = functools.partial(executed, self._source, args, kwargs)
        self.__dict__.update(_asked=question)

        def execute() -> Any:
            with observer().driver():  # some connect only now
                return self._cursor.execute(*args, **kwargs)

        return self._run(question, execute)

    def executemany(self, *args: Any, **kwargs: Any) -> Any:
        """Execute, and record the answer or the error."""
        self._settle()
        sql = by_any_name(args, kwargs, *STATEMENT)
        name = next((name for name in SETS if name in kwargs), "")
        given = by_any_name(args[1:], kwargs, name)
        with many(lambda: str(self._source), sql, given) as asking:
            if len(args) > 1:
                args = (args[0], asking.parameters, *args[2:])
            elif name:
                kwargs[name] = asking.parameters
            result = self._cursor.executemany(*args, **kwargs)
        return self._answered(result, asking.writing)

    def take_over(self, question: Callable[[], Question], writing: Writing | None) -> None:
        """Record what the program reads of a statement that was executed otherwise.

        Args:
            question: Returns it.
            writing: Where its answer is recorded.
        """
        self.__dict__.update(_asked=question)
        self._answered(None, writing)

    def fetchone(self) -> Any:
        """Return the next row."""
        with _Reading(self):
            row = self._cursor.fetchone()
        if row is None or type(row) is not self._plain:
            self._pass([] if row is None else [row])
        elif self._writing is not None and not self._writing.ended:
            self._writing.one(tuple(row))
        return row

    def fetchmany(self, *args: Any, **kwargs: Any) -> Any:
        """Return the next rows."""
        with _Reading(self):
            rows = self._cursor.fetchmany(*args, **kwargs)
        self._pass(rows)
        return rows

    def fetchall(self) -> Any:
        """Return all rows that are left."""
        with _Reading(self):
            rows = self._cursor.fetchall()
        self._pass(rows, whole=True)
        return rows

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the rows that are left."""
        return self

    def __next__(self) -> Any:
        """Return the next row."""
        row = self.fetchone()
        if row is None:
            raise StopIteration
        return row

    def __enter__(self) -> Any:
        """Return the cursor."""
        self._cursor.__enter__()
        return self

    def __exit__(self, *about: object) -> Any:
        """End the answer where the program stopped to read, and the driver's block."""
        self._settle()
        return self._cursor.__exit__(*about)

    def _answered(self, result: Any, writing: Writing | None) -> Any:
        self.__dict__.update(_plain=None)
        if writing is not None:
            writing.head(self._cursor)
            if isinstance(result, Iterator) and result is not self._cursor:
                writing.take_back("It is several statements in one text.")
            elif not writing.ended and self._cursor.description is None:
                writing.end()
        return super()._answered(result, writing)

    def _table(self, name: str, fetch: Any, *args: Any, **kwargs: Any) -> Any:
        self._settle()
        question: Callable[[], Question] = self.__dict__["_asked"]
        return asked(
            lambda: of_table(name, question(), args, kwargs), lambda: fetch(*args, **kwargs)
        )

    def _value(self) -> Any:
        row = self.fetchone()
        return None if row is None else row[0]

    def _pass(self, rows: Any, *, whole: bool = False) -> None:
        writing: Writing | None = self._writing
        if writing is None or writing.ended:
            return
        try:
            writing.made(kind_of(rows, self._cursor.description))
            writing.passed(self._cursor, values_of(rows), ended=whole or not len(rows))
        except Exception as error:
            writing.abandon(str(error))
        else:  # rows that are read one by one are mostly alike; of dicts each is looked at
            alike = len(rows) == 1 and not isinstance(rows[0], dict)
            self.__dict__["_plain"] = type(rows[0]) if alike else None

    def _hole(self, problem: str, name: str, source: str) -> None:
        if self._writing is not None and not self._writing.ended:
            self._writing.take_back(problem)
        super()._hole(problem, name, source)


class _Reading:
    """Lets a cursor's driver read once, and takes the answer back where it cannot."""

    __slots__ = ("_cursor", "_layer")

    def __init__(self, cursor: _Cursor) -> None:
        self._cursor, self._layer = cursor, inside()

    def __enter__(self) -> None:
        self._layer.__enter__()

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._layer.__exit__()
        writing: Writing | None = self._cursor.__dict__["_writing"]
        if error is not None and writing is not None and not writing.ended:
            writing.take_back(f"Its rows could not be read: {error}")
