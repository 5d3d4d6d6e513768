"""Damages a store in seeded ways: each is noticed on reading and by verify, none is used.

Bits and bytes of objects, pages of SQLite, and cells and rows of the ledger's tables in both
databases. Run it with ``python -m campaigns.corruption [DAMAGES]``.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from campaigns.collector import MEMORY
from py_mlops.commands.upkeep.verify import verify
from py_mlops.errors import StoreError
from py_mlops.records import Author, History, encode
from py_mlops.settings import Settings
from py_mlops.store import Store, open_store
from py_mlops.store.ledger.ledger import SqlLedger
from py_mlops.workspace import Workspace
from tests.postgresql import PostgreSQL, postgresql
from tests.store.samples import snapshot

HEAD = "digits@main"
RECORDS = 12
_ANN = Author(name="Ann", email=None, source="unverified")


def fill(store: Store) -> None:
    """Fill a store with records, the data they name, and two heads."""
    for number in range(RECORDS):
        data = store.blobs.put_bytes(random.Random(number).randbytes(3000))
        cells = store.blobs.put_bytes(encode(History(cells=[])))
        record = snapshot(f"model {number}", history=cells, lock=data)
        head = HEAD if number % 3 else "wine@main"
        store.add(record, head=head, previous=store.ledger.head(head))


def everything(store: Store) -> tuple[object, ...]:
    """Read all that a store has to say, as readers of every kind do.

    Rows found by their ids are only to be true: SQLite's index may hide one, which is then not
    found, and which verify names.
    """
    rows = list(store.ledger.rows())
    return (
        rows,
        store.ledger.newest(limit=100),
        store.ledger.heads(),
        [store.ledger.head(name) for name in (HEAD, "wine@main")],
        [encode(store.get(row.record)) for row in rows],
        {row for row in store.ledger.find("", 100) if row not in rows},
    )


@dataclass(frozen=True)
class Outcome:
    """What came of a damage.

    Attributes:
        kind: Where it was done.
        what: What was done.
        problems: What should not be.
        harmless: It changed nothing that anyone reads, such as free space in a page.
    """

    kind: str
    what: str
    problems: tuple[str, ...]
    harmless: bool = False


def judge(kind: str, what: str, place: str, truth: tuple[object, ...]) -> Outcome:
    """Read a damaged store in every way, and verify it.

    Args:
        kind: Where the damage was done.
        what: What was done.
        place: The store's address.
        truth: What `everything` returned before.
    """
    problems = []
    try:
        store = open_store(place)
    except StoreError:
        return Outcome(kind, what, ())  # noticed at the door
    try:
        told = list(verify(Workspace(store, _ANN, Settings(place, Path(), ()))))
        try:
            same = everything(store) == truth
        except StoreError:
            same = True  # noticed, and nothing handed out
        if not same:
            problems.append("something else was read, as if it were true")
        if not told and not (kind == "page" and same):
            problems.append("verify says nothing")
        return Outcome(kind, what, tuple(problems), harmless=not told)
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        return Outcome(kind, what, (f"{type(error).__name__}: {error}",))
    finally:
        store.close()


# Damages: each is done to a copy of a whole store, and says what it did.


def object_damage(folder: Path, chance: random.Random) -> str:
    """Flip, cut, lengthen, empty, exchange or remove an object."""
    paths = sorted(path for path in (folder / "objects").rglob("*") if path.is_file())
    path = chance.choice(paths)
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    how = chance.choice(["flip", "cut", "lengthen", "empty", "exchange", "remove"])
    if how == "flip":
        place = chance.randrange(len(data))
        data[place] ^= 1 << chance.randrange(8)
    elif how == "cut":
        del data[chance.randrange(len(data)) :]
    elif how == "lengthen":
        data += chance.randbytes(chance.randint(1, 50))
    elif how == "empty":
        data.clear()
    elif how == "exchange":
        data[:] = chance.choice([one for one in paths if one != path]).read_bytes()
    path.write_bytes(data)
    if how == "remove":
        path.unlink()
    return f"{how} {path.name[:12]}"


def page_damage(folder: Path, chance: random.Random) -> str:
    """Overwrite bytes of the ledger's file."""
    path = folder / "ledger.sqlite"
    data = bytearray(path.read_bytes())
    start, length = chance.randrange(len(data)), chance.choice([1, 1, 4, 64, 512, 4096])
    data[start : start + length] = chance.randbytes(min(length, len(data) - start))
    path.write_bytes(data)
    return f"{length} bytes at {start}"


