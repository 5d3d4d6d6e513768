"""Lets writers who want to move one head take turns, instead of losing races to each other.

At a server it is the lock of a transaction, in which the writer then also
appends: its commit is what lets the next one go on.
"""

from __future__ import annotations

import fcntl
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, bindparam, func, select
from sqlalchemy.exc import SQLAlchemyError

from py_mlops.store.ledger.database import LOCK_TIMEOUT, Database
from py_mlops.store.ledger.looking import asking, point, pointed_at
from py_mlops.store.ledger.schema import Columns
from py_mlops.store.ledger.together import Question, together

_SHORTEST, _LONGEST = 0.001, 0.05
"""Seconds between two looks at a file's lock; a hundred who wait must not keep a machine busy."""
_QUEUE = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("name"), 0)))


class Turns:
    """The turns of one ledger's writers, each in a thread of its own."""

    def __init__(self, database: Database) -> None:
        """Take the ledger's database."""
        self._database = database
        self._of_thread = threading.local()

    @contextmanager
    def turn(self, name: str) -> Iterator[str | None]:
        """Wait until nobody else of those who wait here is at a head; yield what it points at.

        It is a courtesy: a head moves by compare-and-set, whether one waited or
        not. So whatever keeps us from waiting, or a wait of more than
        `LOCK_TIMEOUT`, only ends the waiting.

        Args:
            name: The head.

        Raises:
            Corrupt: When the head does not point where the log says.
        """
        queue = self._at_server if self._database.dialect == "postgresql" else self._at_file
        with queue(name) as columns:
            if columns is not None:
                yield pointed_at(columns, name)
            else:
                yield self._database.run(
                    "Reading", lambda connection: point(connection, name), single=True
                )

    def take(self) -> Connection | None:
        """Return, once, the connection in whose transaction this thread has waited for its turn."""
        connection: Connection | None = getattr(self._of_thread, "connection", None)
        self._of_thread.connection = None
        return connection

    @contextmanager
    def _at_server(self, name: str) -> Iterator[Columns | None]:
        connection = columns = None
        with suppress(SQLAlchemyError):
            connection = self._database.connect(brief=True)
            waiting = Question(_QUEUE, {"name": name})
            _, (columns,) = together(connection, [waiting, asking(name)], begins=True)
            self._of_thread.connection = connection
        try:
            yield columns
        finally:
            self.take()
            if connection is not None:
                with suppress(SQLAlchemyError):
                    connection.close()

    @contextmanager
    def _at_file(self, name: str) -> Iterator[None]:  # noqa: ARG002 - one queue for all
        file = None
        with suppress(OSError):
            path = Path(f"{self._database.file}-turn")
            file = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
            _wait(file)
        try:
            yield
        finally:
            if file is not None:
                os.close(file)


def _wait(file: int) -> None:
    deadline, pause = time.monotonic() + LOCK_TIMEOUT, _SHORTEST
    while time.monotonic() < deadline:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - a pause, no secret
            pause = min(pause * 1.5, _LONGEST)
        else:
            return
