"""Stops a program at every single write it makes, and checks what it leaves behind.

For each system call that changes the disk, and each N, the program is run anew
and at its Nth such call killed, or told that the disk is full or failing
(``strace -e inject``). Killing at random moments finds nothing; this finds all.

Run it with ``python -m campaigns.kill_points``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from campaigns.places import address, assign
from py_mlops.errors import Corrupt, Missing, StoreError
from py_mlops.records import Author, Blob, Import, digest_of
from py_mlops.store import Store, open_store
from py_mlops.store.blobs.folder import FolderBlobs
from tests.postgresql import PostgreSQL, postgresql

ROOT = Path(__file__).parent.parent

CALLS = (
    "write", "pwrite64", "copy_file_range", "ftruncate", "fsync", "fdatasync", "syncfs",
    "rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir",
    "mkdirat", "utimensat",
)  # fmt: skip
"""System calls that change the disk, or promise that it was changed."""

SENDS = ("sendto",)
"""System calls that carry a statement to a database server."""

ALIKE = {"mkdir": 50, "mkdirat": 50}
"""Of these only every so manieth is tried: a store makes 256 folders in a row."""

FAULTS = {"kill": "signal=KILL", "disk full": "error=ENOSPC", "disk failing": "error=EIO"}

_STRUCK = {"kill": "killed by SIGKILL", "disk full": "(INJECTED)", "disk failing": "(INJECTED)"}

Argv = Callable[[Path], Sequence[str]]
"""Prepares an empty folder and returns the command to run on it."""

Check = Callable[[Path, str], Iterable[str]]
"""Says what is wrong, given the folder afterwards and what the command printed."""


@dataclass(frozen=True)
class Point:
    """Where a program is stopped, and how.

    Attributes:
        call: The system call.
        number: Which of its calls, from 1.
        fault: A key of `FAULTS`.
    """

    call: str
    number: int
    fault: str


@dataclass(frozen=True)
class Outcome:
    """What came of one point.

    Attributes:
        point: Which.
        struck: Whether the command came to that point, and so was stopped.
        problems: What the check found wrong.
    """

    point: Point
    struck: bool
    problems: tuple[str, ...]


def find_points(argv: Argv, *, calls: Sequence[str] = CALLS) -> list[Point]:
    """Run a command once undisturbed and return every point at which it can be stopped.

    Args:
        argv: The command.
        calls: System calls to stop at.
    """
    with tempfile.TemporaryDirectory() as name:
        trace = Path(name) / "trace"
        (Path(name) / "run").mkdir()
        tracer = ["-qq", "-o", str(trace), "-e", f"trace={','.join(calls)}"]
        _strace(tracer, argv(Path(name) / "run"), check=True)
        # strace counts the calls of each thread on its own, and so do we.
        seen = Counter(
            re.findall(r"^(\d+) +(\w+)\(", trace.read_text(errors="replace"), re.MULTILINE)
        )
    most = Counter[str]()
    for (_, call), count in seen.items():
        most[call] = max(most[call], count)
    return [
        Point(call, number, fault)
        for fault in FAULTS
        for call in calls
        for number in range(1, most[call] + 1, ALIKE.get(call, 1))
    ]


def find_statements(argv: Argv) -> list[Point]:
    """Return every point at which a command can be killed before it sends a statement.

    Nothing else is tried there: no network says that a disk is full.
    """
    return [point for point in find_points(argv, calls=SENDS) if point.fault == "kill"]


def try_point(point: Point, argv: Argv, check: Check) -> Outcome:
    """Stop a command at one point, in a folder of its own, and check what is left.

    A run is never quite the last one: which thread writes a file is chance, and so is
    how many writes a thread makes. A point that was not reached is looked for half
    as far in, until the command is stopped.

    Args:
        point: Where.
        argv: The command.
        check: Says what is wrong afterwards.

    Returns:
        What came of the point at which the command was stopped, or of the call's first.
    """
    outcome = _try_once(point, argv, check)
    while not outcome.struck and not outcome.problems and outcome.point.number > 1:
        nearer = replace(outcome.point, number=outcome.point.number // 2)
        outcome = _try_once(nearer, argv, check)
    return outcome


def _try_once(point: Point, argv: Argv, check: Check) -> Outcome:
    inject = f"inject={point.call}:{FAULTS[point.fault]}:when={point.number}"
    with tempfile.TemporaryDirectory() as name:
        folder, trace = Path(name) / "run", Path(name) / "trace"
        folder.mkdir()
        ran = _strace(
            ["-qq", "-o", str(trace), "-e", f"trace={point.call}", "-e", inject],
            argv(folder),
            fast=point.fault != "kill",
        )
        traced = trace.read_text(errors="replace")
        problems = list(check(folder, ran.stdout))
        if "Traceback" in ran.stderr:
            problems.append(f"it ended in a traceback: {ran.stderr.splitlines()[-1]}")
    return Outcome(point, _STRUCK[point.fault] in traced, tuple(problems))


def try_points(points: Iterable[Point], argv: Argv, check: Check) -> Iterator[Outcome]:
    """Try points, as many at a time as there are processors, and yield what came of each."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(lambda point: try_point(point, argv, check), points)


