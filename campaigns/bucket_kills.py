"""Kills a push into a database and a bucket at every message it sends, and checks both ends.

Run it with ``python -m campaigns.bucket_kills``; a number after it tries only every
so manieth point.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from campaigns.commands import TEAM, arrived
from campaigns.kill_points import Outcome, find_points, try_points
from campaigns.places import address, assign
from campaigns.prepared import HEAD, open_at, prepare
from py_mlops.commands.transfer.push import push
from py_mlops.commands.upkeep.verify import verify
from py_mlops.errors import MlopsError
from py_mlops.store import open_store
from tests.buckets import Service, rclone
from tests.postgresql import PostgreSQL, postgresql

CALLS = ("sendto", "sendmsg", "writev", "write")
"""System calls by which messages leave, and files are written."""


@dataclass(frozen=True)
class Team:
    """A team's two servers.

    Attributes:
        database: Its ledgers.
        bucket: Its bytes.
    """

    database: PostgreSQL
    bucket: Service

    def command(self, folder: Path) -> list[str]:
        """Prepare a folder and a team's store of its own, and return the command that pushes."""
        prepare(folder)
        assign(folder, TEAM, self.database, blobs=self.bucket.address())
        return [sys.executable, "-m", "campaigns.bucket_kills", "push", str(folder)]


@contextmanager
def servers() -> Iterator[Team]:
    """Run both servers, with what a person sets to use them set."""
    before = dict(os.environ)
    with postgresql() as database, rclone() as bucket:
        os.environ.update(bucket.environment)
        try:
            yield Team(database, bucket)
        finally:
            os.environ.clear()
            os.environ.update(before)


def check(folder: Path, printed: str) -> Iterator[str]:
    """Say what is wrong after a push was killed.

    The snapshot is there whole or not at all, what was acknowledged is there,
    nothing is lost on this side, and the same push works without any repair.
    """
    target = address(folder, TEAM)
    first = (folder / "first").read_text()
    workspace = open_at(folder)
    try:
        with closing(workspace.store):
            yield from verify(workspace)
            with closing(open_store(target)) as store:
                yield from arrived(store, first, done="done" in printed.split())
            push(workspace, target, [HEAD])
            with closing(open_store(target)) as store:
                yield from (f"run again: {one}" for one in arrived(store, first, done=True))
                if store.ledger.head(HEAD) != first:
                    yield "run again: the head does not point at the snapshot"
    except MlopsError as error:
        yield f"{type(error).__name__}: {error.message}"


def try_pushes(team: Team, *, every: int = 1) -> Iterator[Outcome]:
    """Kill a push at every so manieth message, and yield what came of each."""
    points = [point for point in find_points(team.command, calls=CALLS) if point.fault == "kill"]
    return try_points(points[::every], team.command, check)


def main(arguments: Sequence[str] = ()) -> int:
    """Try every point."""
    if len(arguments) == 2:
        return _push(Path(arguments[1]))
    start = time.monotonic()
    with servers() as team:
        outcomes = list(try_pushes(team, every=int(arguments[0]) if arguments else 1))
    bad = [outcome for outcome in outcomes if outcome.problems]
    for outcome in bad[:10]:
        print(f"  {outcome.point}: {outcome.problems[0]}")
    struck = sum(outcome.struck for outcome in outcomes)
    print(f"killed at {struck} of {len(outcomes)} points, {len(bad)} with problems, "
          f"{time.monotonic() - start:.0f} s")  # fmt: skip
    return int(bool(bad) or not struck)


def _push(folder: Path) -> int:
    try:
        push(open_at(folder), address(folder, TEAM), [HEAD])
    except MlopsError as error:
        print(f"refused: {error.message}", flush=True)
        return 1
    print("done", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
