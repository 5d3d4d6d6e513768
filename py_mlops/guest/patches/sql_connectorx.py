"""connectorx, and polars through it: its one function answers with a whole table."""

from __future__ import annotations

import functools
from typing import Any, Callable

from . import sql_frames
from .sql_answer import Question
from .sql_dbapi_place import of_url, source
from .tape import opened

_FILES = {"sqlite", "duckdb", "file"}
"""Schemes of addresses that name a file."""
_PORTS = {
    "postgresql": 5432,
    "postgres": 5432,
    "redshift": 5439,
    "mysql": 3306,
    "mssql": 1433,
    "oracle": 1521,
}


def patch(module: Any) -> None:
    """Patch ``connectorx``.

    Args:
        module: The module.
    """
    kept = opened()  # also where work of ours imports it first
    if kept is None:
        return
    read = module.read_sql

    @functools.wraps(read)
    def read_sql(conn: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        place = _source_of(conn)
        if not place:
            return read(conn, query, *args, **kwargs)
        text = query if isinstance(query, str) else ";\n".join(map(str, query))
        question = Question(place, f"read_sql: {text}", [list(args), kwargs])
        if kept.mode == "replay":
            return sql_frames.replayed(question)
        return sql_frames.asked(lambda: question, lambda: read(conn, query, *args, **kwargs))

    module.read_sql = read_sql


PATCHES: dict[str, Callable[[Any], None]] = {"connectorx": patch}


def _source_of(conn: Any) -> str:
    """Return where an address leads to, without user and password; empty for a file."""
    try:
        first = str(next(iter(conn.values())) if isinstance(conn, dict) else conn)
    except StopIteration:
        return ""
    scheme = first.partition("://")[0].partition("+")[0]
    if scheme in _FILES or "://" not in first:
        return ""
    about = of_url(first)
    port = about.get("port") or str(_PORTS.get(scheme, ""))
    return source(scheme, about.get("host", ""), port, about.get("database", ""))
