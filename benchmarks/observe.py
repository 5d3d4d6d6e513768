"""What watching costs: the same work with and without the audit hook, paired in fresh processes.

Each pair runs one after the other, in alternating order, so that a busy machine
slows both alike; printed is the median of the pairs' ratios of processor time.
Run it with ``python benchmarks/observe.py [PAIRS]``.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

FILES = 20_000
BOUND = 1.3

WATCH = """
from py_mlops.guest.observe import observer
observer().start()
observer().cell = 1
"""
MEASURE = """
import sys, time
folder = sys.argv[1]
{prepare}
{watch}
start = time.process_time()
{work}
{finish}
print(time.process_time() - start)
"""
FINISH = "observer().cell = 2"  # what was put off until the cell's end belongs to the price
CASES = {
    "20,000 opens of one file": (
        "paths = [folder + '/0'] * 20_000",
        "for path in paths: open(path).close()",
    ),
    "20,000 opens of one file, relative": (
        "import os; os.chdir(folder); paths = ['0'] * 20_000",
        "for path in paths: open(path).close()",
    ),
    "20,000 files opened": (
        "paths = [f'{folder}/{i}' for i in range(20_000)]",
        "for path in paths: open(path).close()",
    ),
    "20,000 files read": (
        "paths = [f'{folder}/{i}' for i in range(20_000)]",
        "for path in paths:\n    with open(path) as file: file.read()",
    ),
    "200 pandas.read_csv": (
        "import pandas",
        "for i in range(200): pandas.read_csv(f'{folder}/table.csv')",
    ),
    "scikit-learn fit": (
        (
            "import numpy as np; from sklearn.ensemble import RandomForestClassifier\n"
            "X = np.random.default_rng(0).normal(size=(2000, 20)); y = X[:, 0] > 0"
        ),
        "RandomForestClassifier(100, random_state=0).fit(X, y)",
    ),
}


def measure(folder: Path, prepare: str, work: str, *, watched: bool) -> float:
    """Return the processor seconds of some work in a fresh process."""
    code = MEASURE.format(
        prepare=prepare,
        work=work,
        watch=WATCH if watched else "",
        finish=FINISH if watched else "",
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(ran.stdout)


def main(pairs: int) -> None:
    """Print one line for each case."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(FILES):
            (folder / str(number)).write_text("1,2,3\n")
        (folder / "table.csv").write_text("a,b\n" + "1,2\n" * 1000)
        for case, (prepare, work) in CASES.items():
            ratios, plain = [], []
            for pair in range(pairs):
                seconds = {}
                for watched in (True, False) if pair % 2 else (False, True):
                    seconds[watched] = measure(folder, prepare, work, watched=watched)
                ratios.append(seconds[True] / seconds[False])
                plain.append(seconds[False])
            ratio = statistics.median(ratios)
            mark = "" if ratio <= BOUND else f"  (more than {BOUND})"
            print(f"{case:36} {ratio:5.2f}×  of {statistics.median(plain):.3f} s{mark}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
