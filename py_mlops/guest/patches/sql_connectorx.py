"""connectorx, and polars through it: its one function answers with a whole table."""

from __future__ import annotations

import contextlib
import functools
from typing import Any, Callable

from . import sql_frames
from .sql_answer import Question
from .sql_dbapi_place import PORTS, of_url, source
from .tape import opened

_FILES = {"sqlite", "duckdb", "file"}
"""Schemes of addresses that name a file."""


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
        question = None
        with contextlib.suppress(Exception):  # connectorx is to say so
            question = _question(conn, query, args, kwargs)
        if question is None:
            return read(conn, query, *args, **kwargs)
        if kept.mode == "replay":
            return sql_frames.replayed(question)
        return sql_frames.asked(lambda: question, lambda: read(conn, query, *args, **kwargs))

    module.read_sql = read_sql


PATCHES: dict[str, Callable[[Any], None]] = {"connectorx": patch}


def _question(
    conn: Any, query: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Question | None:
    place = _source_of(conn)
    text = query if isinstance(query, str) else ";\n".join(map(str, query))
    return Question(place, f"read_sql: {text}", [list(args), kwargs]) if place else None


def _source_of(conn: Any) -> str:
    """Return where an address leads to, without user and password; empty for a file."""
    first = str(next(iter(conn.values()), "") if isinstance(conn, dict) else conn)
    scheme = first.partition("://")[0].partition("+")[0]
    if scheme in _FILES or "://" not in first:
        return ""
    about = of_url(first)
    port = about.get("port") or str(PORTS.get(scheme, ""))
    return source(scheme, about.get("host", ""), port, about.get("database", ""))
