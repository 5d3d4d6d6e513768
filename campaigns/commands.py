"""Stops verbs at every single write they make, and checks what they leave behind.

`campaigns.kill_points` does so with the store alone; here the subjects are
snapshot, run, restore, bundle, unbundle, push, pull and gc, on a real store with
a snapshot in it: in a folder, and in a team's database.

Run it with ``python -m campaigns.commands``; a number after it tries only every
so manieth point.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from campaigns.kill_points import (
    FAULTS,
    ROOT,
    Argv,
    Outcome,
    find_points,
    find_statements,
    try_points,
)
from campaigns.places import address, assign
from campaigns.prepared import HEAD, NOTEBOOK, open_at, prepare, take
from py_mlops.commands.transfer.bundle import bundle
from py_mlops.commands.transfer.pull import pull
from py_mlops.commands.transfer.push import push
from py_mlops.commands.transfer.unbundle import unbundle
from py_mlops.commands.upkeep.gc import gc
from py_mlops.commands.upkeep.verify import verify
from py_mlops.environment.kept import kept
from py_mlops.errors import MlopsError, NoStore
from py_mlops.records import Snapshot, record_id
from py_mlops.records.closure import named_blobs
from py_mlops.store import Store, open_store
from py_mlops.workspace import Workspace
from tests.postgresql import PostgreSQL, postgresql

TEAM = "team"
"""The store that is pushed to."""

Run = Callable[[Workspace, Path], object]
"""Does it in a prepared folder, unless the result is there already and it would refuse."""

State = Callable[[Workspace, Path, bool], Iterable[str]]
"""Says what is wrong with the result, which may only be absent while it is not done."""


@dataclass(frozen=True)
class Verb:
    """A verb under test.

    Attributes:
        run: Does it.
        state: Says what is wrong with what it left.
        apart: Whether it needs a process of its own when it is tried again: what
            it leaves in a process would be left in the campaign's.
    """

    run: Run
    state: State
    apart: bool = False


def _first(folder: Path) -> str:
    return (folder / "first").read_text()


def _snapshot(_: Workspace, folder: Path) -> str:
    return record_id(take(folder, "handover-2"))


def _snapshot_state(workspace: Workspace, folder: Path, done: bool) -> Iterator[str]:
    head = workspace.store.ledger.head(HEAD) or "nothing"
    if head == _first(folder):
        if done:
            yield "the new snapshot is not there"
        return
    record = workspace.store.get_as(head, Snapshot)
    while record.parents != [_first(folder)]:
        record = workspace.store.get_as(record.parents[0], Snapshot)


def _execute(workspace: Workspace, folder: Path) -> object:
    # papermill and nbformat take longer to import than all the other verbs do.
    from py_mlops.commands.reruns.run import run  # noqa: PLC0415 - see above

    return run(workspace, folder / NOTEBOOK, output=folder / "sent" / "executed.ipynb")


def _execute_state(workspace: Workspace, folder: Path, done: bool) -> Iterator[str]:
    head = workspace.store.ledger.head(f"{Path(NOTEBOOK).stem}@main")
    if head:
        yield from arrived(workspace.store, head, done=True)
    elif done:
        yield "the snapshot is not there"
    try:
        found = [json.loads(data)["cells"] for data in _visible(folder / "sent").values()]
    except ValueError:
        yield "the executed notebook is not whole"
    else:
        if done and not found:
            yield "the executed notebook is not there"


def _restore(workspace: Workspace, folder: Path, to: str = "restored") -> list[str]:
    # It imports nbformat, which takes longer than all the other verbs do.
    from py_mlops.commands.snapshots.restore import restore  # noqa: PLC0415 - see above

    return restore(workspace, _first(folder), folder / to)


def _restore_state(workspace: Workspace, folder: Path, done: bool) -> Iterator[str]:
    _restore(workspace, folder, "whole")
    whole, found = _visible(folder / "whole"), _visible(folder / "restored")
    yield from (f"{name} is not whole" for name in found if found[name] != whole.get(name))
    if done:
        yield from (f"{name} is not there" for name in sorted(whole.keys() - found))
        yield from (f"{path.name} is left" for path in (folder / "restored").glob(".mlops*"))


def _visible(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder; drafts, whose names or folders begin with a dot, are none."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not re.search(r"(^|/)\.", str(path.relative_to(folder)))
    }


def _bundle(workspace: Workspace, folder: Path) -> None:
    target = folder / "sent" / "flowers.mlops"
    if not target.exists():
        bundle(workspace, _first(folder), target)


def _bundle_in_place(workspace: Workspace, folder: Path) -> None:
    """Write straight under the final name, as one would without thinking of crashes."""
    whole = bundle(workspace, _first(folder), folder / "draft").read_bytes()
    target = folder / "sent" / "flowers.mlops"
    with target.open("wb", buffering=0) as file:
        file.write(whole[: len(whole) // 2])
        file.write(whole[len(whole) // 2 :])


def _bundle_state(workspace: Workspace, folder: Path, done: bool) -> Iterator[str]:
    found = _visible(folder / "sent")
    with tempfile.TemporaryDirectory() as name:
        whole = bundle(workspace, _first(folder), Path(name) / "bundle").read_bytes()
    # The same snapshot gives the same bytes, so a bundle is whole or is not this one.
    yield from (f"{name} is not whole" for name in found if found[name] != whole)
    if done and not found:
        yield "the bundle is not there"


def _unbundle(workspace: Workspace, folder: Path) -> str:
    return unbundle(workspace, folder / "received.mlops")


def _unbundle_state(workspace: Workspace, folder: Path, done: bool) -> Iterator[str]:
    received = (folder / "received").read_text()
    if workspace.store.ledger.find(received.removeprefix("sha256:")):
        workspace.store.get_as(received, Snapshot)
    elif done:
        yield "the received snapshot is not there"
    elif workspace.store.ledger.newest(kind="import", subject=received):
        yield "the import is there without the snapshot it brought"


def _gc(workspace: Workspace, _: Path) -> object:
    return gc(workspace, delete=True, grace=0)


def _gc_state(workspace: Workspace, folder: Path, done: bool) -> Iterator[str]:
    if done:
        garbage = (folder / "garbage").read_text().split()
        yield from (f"{name} is still there" for name in garbage if workspace.store.blobs.has(name))
        if any(one.complete for one in kept(workspace.cache)):
            yield "the unused environment is still there"


def _push(workspace: Workspace, folder: Path) -> object:
    return push(workspace, address(folder, TEAM), [HEAD])


def _push_state(_: Workspace, folder: Path, done: bool) -> Iterator[str]:
    try:
        store = open_store(address(folder, TEAM), create=False)
    except NoStore:
        if done:
            yield "the other store is not there"
        return
    with closing(store):
        yield from arrived(store, _first(folder), done=done)
        if done and store.ledger.head(HEAD) != _first(folder):
            yield "the other store's head does not point at the snapshot"


def _pull(workspace: Workspace, folder: Path) -> object:
    return pull(workspace, str(folder / "their-store"), [(folder / "received").read_text()])


def _pull_state(workspace: Workspace, folder: Path, done: bool) -> Iterator[str]:
    yield from arrived(workspace.store, (folder / "received").read_text(), done=done)


def arrived(store: Store, snapshot_id: str, *, done: bool) -> Iterator[str]:
    """Say what is wrong with a store that a snapshot was moved to: it is there whole, or not.

    Args:
        store: The store.
        snapshot_id: The snapshot's whole id.
        done: Whether it was said to be there.
    """
    yield from store.verify()
    if store.ledger.find(snapshot_id.removeprefix("sha256:")):
        for blob in named_blobs(store.get_as(snapshot_id, Snapshot)):
            store.blobs.read(blob.digest)
    elif done:
        yield "the snapshot is not there"
    elif store.ledger.newest(kind="import", subject=snapshot_id):
        yield "the import is there without the snapshot it brought"


VERBS = {
    "snapshot": Verb(_snapshot, _snapshot_state),
    "run": Verb(_execute, _execute_state, apart=True),
    "restore": Verb(_restore, _restore_state),
    "bundle": Verb(_bundle, _bundle_state),
    "unbundle": Verb(_unbundle, _unbundle_state),
    "push": Verb(_push, _push_state),
    "pull": Verb(_pull, _pull_state),
    "gc": Verb(_gc, _gc_state),
}

SELDOM = {"run": 50}
"""Of these only every so manieth point is tried: each starts two kernels."""

CONTROL = "bundle-in-place"
"""The negative control: a verb that the check of bundles must find wanting."""

_ALL = VERBS | {CONTROL: Verb(_bundle_in_place, _bundle_state)}


def running(verb: str, folder: Path, server: PostgreSQL | None = None) -> list[str]:
    """Prepare a folder, and return the command that runs a verb in it.

    Args:
        verb: Which.
        folder: An empty folder.
        server: Where the store, and the one that is pushed to, have their
            ledgers; without one they are in the folder.
    """
    if server:
        for store in ("store", TEAM):
            assign(folder, store, server, blobs=str(folder / store))
    prepare(folder)
    return _command(verb, folder)


def _command(verb: str, folder: Path) -> list[str]:
    return [sys.executable, "-m", "campaigns.commands", verb, str(folder)]


def check(verb: str, folder: Path, printed: str) -> Iterator[str]:
    """Say what is wrong after a verb was stopped.

    All that was there before must be there and verify, what the verb
    acknowledged must be there, nothing half-written be visible, and the same
    verb must work without any repair.

    Args:
        verb: Which.
        folder: Where it ran.
        printed: What it printed.
    """
    try:
        with closing(open_at(folder).store):
            yield from _check(verb, folder, done="done" in printed.split())
    except MlopsError as error:
        yield f"{type(error).__name__}: {error.message}"


def _check(name: str, folder: Path, *, done: bool) -> Iterator[str]:
    verb, workspace = _ALL[name], open_at(folder)
    with closing(workspace.store):
        yield from _unharmed(workspace, folder)
        yield from verb.state(workspace, folder, done)
        if verb.apart:
            subprocess.run(_command(name, folder), cwd=ROOT, capture_output=True, check=True)
        else:
            verb.run(workspace, folder)
        yield from (f"run again: {problem}" for problem in verb.state(workspace, folder, True))
        yield from (f"run again: {problem}" for problem in _unharmed(workspace, folder))


def _unharmed(workspace: Workspace, folder: Path) -> Iterator[str]:
    yield from verify(workspace)
    if not workspace.store.ledger.find(_first(folder).removeprefix("sha256:")):
        yield "the snapshot from before is lost"
    gc(workspace, grace=0)  # raises when a record's bytes are not all there


def try_verb(
    verb: str,
    *,
    every: int = 1,
    calls: Sequence[str] | None = None,
    server: PostgreSQL | None = None,
) -> Iterator[Outcome]:
    """Try the points of a verb, and yield what came of each.

    Args:
        verb: Which.
        every: Try only every so manieth point.
        calls: System calls to stop at, by default all that change the disk.
        server: As for `running`; the verb is then killed before each statement, too.
    """
    argv: Argv = partial(running, verb, server=server)
    points = find_points(argv, calls=calls) if calls else find_points(argv)
    if server:
        points += find_statements(argv)
    # From the middle of the first so many: where each fault begins, nothing is done yet.
    return try_points(points[every // 2 :: every], argv, partial(check, verb))


def _table(
    verbs: Iterable[str], every: int, server: PostgreSQL | None = None
) -> Iterator[tuple[str, int]]:
    """Print a row for each verb, and yield how many of its points failed."""
    where = "PostgreSQL" if server else "SQLite"
    print(f"{where + ', points/problems':28}" + "".join(f"{fault:>16}" for fault in FAULTS))
    for verb in verbs:
        struck, failed, missed, examples = Counter[str](), Counter[str](), 0, []
        calls = ["write"] if verb == CONTROL else None
        seldom = every * SELDOM.get(verb, 1)
        for outcome in try_verb(verb, every=seldom, calls=calls, server=server):
            struck[outcome.point.fault] += outcome.struck
            missed += not outcome.struck
            if outcome.problems:
                failed[outcome.point.fault] += 1
                examples.append(f"    {outcome.point}: {outcome.problems[0]}")
        cells = [f"{struck[fault]}/{failed[fault]}" for fault in FAULTS]
        print(f"{verb:28}" + "".join(f"{cell:>16}" for cell in cells), f"  ({missed} not reached)")
        print("".join(f"{line}\n" for line in examples[:10]), end="", flush=True)
        yield verb, failed.total()


def main(arguments: Sequence[str] = ()) -> int:
    """Try every point of every verb, and of the control, which must fail."""
    if len(arguments) == 2:
        return _run(arguments[0], Path(arguments[1]))
    start = time.monotonic()
    every = int(arguments[0]) if arguments else 1
    failed = sum(failed for _, failed in _table(VERBS, every))
    with postgresql() as server:
        failed += sum(failed for _, failed in _table(VERBS, every, server))
    caught = sum(failed for _, failed in _table([CONTROL], 1))
    print(f"{failed} failures of the verbs, {caught} of the control (which must "
          f"fail), every point in {every} tried, {time.monotonic() - start:.0f} s")  # fmt: skip
    return int(failed > 0 or caught == 0)


def _run(verb: str, folder: Path) -> int:
    try:
        workspace = open_at(folder)
        _ALL[verb].run(workspace, folder)
    except MlopsError as error:
        _say(f"refused: {error.message}")
        return 1
    _say("done")
    return 0


def _say(line: str) -> None:
    with suppress(OSError):  # an acknowledgement that could not be given is none
        os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
