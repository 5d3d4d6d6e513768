"""Cuts the power of the disk a program writes to, and checks what the next start finds.

A killed program's writes outlive it; those to a disk without power do not,
unless they were flushed. Here the disk is an ext4 image (`campaigns.block_device`)
that records all it is given, and is built anew as it was at some moment: what
was flushed is there, the rest in part.

Run it with ``python -m campaigns.power_cuts``; a number after it is that of cuts.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
import time
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from campaigns import commands
from campaigns.block_device import Recording, format_image, mounted, problem, recorded
from campaigns.kill_points import ROOT, Argv, Check, adding, adding_unflushed, check_store

CUTS = 240
_SEED = 20260131
_ROOM = 512 << 20
"""Bytes that a few images take."""


@dataclass(frozen=True)
class Subject:
    """A program under test, and what is to hold after a cut.

    Attributes:
        argv: Prepares an empty folder and returns the command to run on it.
        check: Says what is wrong afterwards.
    """

    argv: Argv
    check: Check


def _of(verb: str) -> Subject:
    def check(folder: Path, printed: str) -> Iterable[str]:
        # Of garbage is promised that it may go, not that it is gone for good.
        return commands.check(verb, folder, "" if verb == "gc" else printed)

    return Subject(partial(commands.running, verb), check)


SUBJECTS = {"add": Subject(adding, check_store)} | {verb: _of(verb) for verb in commands.VERBS}

CONTROL = Subject(adding_unflushed, check_store)
"""The negative control: blobs that are written without a flush, which the check must find."""


@dataclass(frozen=True)
class Cut:
    """What came of one cut.

    Attributes:
        at: After how many writes and flushes.
        lost: How many writes had not reached the disk.
        problems: What the check found wrong.
    """

    at: int
    lost: int
    problems: tuple[str, ...]


def try_cuts(subject: Subject, count: int, seed: int = _SEED) -> Iterator[Cut]:
    """Run a program once on a recording disk, and cut its power at some moments.

    Args:
        subject: The program.
        count: At how many moments; the last is the end, when all is acknowledged.
        seed: Decides at which, and what of the unflushed is lost.
    """
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="power-", dir=_memory()) as name:
        place = Path(name)
        # The same path before and after: records name files by theirs.
        disk = place / "mounted"
        disk.mkdir()
        run = _record(subject, place, disk)
        moments = range(run.started, len(run.recording.writes) + 1)
        drawn = set(chance.sample(moments, min(count - 1, len(moments)))) | {run.ended}
        for at in sorted(drawn):
            lost = run.recording.cut(at, place / "image", chance)
            printed = "".join(line for heard, line in run.said if heard <= at)
            with mounted(place / "image", disk):
                problems = tuple(subject.check(disk / "run", printed))
            yield Cut(at - run.started, lost, problems)


def _memory() -> Path | None:
    """Return a folder in memory: a cut copies the whole image, and the real disk may be busy."""
    folder = Path("/dev/shm")  # noqa: S108 - nothing of anybody is in the images
    return folder if folder.is_dir() and shutil.disk_usage(folder).free > _ROOM else None


@dataclass(frozen=True)
class Run:
    """A program that ran on a recording disk; moments are numbers of writes and flushes.

    Attributes:
        recording: All that the disk was given, what the program did not wait for included.
        started: The moment at which the program began.
        ended: The moment at which it had ended.
        said: The lines it said, each with the moment at which it was heard.
    """

    recording: Recording
    started: int
    ended: int
    said: tuple[tuple[int, str], ...]


def _record(subject: Subject, place: Path, disk: Path) -> Run:
    """Run a program on a recording disk."""
    image, base, log = place / "recorded", place / "base", place / "log"
    format_image(image)
    shutil.copyfile(image, base)
    flush = ["sync", "--file-system", str(disk)]
    with recorded(image, log, disk):
        run = disk / "run"
        run.mkdir()
        argv = subject.argv(run)
        subprocess.run(flush, check=True)
        started = log.stat().st_size
        with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
            assert program.stdout is not None
            said = [(log.stat().st_size, line) for line in program.stdout]
        ended = log.stat().st_size
        # What it did not wait for is written now, and cut in its midst as well.
        subprocess.run(flush, check=True)
        last = log.stat().st_size
    if program.returncode:
        raise RuntimeError(f"it failed without any cut: {argv}")
    recording = Recording.read(base, log)
    moment = partial(bisect_right, recording.ends)
    return Run(
        replace(recording, writes=recording.writes[: moment(last)]),
        moment(started),
        moment(ended),
        tuple((moment(heard), line) for heard, line in said),
    )


def report(title: str, cuts: Iterable[Cut]) -> int:
    """Print a row of what came of the cuts, and return how many failed."""
    tried = list(cuts)
    failed = [cut for cut in tried if cut.problems]
    lossy = sum(cut.lost > 0 for cut in tried)
    print(f"  {title:12}{len(tried):4} cuts, {lossy:4} of them with writes lost, "
          f"{len(failed)} failed", flush=True)  # fmt: skip
    for cut in failed[:3]:
        print(f"    after {cut.at}: {cut.problems[0]}")
    return len(failed)


def main(arguments: Sequence[str] = ()) -> int:
    """Cut the power under every subject, and under the control, which must fail."""
    if why := problem():
        print(f"not covered: power cuts ({why})")
        return 0
    start = time.monotonic()
    count = (int(arguments[0]) if arguments else CUTS) // len(SUBJECTS)
    failed = sum(report(name, try_cuts(one, count)) for name, one in SUBJECTS.items())
    caught = report("control", try_cuts(CONTROL, count))
    print(f"{failed} failures, {caught} of the control (which must fail), "
          f"{time.monotonic() - start:.0f} s")  # fmt: skip
    return int(failed > 0 or caught == 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
