"""What a database server does to a ledger, in words that say what to do next."""

from __future__ import annotations

import functools
import itertools
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest
from sqlalchemy import text

from py_mlops.errors import Corrupt, HeadMoved, StoreFormat, StoreUnavailable
from py_mlops.store import Move
from py_mlops.store.ledger import database
from py_mlops.store.ledger.ledger import SqlLedger
from py_mlops.store.patience import Patience
from tests.postgresql import DATABASE, PASSWORD, USER, PostgreSQL
from tests.store.samples import digest, entry

_numbers = itertools.count()


@pytest.fixture
def schema() -> str:
    """Return the name of an empty place of the test's own."""
    return f"failing{os.getpid()}_{next(_numbers)}"


@pytest.fixture
def ledger(server: PostgreSQL, schema: str) -> Iterator[SqlLedger]:
    """Seven rows; the head went to row 4 and on to row 6."""
    opened = SqlLedger(server.address(schema))
    opened.append([entry(number) for number in range(4)])
    opened.append([entry(4)], Move("digits@main", None, digest(1)))
    opened.append([entry(5)])
    opened.append([entry(6)], Move("digits@main", digest(1), digest(5)))
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    short = functools.partial(Patience, failing=0.5)
    monkeypatch.setattr("py_mlops.store.ledger.database.Patience", short)


def _refused(address: str) -> StoreUnavailable:
    with pytest.raises(StoreUnavailable) as caught:
        SqlLedger(address)
    said = str(caught.value)
    assert PASSWORD not in said
    assert "hunter2" not in said
    return caught.value


