"""Revision 1: log, subtrees, heads and what the log was after its last append."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None

_ID = sa.String(71).with_variant(sa.String(71, collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "log",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("record", _ID, nullable=False, unique=True),
        *(
            sa.Column(name, sa.String, nullable=False)
            for name in ("kind", "subject", "author", "time")
        ),
        *(sa.Column(name, sa.String) for name in ("head", "previous", "target")),
        sa.Column("leaf", sa.LargeBinary(32), nullable=False),
    )
    op.create_index("log_by_kind", "log", ["kind", "seq"])
    op.create_index("log_by_subject", "log", ["subject", "seq"])
    op.create_index("log_by_kind_and_subject", "log", ["kind", "subject", "seq"])
    op.create_index("log_by_head", "log", ["head", "seq"])
    op.create_table(
        "node",
        sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("index", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "head",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("record", sa.String(71), nullable=False),
        sa.Column("seq", sa.Integer, sa.ForeignKey("log.seq"), nullable=False),
    )
    op.create_table(
        "meta",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("value", sa.String, nullable=False),
    )
