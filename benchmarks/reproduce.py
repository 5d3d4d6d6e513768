"""What a verdict costs over the bare rerun: `mlops reproduce` beside papermill, taking turns.

papermill runs the same notebook on the same data in the very environment that
was rebuilt, without the cells that call us. Cold, that environment is thrown away
before ours, and its bytecode before papermill's turn, so that both compile.
Run it with ``python -m benchmarks reproduce``.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import time
from pathlib import Path

import nbformat

from benchmarks.figures import CACHE, Figure, surroundings, table
from benchmarks.session import prepare

PLACE = CACHE / "reproduce"
WARM, COLD = 5, 3
_OURS = ("%load_ext py_mlops", "%mlops")


def main() -> None:
    """Measure both, warm and cold, and print the table."""
    python, project = prepare()
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    _mlops(python, "run", str(project / "digits.ipynb"))
    _reproduce(python)  # fills uv's cache, and ours
    _papermill(python, project)
    warm = [(_reproduce(python), _papermill(python, project)) for _ in range(WARM)]
    cold = [_cold(python, project) for _ in range(COLD)]
    table("Reproduce", [*_rows("warm", warm, 3.0), *_rows("cold", cold, 6.0)])
    ratio = statistics.median(ours / alone for ours, alone in warm)
    print(f"  warm, reproduce is {ratio:.2f} times papermill alone")


def _rows(name: str, pairs: list[tuple[float, float]], target: float) -> list[Figure]:
    return [
        Figure(f"{name}: papermill alone", [alone for _, alone in pairs]),
        Figure(f"{name}: mlops reproduce", [ours for ours, _ in pairs]),
        Figure(f"{name}: over it", [ours - alone for ours, alone in pairs], target),
    ]


def _cold(python: Path, project: Path) -> tuple[float, float]:
    shutil.rmtree(_environment().parent)
    ours = _reproduce(python)
    for compiled in list(_environment().rglob("__pycache__")):
        shutil.rmtree(compiled)
    return ours, _papermill(python, project)


def _reproduce(python: Path) -> float:
    return _mlops(python, "reproduce", "--quiet", "digits")


def _mlops(python: Path, *words: str) -> float:
    return _timed([str(python), "-m", "py_mlops", *words], surroundings(PLACE))


def _papermill(python: Path, project: Path) -> float:
    """Time papermill from the same interpreter, its kernel in the rebuilt environment."""
    kernel = PLACE / "jupyter" / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True, exist_ok=True)
    argv = [str(_environment() / "bin" / "python"), "-m", "ipykernel_launcher"]
    spec = {"argv": [*argv, "-f", "{connection_file}"], "display_name": "it", "language": "python"}
    kernel.write_text(json.dumps(spec))
    notebook = nbformat.read(project / "digits.ipynb", as_version=4)
    notebook.cells = [cell for cell in notebook.cells if not cell.source.startswith(_OURS)]
    nbformat.write(notebook, PLACE / "bare.ipynb")
    words = ["--cwd", str(project), str(PLACE / "bare.ipynb"), str(PLACE / "executed.ipynb")]
    environment = surroundings(PLACE, JUPYTER_PATH=str(PLACE / "jupyter"))
    return _timed([str(python), "-m", "papermill", *words, "--no-progress-bar"], environment)


def _environment() -> Path:
    marked = (PLACE / "cache" / "environments").glob("*/bin/python")
    return next(marked).parent.parent


def _timed(argv: list[str], environment: dict[str, str]) -> float:
    start = time.perf_counter()
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    assert done.returncode == 0, done.stdout + done.stderr
    return seconds


if __name__ == "__main__":
    main()
