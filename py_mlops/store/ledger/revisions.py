"""Opens a ledger's database: makes its tables, or brings those of an older revision up to date."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, inspect, select, text

from py_mlops.errors import StoreFormat
from py_mlops.store.ledger.database import Database
from py_mlops.store.ledger.merkle import EMPTY
from py_mlops.store.ledger.schema import alembic_version, meta, metadata

FORMAT = "1"
"""What a program must understand to read and write: leaf data, and the tables of revision 1.

A revision that only adds to them leaves it as it is, so that older programs go
on working beside newer ones.
"""

REVISIONS = ("1", "2", "3", "4")
"""The revisions of the tables that this version knows, oldest first."""

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x6D6C6F7073
"""PostgreSQL's advisory lock of whoever makes or migrates tables: ``mlops`` in ASCII."""


def prepare(database: Database, making: Callable[[], None] = lambda: None) -> None:
    """Make the tables in an empty database, or add what newer revisions have.

    All of it is one transaction: it is done, or the database is as it was.

    Args:
        database: The database.
        making: Called before tables are made in an empty one, where nobody
            else can make them meanwhile; what it raises keeps them from being made.

    Raises:
        StoreFormat: When the database is another program's or a newer version's.
        StoreUnavailable: When it cannot be opened or written.
    """
    found = database.run("Opening", revision)
    if found is None:
        database.run("Making", partial(_make, making), writing=True)
    elif found in REVISIONS[:-1]:
        database.run("Migrating", _migrate, writing=True)


def revision(connection: Connection) -> str | None:
    """Return the revision of a ledger's tables; ``None`` for an empty database.

    Raises:
        StoreFormat: When it is another program's or a newer version's.
    """
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    query = select(meta.c.value).where(meta.c.key == "format")
    check_format(connection.scalar(query) if meta.name in tables else None)
    if alembic_version.name not in tables:
        return REVISIONS[0]
    return connection.scalar(select(alembic_version.c.version_num)) or REVISIONS[0]


def check_format(found: str | None) -> None:
    """Refuse a database that this version would misread or harm.

    Args:
        found: The format that it says it has.

    Raises:
        StoreFormat: When that is not ours.
    """
    if found != FORMAT:
        raise StoreFormat(
            f"The ledger has format {found or 'unknown'}; this version reads format {FORMAT}.",
            hint="Update py-mlops and start this program again, or name another store.",
        )


def _make(making: Callable[[], None], connection: Connection) -> None:
    """Make the tables, unless someone just did."""
    _serialise(connection)
    if revision(connection) is not None:
        return
    making()
    metadata.create_all(connection)
    values = {
        "format": FORMAT,
        "size": "0",
        "root": EMPTY.hex(),
        "store": secrets.token_hex(16),
        "lineage": "0",
    }
    rows = [{"key": key, "value": value} for key, value in values.items()]
    connection.execute(meta.insert(), rows)
    connection.execute(alembic_version.insert().values(version_num=REVISIONS[-1]))


def _migrate(connection: Connection) -> None:
    """Apply the revisions that are missing, unless someone just did."""
    # Alembic takes most of a second to import, and a store needs it once in its life.
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415 - see above

    _serialise(connection)
    if revision(connection) not in REVISIONS[:-1]:
        return
    if not inspect(connection).has_table(alembic_version.name):
        alembic_version.create(connection)
        connection.execute(alembic_version.insert().values(version_num=REVISIONS[0]))
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, REVISIONS[-1])


def _serialise(connection: Connection) -> None:
    """Wait until nobody else makes or migrates tables; SQLite's writers are alone anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
