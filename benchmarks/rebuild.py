"""An environment out of the vault beside `uv pip sync` from a warm cache, taking turns.

All make a new virtual environment and install the same files into it. The
vault's has every digest checked. uv links what it unpacked before into place;
where nothing was, it has to unpack every wheel first, and so have we: that is
measured beside uv with the same wheels in a folder and an empty cache.
Run it with ``python -m benchmarks rebuild``.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.figures import CACHE, Figure, table
from py_mlops.environment import uv
from py_mlops.environment.build import build
from py_mlops.environment.keep import prepare, working_folder
from py_mlops.environment.kept import home
from py_mlops.environment.lock import lock
from py_mlops.environment.record import to_record
from py_mlops.guest.facts import facts
from py_mlops.progress import silent
from py_mlops.records import Environment
from py_mlops.records.handover import KernelFacts
from py_mlops.store import Blobs, open_store

PLACE = CACHE / "rebuild"
PACKAGES = ("numpy==1.26.4", "pandas==2.2.3", "scikit-learn==1.5.2", "ipykernel==6.29.5")
TIMES = 5
TARGET = 2.0


def main() -> None:
    """Measure both, and print the table."""
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    _run("venv", "--quiet", "--python", sys.executable, PLACE / "env")
    _run("pip", "install", "--quiet", "--python", PLACE / "env" / "bin" / "python", *PACKAGES)
    blobs = open_store(PLACE / "store").blobs
    environment, pins = _vault(blobs)
    _sync(pins)  # fills uv's cache
    firsts = []
    for _ in range(3):
        shutil.rmtree(PLACE / "cache" / "vault", ignore_errors=True)
        ours = _build(environment, blobs)
        firsts.append((ours, _sync_packed(pins)))
    pairs = [(_build(environment, blobs), _sync(pins)) for _ in range(TIMES)]
    table(
        f"Rebuild of {len(environment.distributions)} packages",
        [
            Figure("uv venv and uv pip sync, warm cache", [other for _, other in pairs]),
            Figure(
                "the same, from a folder of wheels, nothing unpacked", [one for _, one in firsts]
            ),
            Figure("from the vault, at first", [ours for ours, _ in firsts]),
            Figure("from the vault, unpacked before", [ours for ours, _ in pairs]),
        ],
    )
    ratio = statistics.median(ours / other for ours, other in pairs)
    late = statistics.median(ours / other for ours, other in firsts)
    most = statistics.median(ours for ours, _ in firsts) / statistics.median(
        other for _, other in pairs
    )
    print(f"  unpacked before, the vault takes {ratio:.2f} times uv pip sync (target {TARGET}); "
          f"at first, {late:.2f} times one that has to unpack as well, "
          f"{most:.1f} times one that has not")  # fmt: skip


def _vault(blobs: Blobs) -> tuple[Environment, Path]:
    """Record the environment with all its wheels; return it with its pins."""
    python = PLACE / "env" / "bin" / "python"
    site = next((PLACE / "env").glob("lib/python*/site-packages"))
    said = facts() | {"executable": str(python), "search_path": [str(site)], "prefixes": []}
    kernel = KernelFacts(**said)  # type: ignore[arg-type]  # the guest's plain values
    locked = lock(kernel, cache=PLACE / "cache", report=silent)
    with working_folder(PLACE / "cache") as folder:
        prepared = prepare(
            locked, kernel, folder=folder, cache=PLACE / "cache", have=blobs.touch,
            everything=True, report=silent,
        )  # fmt: skip
        environment = to_record(kernel, prepared, blobs.put_file, blobs.put_bytes)
    assert all(one.kept for one in environment.distributions)
    pins = PLACE / "pins.txt"
    pins.write_text("".join(
        f"{one.name}=={one.version} --hash=sha256:{one.sha256}\n"
        for one in environment.distributions
    ))  # fmt: skip
    return environment, pins


def _build(environment: Environment, blobs: Blobs) -> float:
    shutil.rmtree(home(PLACE / "cache"), ignore_errors=True)
    start = time.perf_counter()
    build(
        environment, blobs.read(environment.lock.digest),
        cache=PLACE / "cache", copy_to=blobs.copy_to, report=silent,
    )  # fmt: skip
    return time.perf_counter() - start


def _sync(pins: Path, *words: str | Path) -> float:
    shutil.rmtree(PLACE / "plain", ignore_errors=True)
    start = time.perf_counter()
    _run("venv", "--quiet", "--python", sys.executable, PLACE / "plain")
    python = PLACE / "plain" / "bin" / "python"
    _run(
        "pip", "sync", "--quiet", "--offline", "--require-hashes", "--python", python, pins, *words
    )
    return time.perf_counter() - start


def _sync_packed(pins: Path) -> float:
    """Let uv install the wheels of the vault from a folder, with an empty cache."""
    wheels, cache = PLACE / "wheels", PLACE / "unpacked"
    if not wheels.exists():
        wheels.mkdir()
        for wheel in (PLACE / "cache" / "vault").rglob("*.whl"):
            shutil.copyfile(wheel, wheels / wheel.name)
    shutil.rmtree(cache, ignore_errors=True)
    return _sync(pins, "--no-index", "--find-links", wheels, "--cache-dir", cache)


def _run(*words: str | Path) -> None:
    done = subprocess.run(
        [uv.binary(), *map(str, words)], env=os.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


if __name__ == "__main__":
    main()
