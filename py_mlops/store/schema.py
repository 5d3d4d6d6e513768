"""The ledger's tables, what is hashed of a row, and how a database is opened."""

from __future__ import annotations

import sqlite3

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    RowMapping,
    String,
    Table,
    create_engine,
    event,
    inspect,
    select,
)

from py_mlops.errors import Corrupt, StoreFormat
from py_mlops.records import canonical
from py_mlops.store.base import Move, Row
from py_mlops.store.merkle import EMPTY, leaf_hash

FORMAT = "1"
"""Version of these tables; a change of them or of `leaf_data` is a new one."""

LOCK_TIMEOUT = 30
"""Seconds a writer waits for another."""

metadata = MetaData()

log = Table(
    "log",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("record", String(71), nullable=False, unique=True),
    Column("kind", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("author", String, nullable=False),
    Column("time", String, nullable=False),
    Column("head", String),
    Column("previous", String),
    Column("target", String),
    Column("leaf", LargeBinary(32), nullable=False),
    Index("log_by_kind", "kind", "seq"),
    Index("log_by_subject", "subject", "seq"),
    Index("log_by_kind_and_subject", "kind", "subject", "seq"),
    Index("log_by_head", "head", "seq"),
)

node = Table(
    "node",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("index", Integer, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
    sqlite_with_rowid=False,
)
"""Complete subtrees from level 1 on; level 0 is ``log.leaf``."""

head = Table(
    "head",
    metadata,
    Column("name", String, primary_key=True),
    Column("record", String(71), nullable=False),
    Column("seq", Integer, ForeignKey("log.seq"), nullable=False),
)
"""Where each head points, and the row of the log that moved it there."""

meta = Table(
    "meta",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", String, nullable=False),
)
"""``format``; ``size`` and ``root`` of the log after the last append."""


def leaf_data(row: Row) -> bytes:
    """Return the bytes a row's leaf hash is taken of: canonical JSON of its fields."""
    move = row.move
    return canonical(
        {
            "author": row.author,
            "kind": row.kind,
            "move": move and {"head": move.head, "previous": move.previous, "target": move.target},
            "record": row.record,
            "seq": row.seq,
            "subject": row.subject,
            "time": row.time,
        }
    )


def to_columns(row: Row) -> dict[str, object]:
    """Return a row as the table ``log`` holds it, with its leaf hash."""
    return {
        "seq": row.seq,
        "record": row.record,
        "kind": row.kind,
        "subject": row.subject,
        "author": row.author,
        "time": row.time,
        "head": row.move and row.move.head,
        "previous": row.move and row.move.previous,
        "target": row.move and row.move.target,
        "leaf": leaf_hash(leaf_data(row)),
    }


def as_it_stands(columns: RowMapping) -> Row:
    """Return a row as the table holds it, whatever may have been done to it since."""
    moved = columns["head"] is not None
    return Row(
        record=columns["record"],
        kind=columns["kind"],
        subject=columns["subject"],
        author=columns["author"],
        time=columns["time"],
        seq=columns["seq"],
        move=Move(columns["head"], columns["previous"], columns["target"]) if moved else None,
    )


def from_columns(columns: RowMapping) -> Row:
    """Return a row as it was appended.

    Raises:
        Corrupt: When its fields do not match its leaf hash.
    """
    row = as_it_stands(columns)
    try:
        if leaf_hash(leaf_data(row)) == columns["leaf"]:
            return row
    except (TypeError, ValueError):
        pass  # a value of a type that no row has
    raise Corrupt(
        f"Row {row.seq} of the ledger ({row.record}) was altered: "
        "its fields do not match its leaf hash.",
        hint="Run `mlops verify` to see everything that was altered, "
        "and restore the ledger from a backup.",
    )


def connect(url: str | URL) -> Engine:
    """Return an engine on which every commit is durable.

    Args:
        url: SQLAlchemy's URL of an SQLite file.
    """
    engine = create_engine(url, connect_args={"timeout": LOCK_TIMEOUT})

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _: object) -> None:
        # The driver must not open transactions by itself; `begin` below does.
        connection.isolation_level = None
        # Text that somebody damaged is read too, so that its row is called altered and the
        # rows behind it are read.
        connection.text_factory = lambda data: data.decode("utf-8", "backslashreplace")
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer takes the lock at once: a reader that turns into a writer would
        # fail without waiting when another has written since.
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def is_ledger(connection: Connection) -> bool:
    """Say whether a database is a ledger of this format; an empty one is not yet.

    Raises:
        StoreFormat: When it is another program's or a newer version's.
    """
    tables = inspect(connection).get_table_names()
    if not tables:
        return False
    query = select(meta.c.value).where(meta.c.key == "format")
    found = connection.scalar(query) if "meta" in tables else None
    if found != FORMAT:
        raise StoreFormat(
            f"The ledger has format {found or 'unknown'}; this version reads format {FORMAT}.",
            hint="Update py-mlops, or set MLOPS_STORE to another folder.",
        )
    return True


def make_tables(connection: Connection) -> None:
    """Make the tables in an empty database, unless someone just did.

    Args:
        connection: In a writing transaction.
    """
    if is_ledger(connection):
        return
    metadata.create_all(connection)
    values = {"format": FORMAT, "size": "0", "root": EMPTY.hex()}
    connection.execute(
        meta.insert(), [{"key": key, "value": value} for key, value in values.items()]
    )
