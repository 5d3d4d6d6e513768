"""An SQL database: SQLite or PostgreSQL, durable at every commit, its passing failures repeated."""

from __future__ import annotations

import logging
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DisconnectionError, NoSuchModuleError

from py_mlops.errors import InputError, StoreUnavailable
from py_mlops.store.failures import database_failures, is_passing
from py_mlops.store.ledger import sqlite_file
from py_mlops.store.ledger.bounded import connecting
from py_mlops.store.patience import Patience, Silence

T = TypeVar("T")

LOCK_TIMEOUT = 30
"""Seconds a writer waits for another."""

_POOL = "py-mlops"
"""What the pool of connections is called in logs."""

CONNECT_TIMEOUT = 10
"""Seconds until a server must have answered."""

STATEMENT_TIMEOUT = 120
"""Seconds one statement may take."""

_LONGEST_PAUSE = 1.0
_STAMP = "stamp"

_SESSION = {
    "lock_timeout": f"{LOCK_TIMEOUT}s",
    "statement_timeout": f"{STATEMENT_TIMEOUT}s",
    "idle_in_transaction_session_timeout": f"{STATEMENT_TIMEOUT}s",
    "client_encoding": "UTF8",
}

_KEPT_ALIVE = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "application_name": "py-mlops",
    # A pooler between us and the server gives each transaction another session.
    "prepare_threshold": None,
}


class Database:
    """Transactions on a database.

    Attributes:
        dialect: ``sqlite`` or ``postgresql``.
        patience: Seconds for which a passing failure is met by trying again.
        silent: Seconds without a word after which the server is taken for gone.
        file: SQLite's file; empty for a server.
    """

    def __init__(self, url: str | URL, patience: Patience | None = None) -> None:
        """Prepare to use a database; nothing is opened yet.

        Args:
            url: SQLAlchemy's URL, ``sqlite:////folder/ledger.sqlite`` or
                ``postgresql://host/database``.
            patience: How long a server is waited for.

        Raises:
            InputError: When the address is none of these, or its driver is not installed.
        """
        parsed = make_url(url)
        self.dialect = parsed.get_backend_name()
        self.file = (parsed.database or "") if self.dialect == "sqlite" else ""
        patience = patience or Patience()
        self.patience = 0.0 if self.dialect == "sqlite" else patience.failing
        self.silent = patience.silent
        self._silence = Silence(patience.silent)
        self._engine = _ENGINES.get(self.dialect, _unknown)(parsed, patience.silent)
        self._engines = {
            mode: self._engine.execution_options(**options)
            for (dialect, mode), options in _OPTIONS.items()
            if dialect == self.dialect
        }

    @contextmanager
    def transaction(
        self,
        doing: str,
        *,
        writing: bool = False,
        single: bool = False,
        brief: bool = False,
        begun: Connection | None = None,
    ) -> Iterator[Connection]:
        """Run a block in a transaction; a failure is said in our words.

        A reading transaction sees the database as it was at its first
        statement, whatever others write meanwhile.

        Args:
            doing: What fails when it does, ``"Reading"``.
            writing: Whether the block writes.
            single: Whether it is one reading statement, which sees one state without
                beginning and ending anything: a server is asked once instead of three times.
            brief: Whether it writes by `together` alone, which sends a server its beginning
                and its end along.
            begun: A connection whose transaction has begun so already; it ends with the block.
        """
        mode: _Mode = "single" if single else "brief" if brief else "write" if writing else "read"
        with (
            self._silence.noticed(),
            database_failures(f"{doing} the ledger"),
            self._engines[mode].begin() if begun is None else begun as connection,
        ):
            yield connection

    def run(
        self,
        doing: str,
        work: Callable[[Connection], T],
        *,
        writing: bool = False,
        single: bool = False,
        brief: bool = False,
        begun: Connection | None = None,
    ) -> T:
        """Do some work in a transaction, again when the server failed in passing.

        The work may be done twice: its first answer may be lost after the
        commit. So it must be such that doing it again changes nothing.

        Args:
            doing: What fails when it does, ``"Writing"``.
            work: Gets the connection.
            writing: Whether it writes.
            single: Whether it is one reading statement, see `transaction`.
            brief: Whether it writes by `together` alone, see `transaction`.
            begun: In which it is tried first, see `transaction`.

        Raises:
            StoreUnavailable: When it went on failing for `patience` seconds.
        """
        start, tries = time.monotonic(), 0
        while True:
            try:
                with self.transaction(
                    doing, writing=writing, single=single, brief=brief, begun=begun
                ) as connection:
                    return work(connection)
            except StoreUnavailable as error:
                begun = None
                tries += 1
                left = self.patience - (time.monotonic() - start)
                if not is_passing(error) or left <= 0:
                    raise
            time.sleep(min(left, _LONGEST_PAUSE, 0.02 * 2**tries) * random.uniform(0.5, 1))  # noqa: S311 - a pause, no secret

    def connect(self, *, brief: bool = False) -> Connection:
        """Return a connection of one's own, in no transaction yet.

        Args:
            brief: Whether `together` shall begin it.
        """
        return (self._engines["brief"] if brief else self._engine).connect()

    def driver(self) -> tuple[Any, dict[str, Any]]:
        """Return the driver's module, and with which words it connects to this database."""
        _, words = self._engine.dialect.create_connect_args(self._engine.url)
        return self._engine.dialect.loaded_dbapi, {**words, **_reached(self.silent)}

    def close(self) -> None:
        """Release its connections."""
        self._engine.dispose()


