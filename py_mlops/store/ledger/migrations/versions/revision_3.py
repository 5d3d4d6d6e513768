"""Revision 3: the index of lineage, empty, and one of the log by where heads were moved to.

They are additions: a program that knows revision 2 alone goes on reading and
writing beside one that knows this revision. What it appends is indexed when
lineage is next asked for; so is all that is there already.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision = "2"


def upgrade() -> None:
    """Make the tables of lineage, and note that they tell of no row yet."""
    op.create_table(
        "lineage_node",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("key", sa.LargeBinary(32), nullable=False),
        sa.Column("seq", sa.Integer),
    )
    op.create_index("lineage_node_by_key", "lineage_node", ["key", "kind"], unique=True)
    op.create_table(
        "lineage_edge",
        sa.Column("source", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("target", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("role", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("lineage_edge_by_target", "lineage_edge", ["target", "source"])
    op.create_table(
        "lineage_gap",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("text", sa.String, nullable=False),
    )
    op.create_index("log_by_target", "log", ["target", "seq"])
    meta = sa.table("meta", sa.column("key"), sa.column("value"))
    op.bulk_insert(meta, [{"key": "lineage", "value": "0"}])
