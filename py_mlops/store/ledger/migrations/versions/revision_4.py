"""Revision 4: signatures over the log.

An addition: a program that knows an earlier revision goes on reading and writing
beside one that knows this one; what it appends is unsigned.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "4"
down_revision = "3"


def upgrade() -> None:
    """Make the table of signatures."""
    op.create_table(
        "signature",
        sa.Column("size", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("appended", sa.Integer, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("note", sa.String, nullable=False),
        sa.Column("ssh", sa.String, nullable=False),
    )
