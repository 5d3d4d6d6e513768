"""psycopg2 without SQLAlchemy: its cursors record what they fetched, or answer from the tape."""

from __future__ import annotations

import collections
import functools
from typing import Any, Callable, Sequence

from .sql_answer import Question, Rowless, Writing, begin, recorded, text_of
from .sql_many import many
from .sql_psycopg import source_of
from .sql_stand_in import StandInConnection, StandInCursor
from .sql_tee import TeeCursor, driven
from .tape import Unrecorded, opened


def patch(module: Any) -> None:
    """Patch ``psycopg2``.

    Args:
        module: The module.
    """
    kept = opened()  # also where work of ours imports it first
    if kept is None:
        return
    connect = module.connect
    if kept.mode == "replay":
        module.connect = functools.partial(_play, module)
        return

    # Its classes are compiled: a connection of a class of ours gives cursors of ours.
    @functools.wraps(connect)
    def watched(
        dsn: Any = None, connection_factory: Any = None, cursor_factory: Any = None, **kwargs: Any
    ) -> Any:
        plain = connection_factory or module.extensions.connection
        kind = _connection(plain, module) if isinstance(plain, type) else plain
        return driven(connect)(dsn, kind, cursor_factory, **kwargs)

    module.connect = watched


def patch_extras(module: Any) -> None:
    """Patch ``psycopg2.extras``, which executes with many sets in ways of its own.

    Args:
        module: The module.
    """
    kept = opened()
    if kept is not None:
        wrap = _paged_from_tape if kept.mode == "replay" else _paged
        module.execute_values = wrap(module.execute_values)
        module.execute_batch = wrap(module.execute_batch)


PATCHES: dict[str, Callable[[Any], None]] = {"psycopg2": patch, "psycopg2.extras": patch_extras}


def _paged(function: Any) -> Any:
    @functools.wraps(function)
    def run(cur: Any, sql: Any, argslist: Any, *args: Any, **kwargs: Any) -> Any:
        with many(lambda: _source(cur), sql, argslist) as asking:
            result = function(cur, sql, asking.parameters, *args, **kwargs)
        writing = asking.writing
        if writing is not None and result is not None:
            writing.head(cur)
            writing.rows([tuple(getattr(row, "values", row.__iter__)()) for row in result])
            writing.end()
        elif writing is not None and isinstance(cur, TeeCursor):
            writing.head(Rowless(cur))
            writing.end()
        elif writing is not None:
            _read(cur, __import__("psycopg2").extensions.cursor, writing)
        return result

    return run


def _paged_from_tape(function: Any) -> Any:
    @functools.wraps(function)
    def run(cur: Any, sql: Any, argslist: Any, *args: Any, **kwargs: Any) -> Any:
        cur.executemany(sql, argslist)
        fetch = kwargs.get("fetch", args[2:] and args[2])  # behind template and page_size
        return cur.fetchall() if fetch else None

    return run


@functools.lru_cache(maxsize=None)
def _connection(plain: Any, module: Any) -> Any:
    def cursor(self: Any, *args: Any, **kwargs: Any) -> Any:
        names = ("name", "cursor_factory", "scrollable", "withhold")
        kwargs.update(zip(names, args))
        given = kwargs.pop("cursor_factory", None)
        factory = given or self.cursor_factory or module.extensions.cursor
        if isinstance(factory, type) and issubclass(factory, module.extensions.cursor):
            factory = _cursor(factory, module)
        return plain.cursor(self, cursor_factory=factory, **kwargs)

    return type(plain.__name__, (plain,), {"cursor": cursor, "__module__": plain.__module__})


@functools.lru_cache(maxsize=None)
def _cursor(plain: Any, module: Any) -> Any:
    base = module.extensions.cursor

    def execute(self: Any, query: Any, vars: Any = None) -> Any:  # noqa: A002 - psycopg2's own name
        def asked() -> Question:
            return Question(_source(self), text_of(query), vars or None)

        return _run(self, base, asked, lambda: plain.execute(self, query, vars))

    def executemany(self: Any, query: Any, vars_list: Any) -> Any:
        with many(lambda: _source(self), query, vars_list) as asking:
            result = plain.executemany(self, query, asking.parameters)
        if asking.writing is not None:
            asking.writing.head(Rowless(self))
            asking.writing.end()
        return result

    def hole(name: str) -> Any:
        def run(self: Any, *args: Any, **kwargs: Any) -> Any:
            sql = text_of(args[-2 if name == "copy_expert" and len(args) > 1 else 0])
            writing = begin(lambda: Question(_source(self), f"{name}: {sql}"))
            if writing is not None:
                writing.abandon(f"What cursor.{name} does is not recorded.")
            return getattr(plain, name)(self, *args, **kwargs)

        return run

    methods = {name: hole(name) for name in ("copy_expert", "copy_to", "copy_from", "callproc")}
    methods.update(execute=execute, executemany=executemany, __module__=plain.__module__)
    return type(plain.__name__, (plain,), methods)


def _source(cursor: Any) -> str:
    if isinstance(cursor, TeeCursor):
        return str(cursor.__dict__["_source"])
    return source_of(cursor.connection.get_dsn_parameters())


def _run(cursor: Any, base: Any, asked: Callable[[], Question], execute: Callable[[], Any]) -> Any:
    result, writing = recorded(asked, execute)
    if writing is not None:
        if cursor.name is not None:
            writing.abandon("A server-side cursor outside of SQLAlchemy is not recorded.")
        else:
            _read(cursor, base, writing)
    return result


def _read(cursor: Any, base: Any, writing: Writing) -> None:
    """Read a result, which the driver has in memory, as plain tuples; then go back to its start."""
    writing.head(cursor)
    if cursor.description is None:
        writing.end()
        return
    factory = cursor.row_factory
    try:
        cursor.row_factory = None
        while not writing.ended:
            batch = base.fetchmany(cursor, writing.batch)
            writing.rows(batch)
            if not batch:
                writing.end()
        if cursor.rownumber:
            base.scroll(cursor, 0, "absolute")
    except Exception as error:
        writing.abandon(f"Its rows could not be read: {error}")
    finally:
        cursor.row_factory = factory


class _Cursor(StandInCursor):
    def mogrify(self, query: Any, *_: Any) -> Any:
        raise Unrecorded(f"mogrify needs a server, and a rerun has none: {text_of(query)}")

    @property
    def index(self) -> dict[str, int]:
        return {column.name: place for place, column in enumerate(self.description or ())}


class _Connection(StandInConnection):
    cursor_kind = _Cursor
    cursor_factory: Any = None

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


def _play(module: Any, dsn: Any = None, *_: Any, **options: Any) -> Any:
    about = {**module.extensions.parse_dsn(dsn or ""), **options}
    factory = about.get("connection_factory")
    connection = _Connection(source_of(about), module)
    connection.cursor_factory = about.get("cursor_factory")
    if connection.cursor_factory is None and factory is not None:
        extras = __import__("psycopg2.extras").extras
        for name in ("RealDict", "Dict", "NamedTuple"):
            if factory is getattr(extras, f"{name}Connection"):
                connection.cursor_factory = getattr(extras, f"{name}Cursor")
    return connection
