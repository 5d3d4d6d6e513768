"""The store's figures: pages of a large ledger, and a large file beside dvc and mlflow.

Run it with ``python -m benchmarks.store [GiB [rounds]]``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from py_mlops.store import Entry
from py_mlops.store.ledger.ledger import SqlLedger

CACHE = Path(".cache/bench").absolute()
ROWS = 1_000_000
_BATCH = 20_000
_TIME = "2026-01-31T12:00:00.000000Z"

# Each contender runs in a process of its own, times nothing but its call, twice
# (the second time with the file unchanged), and prints the two figures.
_TIMED = """
import sys, time
def timed(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
"""
OURS = """
from pathlib import Path
from py_mlops.store import ingest, open_store
store = open_store(Path("store"))
work = lambda: ingest(Path(sys.argv[1]), store.blobs, store.stat_cache)
print(timed(work), timed(work))
"""
DVC = """
import os
from dvc.repo import Repo
repo = Repo.init(no_scm=True)
os.link(sys.argv[1], "data.bin")
work = lambda: repo.add("data.bin")
print(timed(work), timed(work))
"""
MLFLOW = """
import mlflow
mlflow.set_tracking_uri("sqlite:///mlflow.sqlite")
mlflow.set_experiment("bench")
with mlflow.start_run():
    work = lambda: mlflow.log_artifact(sys.argv[1])
    print(timed(work), timed(work))
"""


def large_ledger() -> SqlLedger:
    """Return a ledger of a million rows; it is made once and kept."""
    path = CACHE / "ledger.sqlite"
    path.parent.mkdir(parents=True, exist_ok=True)
    ledger = SqlLedger(f"sqlite:///{path}")
    start = time.perf_counter()
    for first in range(ledger.size(), ROWS, _BATCH):
        ledger.append([_entry(number) for number in range(first, first + _BATCH)])
        print(f"\r{first + _BATCH} rows, {time.perf_counter() - start:.0f} s", end="", flush=True)
    print("\r", end="")
    return ledger


def _entry(number: int) -> Entry:
    digest = hashlib.sha256(b"%d" % number).hexdigest()
    kind = "reproduction" if number % 3 == 0 else "snapshot"
    return Entry(f"sha256:{digest}", kind, f"model-{number % 997}", "Ann", _TIME)


def pages() -> None:
    """Time pages of the newest rows, and the search for an id."""
    ledger = large_ledger()
    questions: dict[str, Callable[[], object]] = {
        "newest 50": ledger.newest,
        "newest 50 snapshots": lambda: ledger.newest(kind="snapshot"),
        "newest 50 of one model": lambda: ledger.newest(kind="snapshot", subject="model-7"),
        "50 from the middle": lambda: ledger.newest(kind="snapshot", before=ROWS // 2),
        "find by 8 digits": lambda: ledger.find("abcdef01"),
        "root": ledger.root,
        "inclusion proof": lambda: ledger.inclusion(ROWS // 3),
    }
    print(f"Ledger of {ledger.size():,} rows (median of 50, ms)")
    for name, question in questions.items():
        question()
        print(f"  {name:24} {statistics.median(_seconds(question) for _ in range(50)) * 1e3:8.2f}")
    start = ledger.size()
    rows = iter(range(start, start + 50))
    appended = [_seconds(lambda: ledger.append([_entry(next(rows))])) for _ in range(50)]
    print(f"  {'append one':24} {statistics.median(appended) * 1e3:8.2f}")
    ledger.close()


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def large_file(size: int, rounds: int) -> None:
    """Time taking in a large file, and taking it in again unchanged.

    Args:
        size: Its size in bytes.
        rounds: How often; contenders take turns.
    """
    contenders = {"py-mlops": OURS, "dvc add": DVC, "mlflow log_artifact": MLFLOW}
    pythons = {
        "py-mlops": sys.executable,
        "dvc add": install("dvc"),
        "mlflow log_artifact": install("mlflow"),
    }
    times: dict[str, list[list[float]]] = {name: [] for name in contenders}
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        path = Path(name) / "large.bin"
        _write(path, size)
        time.sleep(3)  # a file changed just now is not trusted by the stat cache
        for _ in range(rounds):
            for contender, script in contenders.items():
                os.sync()  # nobody pays for another's unwritten pages
                times[contender].append(contend(pythons[contender], script, path))
    print(
        f"File of {size / 2**30:.1f} GiB (median of {rounds}, s)   first   again   ours is faster"
    )
    ours = _medians(times["py-mlops"])
    for contender, measured in times.items():
        first, again = _medians(measured)
        print(f"  {contender:36} {first:7.2f} {again:7.3f}   {first / ours[0]:5.1f} times")


def install(package: str) -> str:
    """Return the interpreter of a virtual environment that holds a package."""
    folder = CACHE / package
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run(["uv", "venv", "-q", folder], check=True)
        subprocess.run(["uv", "pip", "install", "-q", "--python", python, package], check=True)
    return str(python)


def _write(path: Path, size: int) -> None:
    block = os.urandom(1 << 20)
    with path.open("wb") as file:
        for number in range(size >> 20):
            file.write(number.to_bytes(8, "big") + block[8:])
        os.fsync(file.fileno())


def contend(python: str, script: str, path: Path) -> list[float]:
    """Run a contender's script in an empty folder; return the figures that it prints last.

    Args:
        python: Its interpreter.
        script: Its code, behind that of `_TIMED`.
        path: What it works on.
    """
    folder = Path(tempfile.mkdtemp(dir=CACHE))
    try:
        ran = subprocess.run(
            [python, "-c", _TIMED + script, str(path)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(Path.cwd()), "DVC_NO_ANALYTICS": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        shutil.rmtree(folder)
    return [float(word) for word in ran.stdout.splitlines()[-1].split()]


def _medians(times: list[list[float]]) -> tuple[float, float]:
    first, again = zip(*times, strict=True)
    return statistics.median(first), statistics.median(again)


def main(arguments: list[str]) -> None:
    """Print both tables."""
    gigabytes = float(arguments[0]) if arguments else 2
    rounds = int(arguments[1]) if len(arguments) > 1 else 3
    pages()
    large_file(int(gigabytes * 2**30), rounds)


if __name__ == "__main__":
    main(sys.argv[1:])
