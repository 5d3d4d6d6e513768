from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from py_mlops.errors import Corrupt, InputError, StoreFormat, StoreUnavailable
from py_mlops.store import Entry, Move
from py_mlops.store.ledger.ledger import SqlLedger
from tests.store.contract import LedgerContract
from tests.store.samples import TIME, digest, entry


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the ledger is."""
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def opener(path: Path) -> Callable[[], SqlLedger]:
    """Return what opens the ledger once more, also in another process."""
    return partial(SqlLedger, f"sqlite:///{path}")


@pytest.fixture
def ledger(opener: Callable[[], SqlLedger]) -> Iterator[SqlLedger]:
    """Return an empty ledger."""
    opened = opener()
    yield opened
    opened.close()


class TestSqlLedgerKeepsTheContract(LedgerContract):
    pass


def tamper(path: Path, *statements: str) -> None:
    """Change the database by hand, as someone with an SQL shell would."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def filled(ledger: SqlLedger) -> SqlLedger:
    """Seven rows; the head went to row 4 and on to row 6."""
    ledger.append([entry(number) for number in range(4)])
    ledger.append([entry(4)], Move("digits@main", None, digest(1)))
    ledger.append([entry(5)])
    ledger.append([entry(6)], Move("digits@main", digest(1), digest(5)))
    return ledger


def test_commits_survive_a_power_cut(ledger: SqlLedger) -> None:
    """Every connection writes ahead and synchronises at each commit."""
    with ledger.database._engine.connect() as connection:
        read = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert read == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 30_000,
    }


@pytest.mark.parametrize(
    "change",
    [
        "record = 'sha256:" + "0" * 64 + "'",
        "kind = 'reproduction'",
        "subject = 'wine'",
        "author = 'Mallory'",
        "time = '2020-01-01T00:00:00.000000Z'",
        "author = NULL",
        "author = 7",
        "author = x'ff'",
        "head = 'digits@main', target = record",
        "leaf = zeroblob(32)",
        "leaf = ''",
    ],
)
def test_a_row_changed_by_hand_is_noticed_when_it_is_read(
    filled: SqlLedger, path: Path, change: str
) -> None:
    """No field of a row can be changed without every reading of it naming the row."""
    # Without its constraints, an SQL shell stores anything.
    tamper(
        path,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET sql = replace(sql, 'NOT NULL', '') WHERE name = 'log'",
    )
    tamper(path, f"UPDATE log SET {change} WHERE seq = 2")  # noqa: S608 - ours
    with pytest.raises(Corrupt, match=r"Row 2 of the ledger \(sha256:.*was altered"):
        filled.newest()
    with pytest.raises(Corrupt, match="Row 2"):
        list(filled.rows())
    assert any("Row 2 of the ledger" in sentence for sentence in filled.verify())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("DELETE FROM log WHERE seq = 2", "Rows 2 to 2 of the log are missing."),
        ("DELETE FROM log WHERE seq < 2", "Rows 0 to 1 of the log are missing."),
        ("UPDATE log SET seq = 9 WHERE seq = 2", "Rows 2 to 2 of the log are missing."),
        ("UPDATE log SET seq = -1 WHERE seq = 0", "-1"),
        ("DELETE FROM log WHERE seq = 6", "The log has 6 rows, but 7 were appended."),
        ("DELETE FROM node WHERE level = 2", "Subtree 0 of level 2 does not match rows 0 to 3"),
        (
            'UPDATE node SET hash = zeroblob(32) WHERE level = 1 AND "index" = 1',
            "Subtree 1 of level 1 does not match rows 2 to 3",
        ),
        ("INSERT INTO node VALUES (1, 3, zeroblob(32))", "Subtree 3 of level 1 covers rows"),
        ("INSERT INTO node VALUES (9, 0, zeroblob(32))", "Subtree 0 of level 9 covers rows"),
        ("UPDATE meta SET value = '00' WHERE key = 'root'", "The root hash"),
        ("DELETE FROM meta WHERE key = 'size'", "but None were appended"),
        ("UPDATE head SET seq = 4", "but the log last moved it to"),
        ("UPDATE head SET name = 'wine@main'", "Head digits@main is missing"),
        ("UPDATE head SET name = 'wine@main'", "Head wine@main exists, but no row"),
        ("DELETE FROM head", "Head digits@main is missing; row 6 of the log moved it"),
    ],
)
def test_verify_names_what_is_wrong(
    filled: SqlLedger, path: Path, change: str, sentence: str
) -> None:
    """Whatever is altered, missing or added is said in a sentence that names it."""
    assert list(filled.verify()) == []
    tamper(path, change)
    assert any(sentence in found for found in filled.verify()), list(filled.verify())


