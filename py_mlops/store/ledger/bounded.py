"""Connections to PostgreSQL that are given up when the server says nothing for too long."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Any, TypeVar

T = TypeVar("T")


def connecting(seconds: float) -> Callable[..., Any]:
    """Return psycopg's ``connect``, of connections that wait so long for a word.

    The system notices a lost machine, but not a server that is stopped or
    stuck: its connections stay open, and no word ever comes.

    Args:
        seconds: After so long without one the connection is closed and an
            ``OperationalError`` raised.

    Raises:
        ImportError: When the driver is not installed.
    """
    import psycopg  # noqa: PLC0415 - an extra

    class Silent(psycopg.OperationalError):
        sqlstate = "08006"

        def __init__(self, waited: float) -> None:
            super().__init__(f"the database has not answered for {waited:g} s")

    class Bounded(psycopg.Connection[Any]):
        def wait(self, gen: Any, *arguments: Any, **more: Any) -> Any:
            def give_up() -> None:
                self.close()
                raise Silent(seconds)

            return super().wait(_heard(gen, seconds, give_up), *arguments, **more)

    def connect(*words: Any, **more: Any) -> psycopg.Connection[Any]:
        try:
            return Bounded.connect(*words, **more)
        except psycopg.errors.ConnectionTimeout as error:
            raise Silent(more["connect_timeout"]) from error

    return connect


def _heard(
    exchange: Generator[Any, Any, T], seconds: float, give_up: Callable[[], None]
) -> Generator[Any, Any, T]:
    """Pass an exchange with the server on, and look at the clock whenever nothing has come."""
    last = time.monotonic()
    try:
        wanted = next(exchange)
        while True:
            ready = yield wanted
            if ready:
                last = time.monotonic()
            elif time.monotonic() - last > seconds:
                give_up()
            wanted = exchange.send(ready)
    except StopIteration as end:
        value: T = end.value
        return value
