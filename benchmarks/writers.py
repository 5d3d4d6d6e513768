"""A hundred writers who move one head ten times each, in SQLite and in PostgreSQL.

Beside them, in the same processes, the least that any such program does: wait for
one's turn, read where the head points, append a row, move the head, commit; all by
the bare drivers, without a Merkle tree, a check or a repetition.
Run it with ``python -m benchmarks writers``.
"""

from __future__ import annotations

import fcntl
import hashlib
import multiprocessing
import sqlite3
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import psycopg

from py_mlops.store import Entry, Move
from py_mlops.store.ledger.ledger import SqlLedger
from tests.postgresql import postgresql

PROCESSES, THREADS, MOVES = 10, 10, 10
WRITERS = PROCESSES * THREADS
TARGETS = {"SQLite": 3.0, "PostgreSQL": 5.0}
"""Seconds for all moves, on an idle machine of two processors."""

_HEAD = "digits@main"
_TIME = "2026-01-31T12:00:00.000000Z"


_Write = Callable[[str, int, Barrier], None]


def _write_many(write: _Write, url: str, first: int, ready: Barrier) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda n: write(url, first + n, ready), range(THREADS)))


def _write(url: str, writer: int, ready: Barrier) -> None:
    ledger = SqlLedger(url)
    ready.wait()
    for number in range(MOVES):
        digest = "sha256:" + hashlib.sha256(b"%d %d" % (writer, number)).hexdigest()
        row = Entry(digest, "head-move", _HEAD, f"writer {writer}", _TIME)
        with ledger.turn(_HEAD) as previous:
            ledger.append([row], Move(_HEAD, previous, digest))
    ready.wait()
    ledger.close()


_BARE = (
    "CREATE TABLE log (seq INTEGER PRIMARY KEY, record TEXT UNIQUE, author TEXT)",
    "CREATE TABLE head (record TEXT, seq INTEGER)",
    "INSERT INTO head VALUES ('', -1)",
)


def _write_bare(url: str, writer: int, ready: Barrier) -> None:
    queue, connection = _connect(url), _connect(url)
    is_file = isinstance(connection, sqlite3.Connection)
    mark = "?" if is_file else "%s"
    ready.wait()
    for number in range(MOVES):
        digest = hashlib.sha256(b"%d %d" % (writer, number)).hexdigest()
        with Path(f"{url}-turn").open("ab") if is_file else nullcontext() as file:
            if file is not None:
                fcntl.flock(file, fcntl.LOCK_EX)
                connection.execute("BEGIN IMMEDIATE")
            else:
                queue.execute("SELECT pg_advisory_xact_lock(1)")
            lock = "" if is_file else " FOR UPDATE"
            ((_, seq),) = connection.execute(f"SELECT record, seq FROM head{lock}").fetchall()  # noqa: S608
            values = (seq + 1, digest, f"writer {writer}")
            connection.execute(f"INSERT INTO log VALUES ({mark}, {mark}, {mark})", values)  # noqa: S608
            connection.execute(f"UPDATE head SET seq = {mark}, record = {mark}", values[:2])  # noqa: S608
            connection.commit()
            queue.rollback()
    ready.wait()
    for one in (queue, connection):
        one.close()


def _connect(url: str) -> Any:
    if url.startswith("/"):
        connection = sqlite3.connect(url, timeout=30, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        return connection
    return psycopg.connect(url, prepare_threshold=None)


def _at_bare(url: str) -> float:
    with closing(_connect(url)) as connection:
        for statement in _BARE:
            connection.execute(statement)
        connection.commit()
    return _timed(_write_bare, url)


def moved(url: str) -> tuple[float, int]:
    """Let all writers move the head at the same time, each with a ledger of its own.

    Args:
        url: An empty database.

    Returns:
        Seconds from the first move to the last, and how many moves the log has.
    """
    SqlLedger(url).close()
    seconds = _timed(_write, url)
    ledger = SqlLedger(url)
    assert list(ledger.verify()) == []
    count = len({row.record for row in ledger.rows()})
    ledger.close()
    return seconds, count


def _timed(write: _Write, url: str) -> float:
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["benchmarks.writers"])
    ready = processes.Barrier(WRITERS + 1)
    firsts = range(0, WRITERS, THREADS)
    writers = [
        processes.Process(target=_write_many, args=(write, url, first, ready)) for first in firsts
    ]
    for writer in writers:
        writer.start()
    ready.wait()
    start = time.perf_counter()
    ready.wait()
    seconds = time.perf_counter() - start
    for writer in writers:
        writer.join()
    return seconds


def main() -> None:
    """Print the figures of both databases."""
    with tempfile.TemporaryDirectory() as folder, postgresql(synced=True) as server:
        urls = {
            "SQLite": f"sqlite:///{Path(folder) / 'ledger.sqlite'}",
            "PostgreSQL": server.address("writers"),
        }
        bare = {"SQLite": f"{folder}/bare.sqlite", "PostgreSQL": server.conninfo}
        for name, url in urls.items():
            least = _at_bare(bare[name])
            seconds, count = moved(url)
            within = "" if seconds <= TARGETS[name] else f", OVER its {TARGETS[name]:.0f} s"
            print(f"  {name:12} {count} of {WRITERS * MOVES} moves in {seconds:.1f} s{within}; "
                  f"bare statements {least:.1f} s, ours {seconds / least:.1f} times")  # fmt: skip
