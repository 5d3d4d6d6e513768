"""connectorx, and polars through it: its one function answers with a whole table."""

from __future__ import annotations

import functools
import urllib.parse
from typing import Any, Callable

from . import sql_frames
from .sql_answer import Question
from .tape import opened

_FILES = {"sqlite", "duckdb", "file", ""}
"""Schemes of addresses that name a file, or nothing that is known."""
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
        source = _source_of(conn)
        if not source:
            return read(conn, query, *args, **kwargs)
        text = query if isinstance(query, str) else ";\n".join(map(str, query))
        question = Question(source, f"read_sql: {text}", [list(args), kwargs])
        if kept.mode == "replay":
            return sql_frames.replayed(question)
        return sql_frames.asked(lambda: question, lambda: read(conn, query, *args, **kwargs))

    module.read_sql = read_sql


PATCHES: dict[str, Callable[[Any], None]] = {"connectorx": patch}


def _source_of(conn: Any) -> str:
    """Return where an address leads to, without user and password; empty for a file."""
    try:
        first = next(iter(conn.values())) if isinstance(conn, dict) else conn
        url = urllib.parse.urlsplit(str(first))
        scheme = url.scheme.partition("+")[0]
        port = url.port or _PORTS.get(scheme) or ""
    except (StopIteration, ValueError):
        return ""
    return "" if scheme in _FILES else f"{scheme}://{url.hostname or ''}:{port}/{url.path[1:]}"
