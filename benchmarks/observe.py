"""What watching costs: the same work with nothing, the audit hook, the tracer, and both.

Each round runs them one after the other, in turning order, so that a busy machine
slows all alike; printed is the median of the rounds' ratios of processor time to
that with nothing. Run it with ``python -m benchmarks observe``.
"""

from __future__ import annotations

import itertools
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from py_mlops.notebook.tracer import trace_environment, tracer_library

FILES = 20_000
ROOT = Path(__file__).parent.parent
_READERS = ROOT / ".venv-readers" / "bin" / "python"
PYTHON = str(_READERS) if _READERS.exists() else sys.executable
"""The interpreter of the measured work: it needs pandas, pyarrow and scikit-learn."""
BOUNDS = {"nothing": 1.0, "hook": 1.3, "tracer": 1.1, "both": 1.1}
"""The ways of watching, each with the most it shall cost.

``both`` is a kernel as Jupyter starts it: the hook leaves reads to the tracer, whose
records gather in memory. ``tracer`` is a child that runs another program, each of
whose records is written to the log; ``hook`` a kernel without the tracer.
"""

WATCH = """
import sys
sys.path.insert(0, {root!r})
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
WRITE = """
import pandas, sys
pandas.read_csv(sys.argv[1] + "/table.csv").to_parquet(sys.argv[1] + "/table.parquet")
print(0)
"""
KERNEL_START = """
import sys, time
from jupyter_client.manager import start_new_kernel
start = time.monotonic()
manager, client = start_new_kernel(kernel_name="python3")
print(time.monotonic() - start)
client.stop_channels(); manager.shutdown_kernel(now=True)
"""
FINISH = "observer().cell = 2"  # what was put off until the cell's end belongs to the price
ASKED = "; observer().files()"  # and what was put off until somebody asks, to a snapshot's
CASES: dict[str, tuple[str, ...]] = {
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
    "20,000 files opened, and asked for": (
        "paths = [f'{folder}/{i}' for i in range(20_000)]",
        "for path in paths: open(path).close()",
        ASKED,
    ),
    "20,000 files read": (
        "paths = [f'{folder}/{i}' for i in range(20_000)]",
        "for path in paths:\n    with open(path) as file: file.read()",
    ),
    "200 pandas.read_csv": (
        "import pandas",
        "for i in range(200): pandas.read_csv(f'{folder}/table.csv')",
    ),
    "200 pandas.read_parquet": (
        "import pandas; pandas.read_parquet(f'{folder}/table.parquet')",
        "for i in range(200): pandas.read_parquet(f'{folder}/table.parquet')",
    ),
    "scikit-learn fit": (
        (
            "import numpy as np; from sklearn.ensemble import RandomForestClassifier\n"
            "X = np.random.default_rng(0).normal(size=(2000, 20)); y = X[:, 0] > 0"
        ),
        "RandomForestClassifier(100, random_state=0).fit(X, y)",
    ),
}


def measure(folder: Path, prepare: str, work: str, end: str = "", *, way: str) -> float:
    """Return the processor seconds of some work in a fresh process."""
    hooked = way in ("hook", "both")
    code = MEASURE.format(
        prepare=prepare,
        work=work,
        watch=WATCH.format(root=str(ROOT)) if hooked else "",
        finish=FINISH + end if hooked else "",
    )
    return _ran(code, folder, way=way)


def _ran(code: str, folder: Path, *, way: str, python: str = PYTHON) -> float:
    with tempfile.NamedTemporaryFile() as log:
        env = dict(os.environ)
        library = tracer_library()
        if way in ("tracer", "both"):
            assert library is not None, "there is no tracer: make install builds it"
            env |= trace_environment(library, Path(log.name), python)
        return _python(code, folder, env=env, python=python)


def _python(
    code: str, folder: Path, *, env: dict[str, str] | None = None, python: str = PYTHON
) -> float:
    ran = subprocess.run(
        [python, "-c", code, str(folder)],
        cwd=folder, env=env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(ran.stdout)


def _row(case: str, folder: Path, rounds: int, ways: list[str], code: tuple[str, ...]) -> None:
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(rounds):
        start = number % len(ways)
        for way in itertools.chain(ways[start:], ways[:start]):
            taken = measure(folder, *code, way=way) if any(code) else _ran(
                KERNEL_START, folder, way=way, python=sys.executable
            )  # fmt: skip
            seconds[way].append(taken)
    cells = [f"{statistics.median(seconds['nothing']):8.3f} s"]
    for way in ways[1:]:
        pairs = zip(seconds[way], seconds["nothing"], strict=True)
        ratio = statistics.median(one / plain for one, plain in pairs)
        cells.append(f"{ratio:7.2f}×{' ' if ratio <= BOUNDS[way] else '!'}")
    print(f"{case:36}" + "".join(cells), flush=True)


def main(rounds: int) -> None:
    """Print one line for each case."""
    print(f"{'':36}" + "".join(f"{way:>10}" for way in BOUNDS) + "   ! above its bound")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(FILES):
            (folder / str(number)).write_text("1,2,3\n")
        (folder / "table.csv").write_text("a,b\n" + "1,2\n" * 1000)
        _python(WRITE, folder)
        for case, code in CASES.items():
            _row(case, folder, rounds, list(BOUNDS), code)
        _row("kernel start", folder, rounds, ["nothing", "tracer"], ("", ""))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
