"""Revision 2: claims on objects, checkpoints, and the store's own name.

They are additions: a program that knows revision 1 alone goes on reading and
writing beside one that knows this revision.
"""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = "1"


def upgrade() -> None:
    """Make the tables of claims and checkpoints, and name the store."""
    op.create_table(
        "claim",
        sa.Column("digest", sa.String(71), primary_key=True),
        sa.Column("until", sa.Float, nullable=False),
        sa.Column("buried", sa.Float),
    )
    op.create_index("claim_by_buried", "claim", ["buried"])
    op.create_table(
        "checkpoint",
        sa.Column("size", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("record", sa.String(71), nullable=False),
    )
    meta = sa.table("meta", sa.column("key"), sa.column("value"))
    op.bulk_insert(meta, [{"key": "store", "value": secrets.token_hex(16)}])
