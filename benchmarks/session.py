"""What a person at a notebook waits for: the extension, the first snapshot, the next, the lock.

Everything is timed inside real kernels, each fresh, in the environment of the tour.
Run it with ``python -m benchmarks session``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.manager import KernelManager

from benchmarks.figures import CACHE, Figure, surroundings, table
from examples.tour import lay_out, make_environment
from py_mlops.notebook.client import GivenKernel
from py_mlops.notebook.execution import KernelCommand

PLACE = CACHE / "session"
KERNELS = 11
ROUNDS = 5
LOCKS = 5

_TIMED = """
import time as _time
def _timed(magic, line):
    start = _time.perf_counter()
    get_ipython().run_line_magic(magic, line)
    print("took", _time.perf_counter() - start)
"""
# The lock is prepared in the background; who waits for it here waits for nothing but that.
_LOCKED = "import py_mlops.kernel.session as _s; [_p.wait() for _p in _s._background]"

Run = Callable[[str], str]


def main() -> None:
    """Measure all and print the table."""
    python, project = prepare()
    _snapshots(python, project)  # compiles bytecode; an installer usually does that
    bare, extension = zip(*(_extension(python, project) for _ in range(KERNELS)), strict=True)
    first, again = zip(*(_snapshots(python, project) for _ in range(ROUNDS)), strict=True)
    locks = [_cold_lock() for _ in range(LOCKS + 1)][1:]  # the first fills uv's cache
    over = [ours - without for ours, without in zip(extension, bare, strict=True)]
    packages = _packages()
    table(
        "Session",
        [
            Figure("%load_ext of an empty extension", bare),
            Figure("%load_ext py_mlops, over that", over, 0.060),
            Figure("first snapshot of the tour, lock ready", first, 1.5),
            Figure("nothing changed: the next snapshot", again, 0.4),
            Figure(f"cold lock of {packages} packages", locks, 6.0),
        ],
    )


def prepare() -> tuple[Path, Path]:
    """Return the tour's interpreter and a fresh copy of its project."""
    PLACE.mkdir(parents=True, exist_ok=True)
    python = PLACE / "venv" / "bin" / "python"
    lock = Path("requirements", "dev.txt")
    if not python.exists() or python.lstat().st_mtime < lock.stat().st_mtime:
        shutil.rmtree(PLACE / "venv", ignore_errors=True)
        python = make_environment(PLACE / "venv")
    project = PLACE / "digits-model"
    shutil.rmtree(project, ignore_errors=True)
    lay_out(project, python)
    (project / "empty_extension.py").write_text("def load_ipython_extension(shell): pass\n")
    return python, project


def _extension(python: Path, project: Path) -> tuple[float, float]:
    with _kernel(python, project) as run:
        run(_TIMED)
        bare = _seconds(run("_timed('load_ext', 'empty_extension')"))
        ours = _seconds(run("_timed('load_ext', 'py_mlops')"))
        run(_LOCKED)
    return bare, ours


def _snapshots(python: Path, project: Path) -> tuple[float, float]:
    """Time the first snapshot of a kernel into an empty store, and the next one."""
    shutil.rmtree(PLACE / "store", ignore_errors=True)
    notebook = nbformat.read(project / "digits.ipynb", as_version=4)
    *cells, last = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    with _kernel(python, project) as run:
        for cell in [*cells, _TIMED, _LOCKED]:
            run(cell)
        magic, _, line = last.removeprefix("%").partition(" ")
        taken = f"_timed({magic!r}, {line!r})"
        return _seconds(run(taken)), _seconds(run(taken))


def _seconds(printed: str) -> float:
    assert "not done" not in printed, printed
    return float(printed.rpartition("took ")[2])


@contextmanager
def _kernel(python: Path, project: Path) -> Iterator[Run]:
    """Start a kernel as Jupyter would for the project's notebook, and stop it at the end."""
    environment = surroundings(PLACE, JPY_SESSION_NAME=str(project / "digits.ipynb"))
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    specs = GivenKernel(KernelCommand(argv=argv, env=environment))
    manager = KernelManager(kernel_name="python3", kernel_spec_manager=specs)
    manager.start_kernel(cwd=str(project), env=environment, stderr=subprocess.DEVNULL)
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=120)

    def run(source: str) -> str:
        shown: list[str] = []

        def note(message: dict[str, Any]) -> None:
            content = message["content"]
            shown.extend(str(content[key]) for key in ("text", "evalue") if key in content)
            shown.append(str(content.get("data", {}).get("text/plain", "")))

        reply = client.execute_interactive(source, timeout=240, output_hook=note)
        assert reply["content"]["status"] == "ok", shown
        return "".join(shown)

    try:
        yield run
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _cold_lock() -> float:
    """Time the lock of the checkout's own environment, uv's cache warm and ours empty."""
    cold = PLACE / "cold"
    shutil.rmtree(cold, ignore_errors=True)
    argv = [sys.executable, "-m", "py_mlops", "lock", "--quiet"]
    start = time.perf_counter()
    subprocess.run(
        argv, env=surroundings(PLACE, MLOPS_CACHE=str(cold)), check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - start


def _packages() -> int:
    site = next(Path(sys.prefix, "lib").glob("python3*/site-packages"))
    return sum(1 for _ in site.glob("*.dist-info"))


if __name__ == "__main__":
    main()