def _strace(
    tracer: Sequence[str], argv: Sequence[str], *, fast: bool = True, check: bool = False
) -> subprocess.CompletedProcess[str]:
    # Where seccomp stops a program, Linux ignores the signal strace would have it get.
    return subprocess.run(
        ["strace", "-f", *(["--seccomp-bpf"] if fast else []), *tracer, *argv],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=check,
    )


# The subject: a program that adds records to a store and says so after each.

_ADDS = 2
_HEAD = "digits@main"


def adding(folder: Path) -> list[str]:
    """Return the command that adds records to a store."""
    return _subject("add", folder)


def adding_in_place(folder: Path) -> list[str]:
    """Return the same command on blobs that are written in place: the negative control."""
    return _subject("add-in-place", folder)


def adding_unflushed(folder: Path) -> list[str]:
    """Return the same command without a flush of any blob: the negative control of power cuts."""
    return _subject("add-unflushed", folder)


def adding_to_team(server: PostgreSQL) -> Argv:
    """Return what prepares the same command on a team's store in a server.

    Args:
        server: A running server; each folder gets a schema of its own in it.
    """

    def argv(folder: Path) -> list[str]:
        assign(folder, "store", server, blobs=str(folder / "blobs"))
        return _subject("add", folder)

    return argv


def _subject(verb: str, folder: Path) -> list[str]:
    for number in range(_ADDS):
        (folder / f"data-{number}").write_bytes(b"%d" % number * 5000)
    return [sys.executable, "-m", "campaigns.kill_points", verb, str(folder)]