def statement(chance: random.Random, rows: int) -> str:
    """Return SQL that alters a cell, or removes or adds a row, of the log or the heads."""
    seq = chance.randrange(rows)
    another = (seq + 1) % rows
    other = "'sha256:" + chance.randbytes(32).hex() + "'"
    word = f"'{chance.randbytes(4).hex()}'"
    return chance.choice(
        [
            f"UPDATE log SET record = {other} WHERE seq = {seq}",
            f"UPDATE log SET kind = {word} WHERE seq = {seq}",
            f"UPDATE log SET subject = {word} WHERE seq = {seq}",
            f"UPDATE log SET author = {word} WHERE seq = {seq}",
            f"UPDATE log SET time = {word} WHERE seq = {seq}",
            f"UPDATE log SET head = {word}, target = {other} WHERE seq = {seq}",
            f"UPDATE log SET leaf = (SELECT leaf FROM log WHERE seq = {another}) WHERE seq = {seq}",
            f"DELETE FROM log WHERE seq = {seq}",
            f"UPDATE log SET seq = {rows + seq + 1} WHERE seq = {seq}",
            f"UPDATE head SET record = {other} WHERE name = '{HEAD}'",
            "UPDATE head SET seq = seq - 2",
            f"DELETE FROM head WHERE name = '{HEAD}'",
            f"UPDATE head SET name = {word} WHERE name = '{HEAD}'",
            f"UPDATE meta SET value = {word} WHERE key IN ('root', 'size')",
            f"DELETE FROM node WHERE level = {chance.randint(1, 3)}",
        ]
    )


def sqlite_damage(folder: Path, chance: random.Random) -> str:
    """Alter the ledger as someone with an SQL shell would."""
    sql = statement(chance, 2 * RECORDS)
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as connection, connection:
        connection.execute(sql)
    return sql


DAMAGES: dict[str, Callable[[Path, random.Random], str]] = {
    "object": object_damage,
    "page": page_damage,
    "sqlite row": sqlite_damage,
}


def damage_folders(count: int, seed: int = 0) -> Iterator[Outcome]:
    """Damage copies of a folder's store, each once."""
    with tempfile.TemporaryDirectory(prefix="mlops-corruption-", dir=MEMORY) as name:
        whole = Path(name) / "whole"
        store = open_store(whole)
        fill(store)
        truth = everything(store)
        store.close()
        for number in range(count):
            chance = random.Random(f"{seed} {number}")
            copy = Path(name) / "copy"
            shutil.copytree(whole, copy)
            kind = list(DAMAGES)[number % len(DAMAGES)]
            what = DAMAGES[kind](copy, chance)
            yield judge(kind, f"{number}: {what}", str(copy), truth)
            shutil.rmtree(copy)


def damage_server(server: PostgreSQL, blobs: Path, count: int, seed: int = 0) -> Iterator[Outcome]:
    """Damage a ledger in PostgreSQL, each time as it was before."""
    address = server.address("corruption", blobs=str(blobs))
    store = open_store(address)
    fill(store)
    truth = everything(store)
    assert isinstance(store.ledger, SqlLedger)
    with store.ledger.database.connect() as connection:
        for table in ("log", "node", "head", "meta"):
            connection.execute(text(f"CREATE TABLE whole_{table} AS SELECT * FROM {table}"))
        connection.execute(text("ALTER TABLE head DROP CONSTRAINT IF EXISTS head_seq_fkey"))
        connection.commit()
        for number in range(count):
            sql = statement(random.Random(f"{seed} {number}"), 2 * RECORDS)
            connection.execute(text(sql))
            connection.commit()
            yield judge("postgresql row", f"{number}: {sql}", address, truth)
            for table in ("log", "node", "head", "meta"):
                connection.execute(text(f"DELETE FROM {table}"))
                connection.execute(text(f"INSERT INTO {table} SELECT * FROM whole_{table}"))
            connection.commit()
    store.close()


def report(outcomes: Iterator[Outcome]) -> tuple[int, int]:
    """Print what came of the damages, and return how many there were and how many failed."""
    tried, failed, harmless = Counter[str](), Counter[str](), Counter[str]()
    for outcome in outcomes:
        tried[outcome.kind] += 1
        harmless[outcome.kind] += outcome.harmless
        if outcome.problems:
            failed[outcome.kind] += 1
            print(f"  {outcome.kind} {outcome.what}: {outcome.problems[0]}")
    for kind, count in tried.items():
        unread = f", {harmless[kind]} where nothing is read" if harmless[kind] else ""
        print(f"  {kind:16} {count} damages, {failed[kind]} not noticed{unread}")
    return tried.total(), failed.total()


def main(count: int = 1000) -> int:
    """Damage folders, and a server's ledger half as often."""
    start = time.monotonic()
    tried, failed = report(damage_folders(count))
    with tempfile.TemporaryDirectory() as folder, postgresql() as server:
        more, worse = report(damage_server(server, Path(folder) / "blobs", count // 2))
    seconds = time.monotonic() - start
    print(f"{tried + more} damages, {failed + worse} failures, {seconds:.0f} s")
    return int(failed + worse > 0)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