def test_rows_in_another_order_are_noticed(filled: SqlLedger, path: Path) -> None:
    """Two rows that were exchanged, leaf hashes and all, are both named."""
    tamper(
        path,
        "UPDATE log SET seq = -1 WHERE seq = 1",
        "UPDATE log SET seq = 1 WHERE seq = 3",
        "UPDATE log SET seq = 3 WHERE seq = -1",
    )
    found = list(filled.verify())
    assert [name in " ".join(found) for name in ("Row 1 ", "Row 3 ")] == [True, True]


def test_a_row_rewritten_with_its_leaf_hash_is_noticed(filled: SqlLedger, tmp_path: Path) -> None:
    """Who recomputes a leaf hash after changing the row must also forge the tree above it."""
    other = SqlLedger(f"sqlite:///{tmp_path / 'other.sqlite'}")
    forged = [entry(number) for number in range(4)]
    forged[2] = Entry(digest(2), "snapshot", "digits", "Mallory", TIME)
    other.append(forged)
    leaf = other.newest(limit=2)[1]
    other.close()
    assert leaf.author == "Mallory"
    tamper(
        tmp_path / "ledger.sqlite",
        f"ATTACH '{tmp_path / 'other.sqlite'}' AS other",
        "UPDATE log SET author = 'Mallory', "
        "leaf = (SELECT leaf FROM other.log WHERE seq = 2) WHERE seq = 2",
    )
    assert filled.newest()[4].author == "Mallory"  # the row alone looks right
    found = list(filled.verify())
    assert "Subtree 1 of level 1 does not match rows 2 to 3 of the log." in found
    assert "The root hash of the log is not the one it had after its last append." in found


@pytest.mark.parametrize(
    "change",
    [
        f"UPDATE head SET record = '{digest(3)}'",  # noqa: S608 - ours
        f"UPDATE head SET record = '{digest(1)}', seq = 4",  # noqa: S608 - ours
        "UPDATE head SET seq = 3",
        "UPDATE head SET name = 'wine@main'",
    ],
)
def test_a_head_turned_by_hand_is_noticed_when_it_is_read(
    filled: SqlLedger, path: Path, change: str
) -> None:
    """A head that was pointed elsewhere, or back, without a row of the log is not believed."""
    tamper(path, change)
    with pytest.raises(Corrupt, match="main was altered"):
        filled.heads()
    with pytest.raises(Corrupt, match="main was altered"):
        filled.head("wine@main" if "wine" in change else "digits@main")
    assert list(filled.verify()) != []


def test_a_head_cannot_be_moved_past_a_forged_one(filled: SqlLedger, path: Path) -> None:
    """A head that disagrees with the log is not moved on."""
    tamper(path, f"UPDATE head SET record = '{digest(3)}'")  # noqa: S608 - ours
    with pytest.raises(Corrupt, match="main was altered"):
        filled.append([entry(9)], Move("digits@main", digest(3), digest(9)))


