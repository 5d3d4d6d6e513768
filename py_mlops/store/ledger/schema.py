"""The ledger's tables, and what is hashed of a row."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec
from sqlalchemy import (
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

from py_mlops.errors import Corrupt
from py_mlops.store.base import Move, Row
from py_mlops.store.ledger.merkle import leaf_hash

DAMAGED = (
    "Run `mlops verify` to see everything that was altered, and make the ledger anew "
    "from the objects with `mlops verify --rebuild`."
)


class Columns(Protocol):
    """A row as a database gives it: its values by the names of their columns."""

    def __getitem__(self, name: str, /) -> Any:
        """Return one."""


metadata = MetaData()

_ID = String(71).with_variant(String(71, collation="C"), "postgresql")
"""An id; compared byte by byte, in whatever language a database is."""

log = Table(
    "log",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("record", _ID, nullable=False, unique=True),
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
    Index("log_by_target", "target", "seq"),
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
"""``format``; ``size`` and ``root`` of the log after the last append; ``store``, its own name;
``lineage``: how many rows the tables of lineage tell of, and the record of the last of them.
"""

claim = Table(
    "claim",
    metadata,
    Column("digest", String(71), primary_key=True),
    Column("until", Float, nullable=False),
    Column("buried", Float),
    Index("claim_by_buried", "buried"),
)
"""Until when a writer needs an object, or since when the garbage collector counts it as dead.

Times are seconds since 1970 by the database's clock.
"""

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("size", Integer, primary_key=True, autoincrement=False),
    Column("record", String(71), nullable=False),
)
"""The checkpoints among the objects: the full ones, and the newest."""

signature = Table(
    "signature",
    metadata,
    Column("size", Integer, primary_key=True, autoincrement=False),
    Column("appended", Integer, nullable=False),
    Column("name", String, nullable=False),
    Column("note", String, nullable=False),
    Column("ssh", String, nullable=False),
)
"""Who signed the log when it had so many rows; see `records.LogSignature`."""
lineage_node = Table(
    "lineage_node",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("kind", String, nullable=False),
    Column("key", LargeBinary(32), nullable=False),
    Column("seq", Integer),
    Index("lineage_node_by_key", "key", "kind", unique=True),
)
"""What lineage leads through, see `edges`: of a record its row, of a file its sha256."""

lineage_edge = Table(
    "lineage_edge",
    metadata,
    Column("source", Integer, primary_key=True, autoincrement=False),
    Column("target", Integer, primary_key=True, autoincrement=False),
    Column("role", String, primary_key=True),
    Column("name", String, nullable=False),
    Index("lineage_edge_by_target", "target", "source"),
    sqlite_with_rowid=False,
)
"""What went into what. All of it follows from the records: it finds them, and proves nothing."""

lineage_gap = Table(
    "lineage_gap",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("text", String, nullable=False),
)
"""Rows whose record, or a manifest it names, could not be read."""

alembic_version = Table(
    "alembic_version", metadata, Column("version_num", String(32), primary_key=True)
)
"""The revision of these tables; the name is Alembic's."""


def leaf_data(row: Row) -> bytes:
    """Return the bytes a row's leaf hash is taken of: canonical JSON of its fields."""
    move = row.move
    # Of text and whole numbers msgspec writes what RFC 8785 says, fifteen times as fast as Python.
    return msgspec.json.encode(
        {
            "author": row.author,
            "kind": row.kind,
            "move": move and {"head": move.head, "previous": move.previous, "target": move.target},
            "record": row.record,
            "seq": row.seq,
            "subject": row.subject,
            "time": row.time,
        },
        order="sorted",
    )


def to_columns(row: Row) -> dict[str, object]:
    """Return a row as the table ``log`` holds it, with its leaf hash.

    Raises:
        TypeError, ValueError: When a field is not text that every database can hold.
    """
    if any("\0" in text for text in (row.kind, row.subject, row.author, row.time)):
        raise ValueError("a NUL character")
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


def as_it_stands(columns: Columns) -> Row:
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


def from_columns(columns: Columns) -> Row:
    """Return a row as it was appended.

    Raises:
        Corrupt: When its fields do not match its leaf hash.
    """
    row = as_it_stands(columns)
    # The leaf tells of no move where there is no head; so the other two columns must be empty.
    stray = row.move is None and (columns["previous"], columns["target"]) != (None, None)
    try:
        if leaf_hash(leaf_data(row)) == columns["leaf"] and not stray:
            return row
    except (TypeError, ValueError):
        pass  # a value of a type that no row has
    raise Corrupt(
        f"Row {row.seq} of the ledger ({row.record}) was altered: "
        "its fields do not match its leaf hash.",
        hint=DAMAGED,
    )
