"""A private copy of a ledger that may be read and not written, in which its lineage is indexed."""

from __future__ import annotations

import sqlite3
import tempfile
import threading
from pathlib import Path

from sqlalchemy import URL, func, select
from sqlalchemy.exc import DBAPIError

from py_mlops.errors import StoreUnavailable
from py_mlops.store.failures import database_failures, is_forbidden
from py_mlops.store.ledger.database import Database
from py_mlops.store.ledger.schema import log


class Beside:
    """The database that lineage is asked of: the ledger's own, or a copy of it.

    A copy is made of a file that may not be written and whose index lags; it is
    gone when it is closed. A server's is not copied: who may not write there is
    told that the newest records are not in the index.

    Attributes:
        database: The one to ask.
    """

    def __init__(self, database: Database) -> None:
        """Ask the ledger's own at first."""
        self.database = self._own = database
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._turn = threading.Lock()

    def instead(self, error: StoreUnavailable) -> bool:
        """Go over to a copy, after the own one could not be written.

        Args:
            error: Why.

        Returns:
            Whether there is a copy now that can.
        """
        if self._own.dialect != "sqlite" or not is_forbidden(error):
            return False
        with self._turn:
            if self.database is self._own:
                self._copy()
        return True

    def renew(self) -> None:
        """Copy again when the own one has grown since."""
        with self._turn:
            if self.database is not self._own and _size(self._own) != _size(self.database):
                self._copy()

    def close(self) -> None:
        """Remove the copy."""
        if self.database is not self._own:
            self.database.close()
        if self._folder is not None:
            self._folder.cleanup()
        self.database, self._folder = self._own, None

    def _copy(self) -> None:
        self.close()
        self._folder = tempfile.TemporaryDirectory(
            prefix="mlops-lineage-", ignore_cleanup_errors=True
        )
        place = Path(self._folder.name) / "ledger.sqlite"
        copy = Database(URL.create("sqlite", database=str(place)))
        with (
            database_failures("Copying the ledger"),
            self._own.transaction("Reading") as source,
            copy.connect() as target,
        ):
            ours, its = source.connection.driver_connection, target.connection.driver_connection
            assert isinstance(ours, sqlite3.Connection)  # noqa: S101 - only a file is copied
            assert isinstance(its, sqlite3.Connection)  # noqa: S101 - the same
            try:
                ours.backup(its)
            except sqlite3.Error as error:
                raise DBAPIError(None, None, error) from error
        self.database = copy


def _size(database: Database) -> int | None:
    query = select(func.max(log.c.seq))
    size: int | None = database.run("Reading", lambda at: at.scalar(query), single=True)
    return size
