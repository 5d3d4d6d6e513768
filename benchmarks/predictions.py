"""A log of a million predictions: written, sealed, one found by its id, one redacted.

Run it with ``python -m benchmarks.predictions [ROWS]``. The target for finding one is 1 s.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figures import Figure, table
from py_mlops.predictions import LoggedPrediction, SegmentWriter, find, redact, seal
from py_mlops.store import open_store
from tests.store.samples import ANN

_SNAPSHOT = "sha256:" + "a" * 64
_TARGET = 1.0
_TIMES = 20


def _log(file: Path, rows: int) -> float:
    start = time.perf_counter()
    with SegmentWriter(file) as writer:
        for number in range(rows):
            writer.append(
                LoggedPrediction(
                    id=f"request-{number}",
                    time="2026-03-01T12:00:00.000000Z",
                    snapshot=_SNAPSHOT,
                    inputs=[[0.1, 0.2, 0.3, number]],
                    outputs=[number % 10],
                )
            )
    return time.perf_counter() - start


def main(words: list[str]) -> None:
    """Measure each step, and finding one twenty times, each time with the store opened anew."""
    rows = int(words[0]) if words else 1_000_000
    chance = random.Random(0)
    with tempfile.TemporaryDirectory(prefix="mlops-bench-") as name:
        folder = Path(name)
        written = _log(folder / "log", rows)
        store = open_store(folder / "store")
        start = time.perf_counter()
        segment = seal(store, folder / "log", log="digits@production", author=ANN)
        sealed = time.perf_counter() - start
        found = []
        for _ in range(_TIMES):
            number = chance.randrange(rows)
            start = time.perf_counter()
            again = open_store(folder / "store")
            one = find(again, f"request-{number}")
            again.close()
            found.append(time.perf_counter() - start)
            assert one is not None
            assert one.row == number
        start = time.perf_counter()
        redact(
            store, segment, [rows // 2], reason="x", author=ANN,
            created="2026-03-01T12:00:00.000000Z",
        )  # fmt: skip
        gone = time.perf_counter() - start
        store.close()
    table(
        f"A log of {rows:,} predictions",
        [
            Figure("find one by its id, the store opened first", found, _TARGET),
            Figure("log all of them", [written]),
            Figure("seal them into the store", [sealed]),
            Figure("redact one", [gone]),
        ],
    )
    print(f"  {written / rows * 1e6:.0f} µs a prediction")


if __name__ == "__main__":
    main(sys.argv[1:])
