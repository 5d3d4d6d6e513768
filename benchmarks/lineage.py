"""How long `explain` and `impact` take where there is much: ten thousand ancestors, or users.

Run it with ``python -m benchmarks lineage``. The records are real and small; they come into the
store in batches, since making ten thousand snapshots one by one is not what is measured.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figures import Figure, table
from py_mlops.commands.lineage.explain import ancestors, explain
from py_mlops.commands.lineage.impact import impact
from py_mlops.commands.lineage.pages import explanation_page, impact_page
from py_mlops.commands.lineage.subject import find_subject
from py_mlops.records import Snapshot, encode, record_id
from py_mlops.report.svg import svg
from py_mlops.report.terminal import text
from py_mlops.store import open_store
from py_mlops.store.store import entry_of
from py_mlops.workspace import Workspace, open_workspace
from tests.postgresql import postgresql
from tests.store.lineages import blob_of, made_of

MANY, VERY_MANY, TIMES = 10_000, 100_000, 5
TARGET = 1.0
"""Seconds for one answer with its page and picture, on a machine of two processors."""


def fill(workspace: Workspace, snapshots: Iterable[Snapshot]) -> str:
    """Add snapshots in batches; return the id of the last."""
    batch: list[Snapshot] = []
    last = ""
    for one in snapshots:
        batch.append(one)
        if len(batch) == 1000:
            last = _add(workspace, batch)
    return _add(workspace, batch) if batch else last


def _add(workspace: Workspace, batch: list[Snapshot]) -> str:
    with workspace.store.blobs.batch() as writer:
        entries = [entry_of(one, writer.put_bytes(encode(one)).digest) for one in batch]
    workspace.store.ledger.append(entries)
    last = record_id(batch[-1])
    batch.clear()
    return last


def chain(name: str, count: int) -> Iterator[Snapshot]:
    """Yield snapshots of which each read what the one before made."""
    for number in range(count):
        yield made_of(name, [f"{name}{number}"], [f"{name}{number + 1}"])


def web(count: int) -> Iterator[Snapshot]:
    """Yield snapshots that read two outputs of earlier ones; the last reads what is left over."""
    draw = random.Random(5)
    unread = set[int]()
    for number in range(count):
        read = {draw.randrange(max(0, number - 50), number) for _ in range(2)} if number else set()
        unread -= read
        yield made_of("web", [f"w{one}" for one in sorted(read)] + ["raw"], [f"w{number}"])
        unread.add(number)
    yield made_of("web", [f"w{one}" for one in sorted(unread)])


def users(count: int) -> Iterator[Snapshot]:
    """Yield snapshots that all read one file."""
    for number in range(count):
        yield made_of(f"model{number % 40}", ["prices"], [f"u{number}"])


def explained(workspace: Workspace, word: str, count: int) -> None:
    """Explain, as a terminal and a picture show it."""
    found = explain(workspace, find_subject(workspace, word))
    assert found.ancestors == count, (found.ancestors, count)
    page = explanation_page(workspace, found)
    assert page.picture is not None
    text(page), svg(page.picture)


def affected(workspace: Workspace, word: str, count: int) -> None:
    """Say what it went into, as a terminal and a picture show it."""
    found = impact(workspace, find_subject(workspace, word))
    assert found.snapshots == count, (found.snapshots, count)
    page = impact_page(found)
    assert page.picture is not None
    text(page), svg(page.picture)


def _seconds(work: Callable[[], object], times: int = TIMES) -> list[float]:
    measured = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        measured.append(time.perf_counter() - start)
    return measured


@contextmanager
def _opened(address: str) -> Iterator[Workspace]:
    open_store(address).close()
    workspace = open_workspace(address)
    try:
        yield workspace
    finally:
        workspace.store.close()


def measure(address: str) -> list[Figure]:
    """Fill a store and measure it."""
    with _opened(address) as workspace:
        long = fill(workspace, chain("c", MANY + 1))
        wide = fill(workspace, web(MANY))
        fill(workspace, users(MANY))
        rows = workspace.store.ledger.size()
        index = _seconds(workspace.store.lineage.catch_up, 1)
        found = explain(workspace, find_subject(workspace, wide))
        prices = blob_of("prices").digest
        return [
            Figure(f"index {rows:,} rows, once", index),
            Figure(
                f"explain, {MANY:,} ancestors in a web",
                _seconds(lambda: explained(workspace, wide, MANY)),
                TARGET,
            ),
            Figure(
                f"explain, {MANY:,} ancestors in a row",
                _seconds(lambda: explained(workspace, long, MANY)),
                TARGET,
            ),
            Figure("… all of them, for --json", _seconds(lambda: ancestors(workspace, found))),
            Figure(
                f"impact of a file used by {MANY:,}",
                _seconds(lambda: affected(workspace, prices, MANY)),
                TARGET,
            ),
            Figure(
                f"impact of the first of {MANY:,} in a row",
                _seconds(lambda: affected(workspace, blob_of("c0").digest, MANY + 1)),
                TARGET,
            ),
        ]


def measure_very_many(address: str) -> list[Figure]:
    """Fill a store with a row of a hundred thousand and a circle at its end, and measure it."""
    with _opened(address) as workspace:
        fill(workspace, chain("c", VERY_MANY))
        fill(workspace, [made_of("circle", [f"c{VERY_MANY}"], ["c0"])])
        index = _seconds(workspace.store.lineage.catch_up, 1)
        word = blob_of("c5").digest
        found = impact(workspace, find_subject(workspace, word))
        assert found.more, "more than are counted"
        assert found.snapshots == VERY_MANY
        return [
            Figure(f"index {VERY_MANY:,} rows, once", index),
            Figure(
                f"explain in a circle of {VERY_MANY:,}",
                _seconds(lambda: explain(workspace, find_subject(workspace, word)), 3),
            ),
            Figure(
                f"impact in a circle of {VERY_MANY:,}",
                _seconds(lambda: impact(workspace, find_subject(workspace, word)), 3),
            ),
        ]


def main() -> None:
    """Measure on SQLite and PostgreSQL, and the very many on SQLite."""
    with tempfile.TemporaryDirectory(prefix="mlops-bench-") as held:
        folder = Path(held)
        table("lineage, SQLite", measure(str(folder / "store")))
        with postgresql() as server:
            url = server.address("lineage")
            address = f"{url}{'&' if '?' in url else '?'}blobs={folder / 'blobs'}"
            table("lineage, PostgreSQL", measure(address))
        table("lineage, very many", measure_very_many(str(folder / "large")))
