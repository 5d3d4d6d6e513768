"""Lets writers who want to move one head take turns, instead of losing races to each other."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from py_mlops.store.database import LOCK_TIMEOUT, Database

_PAUSE = 0.002
_QUEUE = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


@contextmanager
def turn(database: Database, name: str) -> Iterator[None]:
    """Wait until nobody else of those who wait here is at a head.

    It is a courtesy: a head moves by compare-and-set, whether one waited or
    not. So whatever keeps us from waiting, or a wait of more than
    `LOCK_TIMEOUT`, only ends the waiting.

    Args:
        database: The ledger's.
        name: The head.
    """
    queue = _at_server if database.dialect == "postgresql" else _at_file
    with queue(database, name):
        yield


@contextmanager
def _at_server(database: Database, name: str) -> Iterator[None]:
    connection = None
    with suppress(SQLAlchemyError):
        connection = database.connect()
        connection.execute(_QUEUE, {"name": name})
    try:
        yield
    finally:
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.close()


@contextmanager
def _at_file(database: Database, name: str) -> Iterator[None]:  # noqa: ARG001 - one queue for all
    file = None
    with suppress(OSError):
        path = Path(f"{database.file}-turn")
        file = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        _wait(file)
    try:
        yield
    finally:
        if file is not None:
            os.close(file)


def _wait(file: int) -> None:
    deadline = time.monotonic() + LOCK_TIMEOUT
    while time.monotonic() < deadline:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE)
        else:
            return