def _reached(silent: float) -> dict[str, Any]:
    """Return with which words of psycopg's a server is reached, and a lost one noticed."""
    return {**_KEPT_ALIVE, "connect_timeout": max(1, round(min(CONNECT_TIMEOUT, silent)))}


def _sqlite(url: URL, _: float) -> Engine:
    engine = create_engine(url, connect_args={"timeout": LOCK_TIMEOUT})

    @event.listens_for(engine, "do_connect")
    def open_file(_: Any, record: Any, words: Any, options: Any) -> sqlite3.Connection:
        connection, record.info[_STAMP] = sqlite_file.connect(*words, **options)
        return connection

    @event.listens_for(engine, "checkout")
    def look_again(_: object, record: Any, __: object) -> None:
        seen = record.info.get(_STAMP)
        if seen is not None and seen != sqlite_file.stamp_of(url.database or ""):
            raise DisconnectionError  # it did change: the pool opens it anew

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer takes the lock at once: a reader that turns into a writer would
        # fail without waiting when another has written since.
        begin = connection.get_execution_options().get("begin", "BEGIN")
        if begin:
            connection.exec_driver_sql(begin)

    return engine


def _postgresql(url: URL, silent: float) -> Engine:
    # What they meet on their way out of a lost connection is nothing for a person's terminal.
    for name in ("psycopg", f"sqlalchemy.pool.impl.QueuePool.{_POOL}"):
        logging.getLogger(name).addHandler(logging.NullHandler())
    try:
        connect = connecting(silent)
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            connect_args=_reached(silent),
            # A kernel lives for days: it keeps two, one to wait at a head and one to read.
            pool_size=2,
            max_overflow=8,
            pool_timeout=LOCK_TIMEOUT,
            pool_logging_name=_POOL,
            # Never a value of a row in a message.
            hide_parameters=True,
        )
    except (ImportError, NoSuchModuleError) as error:
        raise InputError(
            "A store in PostgreSQL needs the driver psycopg, which is not installed.",
            hint="Install it with: pip install 'py-mlops[team]'.",
        ) from error

    @event.listens_for(engine, "do_connect")
    def connect_in_bounds(_: Any, __: Any, words: Any, options: Any) -> Any:
        return connect(*words, **options)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        with connection.cursor() as cursor:
            for name, value in _SESSION.items():
                cursor.execute(f"SET {name} = '{value}'")
            # Whatever the server is set to, an acknowledged commit is on its disk.
            cursor.execute("SHOW synchronous_commit")
            if cursor.fetchone()[0] == "off":
                cursor.execute("SET synchronous_commit = 'on'")
        connection.commit()

    return engine


def _unknown(url: URL, _: float) -> Engine:
    raise InputError(
        f"A ledger cannot be kept in {url.get_backend_name()}.",
        hint="Use a folder, or postgresql://HOST/DATABASE with a bucket or folder for the bytes.",
    )


_ENGINES: dict[str, Callable[[URL, float], Engine]] = {"sqlite": _sqlite, "postgresql": _postgresql}

_Mode = Literal["read", "single", "write", "brief"]

_OPTIONS: dict[tuple[str, _Mode], dict[str, Any]] = {
    ("sqlite", "read"): {"begin": "BEGIN"},
    ("sqlite", "single"): {"begin": ""},
    ("sqlite", "write"): {"begin": "BEGIN IMMEDIATE"},
    ("sqlite", "brief"): {"begin": "BEGIN IMMEDIATE"},
    ("postgresql", "read"): {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
    ("postgresql", "single"): {"isolation_level": "AUTOCOMMIT"},
    ("postgresql", "write"): {"isolation_level": "READ COMMITTED"},
    # The driver begins nothing; it still rolls back what was begun and not committed.
    ("postgresql", "brief"): {"isolation_level": "AUTOCOMMIT"},
}