def test_a_wrong_password_says_where_to_put_the_right_one(
    server: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the password that was tried nor the right one is in the message."""
    monkeypatch.setenv("PGPASSWORD", "hunter2")
    plain = f"postgresql://{USER}@127.0.0.1:{server.port}/{DATABASE}"
    error = _refused(plain)
    assert "password authentication failed" in error.message
    assert "~/.pgpass" in error.hint
    monkeypatch.delenv("PGPASSWORD")
    assert "~/.pgpass" in _refused(plain).hint


def test_a_database_that_is_not_there_says_so(server: PostgreSQL) -> None:
    """A misspelt database is told from a server that is gone."""
    address = server.address().replace(f"/{DATABASE}?", "/nowhere?")
    error = _refused(address)
    assert '"nowhere" does not exist' in error.message
    assert "createdb" in error.hint


def test_a_server_that_is_not_there_says_so() -> None:
    """A closed port and an unknown host are a server that cannot be reached."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for place in (f"127.0.0.1:{port}", "nowhere.invalid"):
        error = _refused(f"postgresql://{USER}@{place}/{DATABASE}")
        assert "Opening the ledger failed" in error.message
        assert "the server runs and can be reached" in error.hint


def test_a_word_that_libpq_does_not_know_says_so(server: PostgreSQL) -> None:
    """A misspelt word of the address is named."""
    error = _refused(server.address(sslmod="require"))
    assert "sslmod" in error.message
    assert "Check the address" in error.hint


def test_a_role_without_rights_says_so(server: PostgreSQL, ledger: SqlLedger, schema: str) -> None:
    """Who may not write can read, and is told whom to ask."""
    server.execute(
        f"CREATE ROLE reader{schema} LOGIN PASSWORD '{PASSWORD}';"
        f"GRANT USAGE ON SCHEMA {schema} TO reader{schema};"
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO reader{schema}"
    )
    reader = SqlLedger(server.address(schema).replace(f"//{USER}@", f"//reader{schema}@"))
    assert list(reader.rows()) == list(ledger.rows())
    with pytest.raises(StoreUnavailable, match="permission denied") as caught:
        reader.append([entry(9)])
    assert "grant your role" in caught.value.hint
    reader.close()


def test_a_standby_says_so(server: PostgreSQL, ledger: SqlLedger, schema: str) -> None:
    """A read-only standby of the server reads, and refuses to write by name."""
    ledger.close()
    with server.standby() as standby:
        copy = SqlLedger(standby.address(schema, make=False))
        assert copy.head("digits@main") == digest(5)
        with pytest.raises(StoreUnavailable, match="during recovery") as caught:
            copy.append([entry(9)])
        assert "primary" in caught.value.hint
        copy.close()


def test_a_full_disk_says_so_and_appends_nothing(ledger: SqlLedger) -> None:
    """When the server's disk is full, nothing is appended."""
    with ledger.database.connect() as connection, connection.begin():
        connection.execute(
            text(
                "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                " RAISE EXCEPTION 'could not extend file: No space left on device'"
                " USING ERRCODE = 'disk_full'; END $$"
            )
        )
        connection.execute(
            text("CREATE TRIGGER full_disk BEFORE INSERT ON node EXECUTE FUNCTION full_disk()")
        )
    with pytest.raises(StoreUnavailable, match="No space left on device") as caught:
        ledger.append([entry(8), entry(9)])
    assert "disk is full" in caught.value.hint
    assert ledger.size() == 7
    assert list(ledger.verify()) == []


def test_a_lock_that_somebody_keeps_says_so(
    server: PostgreSQL, ledger: SqlLedger, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer waits for another only so long; readers do not wait at all."""
    monkeypatch.setitem(database._SESSION, "lock_timeout", "100ms")
    impatient = SqlLedger(server.address(schema))
    with ledger.database.connect() as other, other.begin():
        other.execute(text("SELECT * FROM meta FOR UPDATE"))
        with pytest.raises(StoreUnavailable, match="lock timeout") as caught:
            impatient.append([entry(9)])
        assert "Others are writing" in caught.value.hint
        assert impatient.size() == 7
    impatient.append([entry(9)])
    impatient.close()


_CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'py-mlops'"


def test_a_turn_goes_on_when_the_connection_that_waited_is_lost(
    server: PostgreSQL, ledger: SqlLedger
) -> None:
    """Who has had to wait for a turn need not wait again, and writes once."""
    with ledger.turn("digits@main") as previous:
        server.execute(_CUT)
        ledger.append([entry(7)], Move("digits@main", previous, digest(7)))
    assert (ledger.size(), ledger.head("digits@main")) == (8, digest(7))
    assert list(ledger.verify()) == []


def test_a_turn_that_is_refused_or_used_up_holds_nobody_up(
    server: PostgreSQL, ledger: SqlLedger, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others write on while a turn lasts, whatever became of its append, and so does itself."""
    monkeypatch.setitem(database._SESSION, "lock_timeout", "1s")
    with closing(SqlLedger(server.address(schema))) as other, ledger.turn("digits@main"):
        with pytest.raises(HeadMoved):
            ledger.append([entry(7)], Move("digits@main", digest(1), digest(7)))
        other.append([entry(8)])
        ledger.append([entry(9)])
    with closing(SqlLedger(server.address(schema))) as other, ledger.turn("digits@main"):
        ledger.append([entry(9)])  # it is there: nothing is written
        other.append([entry(10)])
    assert ledger.size() == 10


def test_a_lost_connection_is_made_again(server: PostgreSQL, ledger: SqlLedger) -> None:
    """A ledger that was open before the server was started anew goes on, and writes once."""
    ledger.database.patience = 30
    server.execute(_CUT)
    assert list(ledger.verify()) == []
    server.stop()
    restarting = threading.Timer(0.3, server.start)
    restarting.start()
    ledger.append([entry(7)])
    restarting.join()
    assert ledger.size() == 8
    assert list(ledger.verify()) == []


def test_a_server_that_stays_away_is_waited_for_only_so_long(
    server: PostgreSQL, ledger: SqlLedger
) -> None:
    """After the last try the error says that nothing is half done, and it is so."""
    ledger.database.patience = 0.2
    server.stop()
    try:
        with pytest.raises(StoreUnavailable) as caught:
            ledger.append([entry(7)])
        assert "nothing is half done" in caught.value.hint
    finally:
        server.start()
    assert ledger.size() == 7


def test_a_server_that_never_answers_is_waited_for_once(
    server: PostgreSQL, ledger: SqlLedger, schema: str
) -> None:
    """Who has waited in vain says so; others are told at once, and it goes on by itself."""
    impatient = SqlLedger(server.address(schema), patience=Patience(silent=1))
    assert impatient.size() == ledger.size()
    with server.frozen():
        with pytest.raises(StoreUnavailable, match="has not answered for 1 s") as first:
            impatient.size()
        assert "can be reached" in first.value.hint
        with pytest.raises(StoreUnavailable, match="has not answered for 1 s") as second:
            impatient.size()
        assert second.value.__cause__ is None  # the database was not asked
    while True:
        with suppress(StoreUnavailable):
            assert impatient.size() == ledger.size()
            break
    impatient.close()


@pytest.mark.parametrize(
    "change", ["UPDATE meta SET value = '2' WHERE key = 'format'", "DROP TABLE meta"]
)
def test_another_format_is_refused(
    server: PostgreSQL, ledger: SqlLedger, schema: str, change: str
) -> None:
    """A ledger of a newer version, or another program's database, is left alone."""
    server.execute(f"SET search_path = {schema}; {change}")
    ledger.close()
    with pytest.raises(StoreFormat, match="this version reads format 1") as caught:
        SqlLedger(server.address(schema))
    assert "Update py-mlops" in caught.value.hint


def test_a_newer_version_beside_ours_stops_our_writing(
    server: PostgreSQL, ledger: SqlLedger, schema: str
) -> None:
    """A program that was open when a newer one changed the tables writes nothing any more."""
    newer = (
        "UPDATE meta SET value = '2' WHERE key = 'format'; ALTER TABLE node RENAME hash TO digest"
    )
    server.execute(f"SET search_path = {schema}; {newer}")
    with pytest.raises(StoreFormat, match="this version reads format 1"):
        ledger.append([entry(9)])
    assert ledger.size() == 7


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("UPDATE log SET author = 'Mallory' WHERE seq = 2", "Row 2 of the ledger"),
        ("UPDATE log SET leaf = 'x' WHERE seq = 2", "Row 2 of the ledger"),
        ("DELETE FROM log WHERE seq = 2", "Rows 2 to 2 of the log are missing."),
        ("DELETE FROM node WHERE level = 2", "Subtree 0 of level 2 does not match"),
        ("UPDATE meta SET value = '00' WHERE key = 'root'", "The root hash"),
        ("UPDATE head SET seq = 4", "but the log last moved it to"),
        ("DELETE FROM head", "Head digits@main is missing; row 6 of the log moved it"),
    ],
)
def test_what_an_administrator_alters_is_noticed(
    server: PostgreSQL, ledger: SqlLedger, schema: str, change: str, sentence: str
) -> None:
    """Whatever is altered past us is named by verify, and never read as true."""
    server.execute(f"SET search_path = {schema}; {change}")
    assert any(sentence in said for said in ledger.verify())
    if "log SET" in change:
        with pytest.raises(Corrupt, match="Row 2"):
            list(ledger.rows())
