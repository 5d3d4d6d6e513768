"""``mlops verify`` of a signed store beside ``sha256sum`` over the same bytes.

Run it with ``python -m benchmarks.verify [MEGABYTES [FILES [ROUNDS]]]``. The target is 80 % of the
speed of ``sha256sum``; both read from the page cache.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from benchmarks.figures import Figure, table
from py_mlops.commands.upkeep.verify import verify
from py_mlops.records import DataFile
from py_mlops.settings import Settings
from py_mlops.signing import Signer
from py_mlops.store import open_store
from py_mlops.workspace import Workspace
from tests.store.samples import ANN, snapshot

_SMALL = 64 << 10
_PART = 0.8


def _fill(folder: Path, megabytes: int, files: int) -> Workspace:
    """Make a store with one large file, and so many small ones in ten snapshots."""
    signer = Signer(ANN, folder / "config")
    store = open_store(folder / "store", signer=signer)
    source = random.Random(0)
    history, lock = store.blobs.put_bytes(b"history"), store.blobs.put_bytes(b"lock")
    large = folder / "large"
    with large.open("wb") as file:
        for _ in range(megabytes):
            file.write(source.randbytes(1 << 20))
    blobs = [store.blobs.put_file(large)]
    with store.blobs.batch() as writer:
        blobs += [writer.put_bytes(source.randbytes(_SMALL)) for _ in range(files)]
    large.unlink()
    for number in range(10):
        data = [
            DataFile(
                path=f"/data/{at}", requested=f"{at}", role="input", rewritten=False, cell=1,
                observed="audit-hook", process="", blobs=[blob], modified="0", executable=False,
            )
            for at, blob in enumerate(blobs[number::10])
        ]  # fmt: skip
        record = snapshot(f"model {number}", history=history, lock=lock)
        store.add(msgspec.structs.replace(record, data=data), head=f"model {number}@main")
    return Workspace(store, ANN, Settings(str(folder / "store"), folder / "cache", ()))


def main(words: list[str]) -> None:
    """Measure in turn, and print the ratio."""
    numbers = [int(word) for word in words]
    megabytes, files, rounds = (*numbers, *(1024, 2000, 5)[len(numbers) :])
    with tempfile.TemporaryDirectory(prefix="mlops-bench-") as name:
        folder = Path(name)
        workspace = _fill(folder, megabytes, files)
        objects = sorted(str(path) for path in (folder / "store" / "objects").glob("*/*"))
        ours, theirs = [], []
        for _ in range(rounds):
            start = time.perf_counter()
            subprocess.run(["sha256sum", "--", *objects], stdout=subprocess.DEVNULL, check=True)
            theirs.append(time.perf_counter() - start)
            start = time.perf_counter()
            assert list(verify(workspace)) == []
            ours.append(time.perf_counter() - start)
        workspace.store.close()
    most = statistics.median(theirs) / _PART
    table(
        f"Verifying {megabytes} MiB in one file and {files} files of 64 KiB",
        [Figure("mlops verify", ours, most), Figure("sha256sum", theirs)],
    )
    speed = statistics.median(theirs) / statistics.median(ours)
    print(f"  verify is at {speed:.0%} of the speed of sha256sum; the target is {_PART:.0%}")


if __name__ == "__main__":
    main(sys.argv[1:])
