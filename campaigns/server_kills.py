"""Kills the database server under the writers' hands: nothing acknowledged is lost, nothing twice.

Writers add records and move a head, each telling what was acknowledged; the server is killed with
SIGKILL and started again, at seeded moments.

Run it with ``python -m campaigns.server_kills [KILLS]``.
"""

from __future__ import annotations

import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from py_mlops.errors import HeadMoved, StoreError, StoreUnavailable
from py_mlops.records import Author, Import, digest_of, record_id
from py_mlops.store import Row, Store, open_store
from tests.postgresql import PostgreSQL, postgresql

HEAD = "digits@main"
WRITERS = 4
_ANN = Author(name="Ann", email=None, source="unverified")


@dataclass
class Traffic:
    """What the writers were told.

    Attributes:
        acknowledged: Ids of the records whose add returned.
        refused: Messages of adds that failed.
    """

    acknowledged: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    over: threading.Event = field(default_factory=threading.Event)


def _write(address: str, number: int, traffic: Traffic) -> None:
    store = open_store(address)
    count = 0
    while not traffic.over.is_set():
        count += 1
        _add(store, number, count, traffic)
    store.close()


def _add(store: Store, number: int, count: int, traffic: Traffic) -> None:
    data = store.blobs
    record = Import(
        snapshot=digest_of(b"%d" % number), bundle=digest_of(b"%d" % count), author=_ANN,
        created=f"2026-01-31T12:00:{number:02}.{count:06}Z",
    )  # fmt: skip
    try:
        data.put_bytes(b"data %d %d" % (number, count))
        with store.ledger.turn(HEAD) as previous:
            store.add(record, head=HEAD, previous=previous)
    except (StoreUnavailable, HeadMoved) as error:
        traffic.refused[type(error).__name__] += 1
    else:
        traffic.acknowledged.append(record_id(record))


def _kill(server: PostgreSQL, kills: int, seed: int, traffic: Traffic) -> None:
    chance = random.Random(seed)
    for _ in range(kills):
        # Mid-traffic, on a busy machine too.
        enough = len(traffic.acknowledged) + chance.randint(1, 12)
        while len(traffic.acknowledged) < enough:
            time.sleep(chance.uniform(0, 0.02))
        server.kill()
        server.start()


def trial(server: PostgreSQL, address: str, kills: int, seed: int = 0) -> Traffic:
    """Kill a server under the hands of `WRITERS` writers.

    Args:
        server: It runs, and runs again at the end.
        address: Of a team's store in it.
        kills: How many times.
        seed: Of the moments.

    Returns:
        What the writers were told.
    """
    open_store(address).close()
    traffic = Traffic()
    writers = [
        threading.Thread(target=_write, args=(address, number, traffic))
        for number in range(WRITERS)
    ]
    for writer in writers:
        writer.start()
    try:
        _kill(server, kills, seed, traffic)
    finally:
        traffic.over.set()
        for writer in writers:
            writer.join()
    return traffic


def check(address: str, traffic: Traffic) -> Iterator[str]:
    """Yield a sentence for everything that is not as the writers were told."""
    store = open_store(address)
    try:
        yield from store.verify()
        rows = [row for row, _ in store.ledger.salvage()]  # also where one is missed
        yield from compare(rows, traffic)
        for row in rows:
            store.get(row.record)
    except StoreError as error:
        yield error.message
    finally:
        store.close()


def compare(rows: list[Row], traffic: Traffic) -> Iterator[str]:
    """Compare a log with what was acknowledged."""
    present = Counter(row.record for row in rows)
    for record, times in present.items():
        if times > 1:
            yield f"{record} stands in the log {times} times"
    moved = Counter(row.move.target for row in rows if row.move)
    for target, times in moved.items():
        if times > 1:
            yield f"the head was moved to {target} {times} times"
    for record in traffic.acknowledged:
        if record not in present:
            yield f"{record} was acknowledged and is lost"


def careless(server: PostgreSQL) -> None:
    """Let the server forget commits that it acknowledged: the control, which must fail.

    It takes the last rows away, as a server does that was killed without having written them.
    """
    with suppress(StoreError):
        server.execute(
            "DELETE FROM head; DELETE FROM log WHERE seq >= (SELECT max(seq) - 1 FROM log)"
        )


def main(kills: int = 20) -> int:
    """Kill a server and say what came of it."""
    start = time.monotonic()
    with TemporaryDirectory() as folder, postgresql() as server:
        address = server.address(blobs=str(Path(folder) / "blobs"))
        traffic = trial(server, address, kills)
        wrong = list(check(address, traffic))
        print(
            f"{kills} kills, {len(traffic.acknowledged)} acknowledged, "
            f"{sum(traffic.refused.values())} refused {dict(traffic.refused)}, "
            f"{len(wrong)} wrong, {time.monotonic() - start:.0f} s"
        )
        print("\n".join(wrong[:10]))
        careless(server)
        caught = list(check(address, traffic))
        print(f"the control, which must fail: {len(caught)} wrong, such as: {caught[:1]}")
    return int(bool(wrong) or not any("was acknowledged" in said for said in caught))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