class InPlace(FolderBlobs):
    """Blobs written straight under their names, as one would without thinking of crashes."""

    def put_bytes(self, data: bytes) -> Blob:
        """Write some bytes in two steps."""
        blob = Blob(digest=digest_of(data), size=len(data))
        path = self.path(blob.digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            with path.open("wb", buffering=0) as file:
                file.write(data[: len(data) // 2])
                file.write(data[len(data) // 2 :])
        return blob

    def put_file(self, path: Path) -> Blob:
        """Write a file's bytes."""
        return self.put_bytes(path.read_bytes())

    @contextmanager
    def batch(self) -> Iterator[InPlace]:  # type: ignore[override]  # a writer of its own kind
        """Write each blob at once."""
        yield self


def _add(verb: str, folder: Path) -> int:
    try:
        store = open_store(address(folder))
    except StoreError as error:
        _say(f"refused {error.message}")
        return 1
    if verb == "add-in-place":
        store = replace(store, blobs=InPlace(folder / "store"))
    if verb == "add-unflushed":
        os.fsync = lambda fd: None  # noqa: ARG005 - it stands in for one that has it
    add_records(store, folder)
    return 0


def add_records(store: Store, folder: Path) -> None:
    """Add records one by one and acknowledge each; go on after a refusal."""
    for number in range(_ADDS):
        try:
            data = store.blobs.put_file(folder / f"data-{number}")
            previous = store.ledger.head(_HEAD)
            row = store.add(_record(data), head=_HEAD, previous=previous)
        except StoreError as error:
            _say(f"refused {error.message}")
        else:
            _say(f"added {row.record} {data.digest}")


def _record(data: Blob) -> Import:
    author = Author(name="Ann", email=None, source="unverified")
    created = "2026-01-31T12:00:00.000000Z"
    return Import(snapshot=data.digest, bundle=data.digest, created=created, author=author)


def _say(line: str) -> None:
    with suppress(OSError):  # an acknowledgement that could not be given is none
        os.write(1, f"{line}\n".encode())


def check_store(folder: Path, printed: str) -> Iterator[str]:
    """Say what is wrong with a store after its writer was stopped.

    Everything acknowledged must be there and verify, nothing half-written be
    visible, and the next add must work.

    Args:
        folder: The folder with the store.
        printed: What the writer printed.
    """
    try:
        store = open_store(address(folder))
    except StoreError as error:
        yield f"the store does not open: {error.message}"
        return
    try:
        yield from store.verify()
        for name in re.findall(r"sha256:[0-9a-f]{64}", " ".join(_acknowledged(printed))):
            if not store.blobs.has(name):
                yield f"{name} was acknowledged and is lost"
        for row in store.ledger.rows():
            try:
                reachable = store.reachable(row.record)
            except (Missing, Corrupt) as error:
                yield error.message
            else:
                for name in reachable:
                    yield from _readable(store, name)
        for blob in store.blobs:
            yield from _readable(store, blob.digest)
        yield from _next_add(store, folder)
    finally:
        store.close()


def _acknowledged(printed: str) -> list[str]:
    return [line for line in printed.splitlines() if line.startswith("added ")]


def _readable(store: Store, name: str) -> Iterator[str]:
    try:
        store.blobs.read(name)
    except (Missing, Corrupt) as error:
        yield error.message


def _next_add(store: Store, folder: Path) -> Iterator[str]:
    (folder / "next").write_bytes(b"the next one")
    record = _record(store.blobs.put_file(folder / "next"))
    name = store.add(record, head=_HEAD, previous=store.ledger.head(_HEAD)).record
    if store.resolve(_HEAD, ("import",)) != name or store.get(name) != record:
        yield "the next add did not work"


def report(title: str, outcomes: Iterable[Outcome]) -> int:
    """Print a table of what came of the points, and return how many failed."""
    tried, failed = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    examples = []
    for outcome in outcomes:
        key = outcome.point.call, outcome.point.fault
        tried[key] += outcome.struck
        if outcome.problems:
            failed[key] += 1
            examples.append(f"  {outcome.point}: {outcome.problems[0]}")
    print(f"\n{title}: points failed/tried")
    print(f"  {'':16}" + "".join(f"{fault:>14}" for fault in FAULTS))
    for call in dict.fromkeys(call for call, _ in tried):
        cells = [f"{failed[call, fault]}/{tried[call, fault]}" for fault in FAULTS]
        print(f"  {call:16}" + "".join(f"{cell:>14}" for cell in cells))
    print("\n".join(examples[:10]))
    return failed.total()


def main(arguments: Sequence[str] = ()) -> int:
    """Try every point of the store, and of the control, which must fail."""
    if arguments:
        return _add(arguments[0], Path(arguments[1]))
    start = time.monotonic()
    failed = report("Store", try_points(find_points(adding), adding, check_store))
    with postgresql() as server:
        team = adding_to_team(server)
        points = find_points(team) + find_statements(team)
        failed += report("Team's store", try_points(points, team, check_store))
    control = find_points(adding_in_place, calls=["write"])
    outcomes = list(try_points(control, adding_in_place, check_store))
    caught = report("In-place control", outcomes)
    # Fault by fault: one that never strikes would look like a store that bears it.
    blind = set(FAULTS) - {outcome.point.fault for outcome in outcomes if outcome.problems}
    print(f"{failed} failures of the store, {caught} of the control (which must fail), "
          f"{time.monotonic() - start:.0f} s")  # fmt: skip
    return int(failed > 0 or bool(blind))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
