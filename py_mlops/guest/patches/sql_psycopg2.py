"""psycopg2 without SQLAlchemy: its cursors record what they fetched."""

from __future__ import annotations

import functools
from typing import Any, Callable

from .layers import inside
from .sql_answer import Question, Rowless, Writing, begin, recorded, text_of
from .sql_many import many
from .sql_postgres import psycopg2_parameters, record_failed, record_made, source_of
from .sql_psycopg2_stand_in import play, play_sql
from .sql_psycopg2_streams import copying, leave, pass_on, passing
from .sql_tee import TeeCursor, driven
from .tape import opened


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
        play(module)
        return

    # Its classes are compiled: a connection of a class of ours gives cursors of ours.
    @functools.wraps(connect)
    def watched(
        dsn: Any = None, connection_factory: Any = None, cursor_factory: Any = None, **kwargs: Any
    ) -> Any:
        plain = connection_factory or module.extensions.connection
        kind = _connection(plain, module) if isinstance(plain, type) else plain
        about = _about(module, dsn, kwargs)
        try:
            with inside():
                made = driven(connect)(dsn, kind, cursor_factory, **kwargs)
        except Exception as error:
            record_failed(about, error)
            raise
        if isinstance(made, module.extensions.connection):
            known = made.get_dsn_parameters(), made.get_parameter_status, made.server_version
            record_made(about, *known)
        return made

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


def patch_sql(module: Any) -> None:
    """Patch ``psycopg2.sql``, whose texts need a connection.

    Args:
        module: The module.
    """
    kept = opened()
    if kept is not None and kept.mode == "replay":
        play_sql(module)


PATCHES: dict[str, Callable[[Any], None]] = {
    "psycopg2": patch,
    "psycopg2.extras": patch_extras,
    "psycopg2.sql": patch_sql,
}


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


def _about(module: Any, dsn: Any, options: dict[str, Any]) -> dict[str, Any]:
    try:
        return psycopg2_parameters(module, dsn, options)
    except Exception:  # psycopg2 is to say so
        return {}


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

    def lobject(self: Any, *args: Any, **kwargs: Any) -> Any:
        writing = begin(lambda: Question(source_of(self.get_dsn_parameters()), "lobject"))
        if writing is not None:
            writing.abandon("Large objects are not recorded.")
        return plain.lobject(self, *args, **kwargs)

    methods = {"cursor": cursor, "lobject": lobject, "__module__": plain.__module__}
    return type(plain.__name__, (plain,), methods)


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

    def callproc(self: Any, procname: Any, vars: Any = None) -> Any:  # noqa: A002 - as above
        def asked() -> Question:
            return Question(_source(self), f"callproc: {procname}", vars or None)

        return _run(self, base, asked, lambda: plain.callproc(self, procname, vars))

    copies = ("copy_expert", "copy_to", "copy_from")
    methods = {name: copying(plain, name, _source) for name in copies}
    methods.update(execute=execute, executemany=executemany, callproc=callproc)
    bases = (passing(base),) if plain is base else (plain, passing(base))
    return type(plain.__name__, bases, {**methods, "__module__": plain.__module__})


def _source(cursor: Any) -> str:
    if isinstance(cursor, TeeCursor):
        return str(cursor.__dict__["_source"])
    return source_of(cursor.connection.get_dsn_parameters())


def _run(cursor: Any, base: Any, asked: Callable[[], Question], execute: Callable[[], Any]) -> Any:
    leave(cursor)
    result, writing = recorded(asked, execute)
    if writing is not None:
        if cursor.name is not None:
            pass_on(cursor, writing)
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
