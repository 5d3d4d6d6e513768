from __future__ import annotations

import itertools
import os
import threading
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from py_mlops.errors import StoreError
from py_mlops.store import Move
from py_mlops.store.ledger.database import Database
from py_mlops.store.ledger.ledger import SqlLedger
from py_mlops.store.ledger.revisions import _MIGRATIONS
from py_mlops.store.ledger.schema import log, metadata
from tests.postgresql import PostgreSQL
from tests.store.samples import digest, entry

_numbers = itertools.count()
ADDED = (
    *("checkpoint", "claim", "signature", "alembic_version"),
    *("lineage_node", "lineage_edge", "lineage_gap"),
)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    server: PostgreSQL = request.getfixturevalue("server")
    return server.address(f"revisions{os.getpid()}_{next(_numbers)}")


def fill(url: str) -> bytes:
    """Fill a ledger with rows and moves and return its root."""
    ledger = SqlLedger(url)
    ledger.append([entry(number) for number in range(300)])
    ledger.append([entry(300)], Move("digits@main", None, digest(1)))
    ledger.append([entry(301)], Move("digits@main", digest(1), digest(2)))
    root = ledger.root()
    ledger.close()
    return root


def turn_back(url: str) -> None:
    """Make of a filled ledger what the version before left, which knew revision 1 alone."""
    database = Database(url)
    with database.transaction("Changing", writing=True) as connection:
        for table in ADDED:
            connection.execute(text(f"DROP TABLE {table}"))
        connection.execute(text("DROP INDEX log_by_target"))
        connection.execute(text("DELETE FROM meta WHERE key IN ('store', 'lineage')"))
    database.close()


def shape(url: str) -> dict[str, object]:
    """Return the tables, columns, keys and indexes of a database."""
    database = Database(url)

    def look(connection: Connection) -> dict[str, object]:
        inspector = inspect(connection)
        return {
            table: (
                [(c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(table)],
                inspector.get_pk_constraint(table)["constrained_columns"],
                sorted(
                    (str(index["name"]), index["column_names"])
                    for index in inspector.get_indexes(table)
                    if index["name"] and not index.get("duplicates_constraint")
                ),
            )
            for table in sorted(inspector.get_table_names())
        }

    found = database.run("Reading", look)
    database.close()
    return found


def test_a_filled_ledger_of_an_older_revision_is_brought_up_to_date(url: str) -> None:
    """Rows, heads and root are what they were, and everything new works at once."""
    root = fill(url)
    wanted = shape(url)
    turn_back(url)
    ledger = SqlLedger(url)
    assert (ledger.size(), ledger.root()) == (302, root)
    assert ledger.head("digits@main") == digest(2)
    assert list(ledger.verify()) == []
    assert len(ledger.name()) == 32
    assert ledger.marks() == []
    ledger.append([entry(302)])
    ledger.close()
    assert shape(url) == wanted  # a migrated database is like one made new


def test_the_first_revision_makes_what_it_always_made(url: str) -> None:
    """The migrations from nothing make the tables that the code describes."""
    database = Database(url)
    with database.transaction("Making", writing=True) as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(_MIGRATIONS))
        config.set_main_option("path_separator", "os")
        command.upgrade(config, "head")
    made = shape(url)
    with database.transaction("Changing", writing=True) as connection:
        found = MetaData()
        found.reflect(connection)
        found.drop_all(connection)
        metadata.create_all(connection)
    database.close()
    assert shape(url) == made


def test_those_who_come_at_once_migrate_once(url: str) -> None:
    """Threads that open an old ledger at the same moment all find it up to date and whole."""
    root = fill(url)
    turn_back(url)
    names: list[str] = []

    def come() -> None:
        ledger = SqlLedger(url)
        names.append(ledger.name())
        ledger.close()

    threads = [threading.Thread(target=come) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names) == 6
    assert len(set(names)) == 1
    ledger = SqlLedger(url)
    assert ledger.root() == root
    ledger.close()


def test_a_migration_that_fails_leaves_the_ledger_as_it_was(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an interrupted migration had done is undone, and the next one does it again."""
    root = fill(url)
    turn_back(url)

    def power_cut(*_: object, **__: object) -> None:
        raise SQLAlchemyError("the power failed")

    before = shape(url)
    monkeypatch.setattr("alembic.op.bulk_insert", power_cut)
    with pytest.raises((SQLAlchemyError, StoreError)):
        SqlLedger(url)
    monkeypatch.undo()
    assert shape(url) == before
    ledger = SqlLedger(url)
    assert ledger.root() == root
    ledger.close()


def test_a_newer_revision_that_only_adds_is_worked_beside(url: str) -> None:
    """A ledger with a newer version's additions is read and written, and nothing of it harmed."""
    root = fill(url)
    database = Database(url)
    with database.transaction("Changing", writing=True) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '99'"))
        connection.execute(text("CREATE TABLE novelty (seq INTEGER, bytes TEXT)"))
        connection.execute(text("INSERT INTO novelty VALUES (1, 'x')"))
    ledger = SqlLedger(url)
    assert ledger.root() == root
    ledger.append([entry(302)])
    ledger.close()
    with database.transaction("Reading") as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "99"
        assert connection.scalar(text("SELECT count(*) FROM novelty")) == 1
        assert len(connection.execute(select(log.c.seq)).all()) == 303
    database.close()