def test_a_locked_database_says_so(
    filled: SqlLedger, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When another process keeps the database locked, the error says to wait."""
    monkeypatch.setattr("py_mlops.store.ledger.database.LOCK_TIMEOUT", 0.05)
    impatient = SqlLedger(f"sqlite:///{path}")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="database is locked") as caught:
            impatient.append([entry(9)])
        assert "wait until it has finished" in caught.value.hint
        assert filled.size() == 7  # reading goes on
    impatient.append([entry(9)])
    impatient.close()


def test_a_full_disk_says_so_and_appends_nothing(filled: SqlLedger) -> None:
    """When the database cannot grow, nothing is appended and the error says how to go on."""
    with filled.database._engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreUnavailable, match="database or disk is full") as caught:
        filled.append([entry(number) for number in range(1000, 2000)])
    assert "Free some space" in caught.value.hint
    assert filled.size() == 7
    assert list(filled.verify()) == []


def test_a_damaged_database_says_so(filled: SqlLedger, path: Path) -> None:
    """A database whose pages were overwritten is reported as damaged, by verify in a sentence."""
    filled.append([entry(number) for number in range(100, 1000)])
    filled.close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xde\xad" * (path.stat().st_size // 2 - 2048))
    with pytest.raises(Corrupt, match="malformed") as caught:
        filled.newest()
    assert "mlops verify --rebuild" in caught.value.hint
    assert any("malformed" in sentence for sentence in filled.verify())


def test_what_is_no_database_is_refused(path: Path) -> None:
    """A file that is no database is damaged; a folder that is not there is unavailable."""
    path.write_bytes(b"this is a shopping list" * 100)
    with pytest.raises(Corrupt, match="not a database"):
        SqlLedger(f"sqlite:///{path}")
    with pytest.raises(StoreUnavailable, match="unable to open database file"):
        SqlLedger(f"sqlite:///{path.parent}/nowhere/ledger.sqlite")


@pytest.mark.parametrize(
    "change", ["UPDATE meta SET value = '2' WHERE key = 'format'", "DROP TABLE meta"]
)
def test_another_format_is_refused(filled: SqlLedger, path: Path, change: str) -> None:
    """A ledger of a newer version, or another program's database, is left alone."""
    filled.close()
    tamper(path, change)
    with pytest.raises(StoreFormat, match="this version reads format 1"):
        SqlLedger(f"sqlite:///{path}")


def test_text_that_no_record_can_hold_is_refused(ledger: SqlLedger) -> None:
    """A name with half a character, as from a broken locale, is refused and not half stored."""
    with pytest.raises(InputError, match="cannot be entered"):
        ledger.append([entry(0), Entry(digest(1), "snapshot", "digits", "Ann\udce9", TIME)])
    assert ledger.size() == 0


def test_pages_read_no_more_than_they_show(ledger: SqlLedger) -> None:
    """The newest rows, of any kind and subject, come from an index without sorting."""
    asked: list[str] = []
    for where in ("", "WHERE kind = 'a'", "WHERE subject = 'b'", "WHERE kind='a' AND subject='b'"):
        with ledger.database._engine.connect() as connection:
            plan = connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN SELECT * FROM log {where} ORDER BY seq DESC LIMIT 50"  # noqa: S608 - ours
            )
            asked += [row[3] for row in plan]
    assert asked == [
        "SCAN log",  # by its primary key, from the end
        "SEARCH log USING INDEX log_by_kind (kind=?)",
        "SEARCH log USING INDEX log_by_subject (subject=?)",
        "SEARCH log USING INDEX log_by_kind_and_subject (kind=? AND subject=?)",
    ]


def test_appending_reads_only_the_peaks_of_the_tree(ledger: SqlLedger) -> None:
    """The work of one more row grows with the logarithm of the log, not with its length."""
    steps: list[int] = []
    ledger.append([entry(number) for number in range(4095)])
    with ledger.database._engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.set_progress_handler(lambda: steps.append(1), 100)
    ledger.append([entry(5000)])
    ledger.append([entry(5001)])
    assert 0 < len(steps) * 100 < 5000  # reading the 4,083 subtrees takes 20,000 and more
