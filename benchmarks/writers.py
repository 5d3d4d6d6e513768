"""A hundred writers who move one head ten times each, in SQLite and in PostgreSQL.

Run it with ``python -m benchmarks writers``.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Barrier
from pathlib import Path

from py_mlops.store import Entry, Move
from py_mlops.store.ledger.ledger import SqlLedger
from tests.postgresql import postgresql

PROCESSES, THREADS, MOVES = 10, 10, 10
WRITERS = PROCESSES * THREADS
TARGETS = {"SQLite": 3.0, "PostgreSQL": 5.0}
"""Seconds for all moves, on an idle machine of two processors."""

_HEAD = "digits@main"
_TIME = "2026-01-31T12:00:00.000000Z"


def _write_many(url: str, first: int, ready: Barrier) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda n: _write(url, first + n, ready), range(THREADS)))


def _write(url: str, writer: int, ready: Barrier) -> None:
    ledger = SqlLedger(url)
    ready.wait()
    for number in range(MOVES):
        digest = "sha256:" + hashlib.sha256(b"%d %d" % (writer, number)).hexdigest()
        row = Entry(digest, "head-move", _HEAD, f"writer {writer}", _TIME)
        with ledger.turn(_HEAD):
            ledger.append([row], Move(_HEAD, ledger.head(_HEAD), digest))
    ready.wait()
    ledger.close()


def moved(url: str) -> tuple[float, int]:
    """Let all writers move the head at the same time, each with a ledger of its own.

    Args:
        url: An empty database.

    Returns:
        Seconds from the first move to the last, and how many moves the log has.
    """
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["benchmarks.writers"])
    SqlLedger(url).close()
    ready = processes.Barrier(WRITERS + 1)
    firsts = range(0, WRITERS, THREADS)
    writers = [processes.Process(target=_write_many, args=(url, first, ready)) for first in firsts]
    for writer in writers:
        writer.start()
    ready.wait()
    start = time.perf_counter()
    ready.wait()
    seconds = time.perf_counter() - start
    for writer in writers:
        writer.join()
    ledger = SqlLedger(url)
    assert list(ledger.verify()) == []
    count = len({row.record for row in ledger.rows()})
    ledger.close()
    return seconds, count


def main() -> None:
    """Print the figures of both databases."""
    with tempfile.TemporaryDirectory() as folder, postgresql() as server:
        urls = {
            "SQLite": f"sqlite:///{Path(folder) / 'ledger.sqlite'}",
            "PostgreSQL": server.address("writers"),
        }
        for name, url in urls.items():
            seconds, count = moved(url)
            within = "" if seconds <= TARGETS[name] else f", OVER its {TARGETS[name]:.0f} s"
            print(f"  {name:12} {count} of {WRITERS * MOVES} moves in {seconds:.1f} s{within}")
