"""PyMySQL without SQLAlchemy: what it reads is not recorded, and the tape says so."""

from __future__ import annotations

import functools
from typing import Any, Callable

from .sql_answer import Question, text_of
from .sql_tee import begin
from .tape import Unrecorded, tape


def patch(module: Any) -> None:
    """Patch ``pymysql.connections``.

    Args:
        module: The module.
    """
    query = module.Connection.query

    @functools.wraps(query)
    def watched(connection: Any, sql: Any, *args: Any, **kwargs: Any) -> Any:
        kept = tape()
        if kept is not None and kept.mode == "replay":
            kept.miss(_source(connection), text_of(sql))
            if not kept.passes_through:
                raise Unrecorded(
                    f"PyMySQL is recorded through SQLAlchemy only: {text_of(sql)}\n"
                    "Ask through SQLAlchemy, or let the rerun ask the server: "
                    "mlops reproduce --network."
                )
        writing = begin(lambda: Question(_source(connection), text_of(sql)))
        if writing is not None:
            writing.abandon("PyMySQL is recorded through SQLAlchemy only.")
        return query(connection, sql, *args, **kwargs)

    module.Connection.query = watched


PATCHES: dict[str, Callable[[Any], None]] = {"pymysql.connections": patch}


def _source(connection: Any) -> str:
    database = connection.db or b""
    name = database.decode() if isinstance(database, bytes) else database
    return f"mysql://{connection.host}:{connection.port}/{name}"
