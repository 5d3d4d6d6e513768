"""A folder of many small files beside dvc and mlflow: taken in, and taken in again unchanged.

Run it with ``python -m benchmarks.folder [files [rounds]]``. Contenders take
turns, each in a process and an environment of its own. Ours does all that a
snapshot does with the files once a kernel has handed over what it read.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from benchmarks.figures import machine
from benchmarks.store import CACHE, contend, install
from py_mlops.records.handover import Handover
from tests.handovers import handover, seen

FILES = 50_000
MEAN = 6120
"""Bytes of a file on average: 50,000 of them are 306 MB."""

FASTER = 8
"""So many times faster than either contender the first time should be."""

OURS = """
import resource
from pathlib import Path
from benchmarks.folder import noted
from py_mlops.data.packing import pack
from py_mlops.data.reads import gather
from py_mlops.data.rules import IgnoreRules
from py_mlops.store import open_store
store = open_store(Path("store"))
handover, rules = noted(Path(sys.argv[1])), IgnoreRules(())
def work():
    with store.blobs.batch() as writer:
        found = gather(
            handover, rules, writer.put_file, lambda name: None, pack=lambda groups: pack(
                groups, blobs=store.blobs, writer=writer, cache=store.stat_cache
            )
        )
    assert [len(found.trees), found.files, found.holes] == [1, [], []]
first, again = timed(work), timed(work)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10, first, again)
"""
DVC = """
import os, shutil
from dvc.repo import Repo
repo = Repo.init(no_scm=True)
shutil.copytree(sys.argv[1], "images", copy_function=os.link)
work = lambda: repo.add("images")
print(timed(work), timed(work))
"""
MLFLOW = """
import mlflow
mlflow.set_tracking_uri("sqlite:///mlflow.sqlite")
mlflow.set_experiment("bench")
with mlflow.start_run():
    work = lambda: mlflow.log_artifacts(sys.argv[1])
    print(timed(work), timed(work))
"""


def noted(folder: Path) -> Handover:
    """Return what a kernel hands over that read every file of a folder."""
    files = [
        seen(path, requested=str(path.relative_to(folder.parent)))
        for path in sorted(folder.rglob("*.png"))
    ]
    return msgspec.convert(handover(folder.parent, *files), Handover)


def images(folder: Path, count: int) -> Path:
    """Write a folder of files that do not compress, a hundred to a thousand in a subfolder."""
    source = random.Random(0)
    for number in range(count):
        path = folder / f"class_{number % 50:02}" / f"{number:06}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.randbytes(source.randint(MEAN // 2, MEAN * 3 // 2)))
    return folder


def main(arguments: list[str]) -> None:
    """Print the table."""
    count = int(arguments[0]) if arguments else FILES
    rounds = int(arguments[1]) if len(arguments) > 1 else 3
    contenders = {
        "py-mlops": (sys.executable, OURS),
        "dvc add": (install("dvc"), DVC),
        "mlflow log_artifacts": (install("mlflow"), MLFLOW),
    }
    times: dict[str, list[list[float]]] = {name: [] for name in contenders}
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        folder = images(Path(name) / "images", count)
        time.sleep(3)  # files changed just now are not trusted
        for _ in range(rounds):
            for contender, (python, script) in contenders.items():
                os.sync()  # nobody pays for another's unwritten pages
                times[contender].append(contend(python, script, folder))
    medians = {
        name: [statistics.median(one) for one in zip(*measured, strict=True)]
        for name, measured in times.items()
    }
    first, again = medians["py-mlops"][-2:]
    print(f"{count:,} files (median of {rounds}, s)      first   again   ours is faster (wanted)")
    for name, figures in medians.items():
        print(f"  {name:32} {figures[-2]:7.2f} {figures[-1]:7.2f}   "
              f"{figures[-2] / first:5.1f} times ({FASTER})")  # fmt: skip
    print(f"  again, as a part of the first time {again / first:.2f} (wanted 0.10)")
    print(f"  peak memory of ours {medians['py-mlops'][0]:.0f} MiB")


if __name__ == "__main__":
    print(machine())
    main(sys.argv[1:])
