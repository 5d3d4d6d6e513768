from __future__ import annotations

import asyncio
import dataclasses
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from nbformat import NotebookNode
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError

from py_mlops.errors import InputError, RerunFailed
from py_mlops.notebook.client import KernelCommand
from py_mlops.notebook.execution import ObservedEngine, execute
from py_mlops.notebook.replay import plan
from py_mlops.progress import Progress
from py_mlops.records import ExecutedCell, History

Make = Callable[..., NotebookNode]
ROOT = Path(__file__).parents[2]


def alive(pid: int) -> bool:
    """Say whether a process runs, zombies not counted."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_runs_to_its_end(tmp_path: Path, notebook: Make, kernel: KernelCommand) -> None:
    """Outputs, progress cell by cell, the closing code behind them and the written file."""
    said: list[Progress] = []
    source = notebook("\nx = 1 # größe", "", "x + 1", "import os; print(os.getcwd())")
    before = nbformat.writes(source)
    done = execute(
        source, kernel=kernel, directory=tmp_path, report=said.append,
        closing="open('closed', 'w').write(str(x))", output=tmp_path / "out.ipynb",
    )  # fmt: skip
    assert done.failed is None
    assert done.notebook.cells[2].outputs[0].data["text/plain"] == "2"
    assert done.notebook.cells[3].outputs[0].text == f"{tmp_path}\n"
    assert (tmp_path / "closed").read_text() == "1"
    assert (tmp_path / "out.ipynb").read_bytes() == done.ipynb()
    assert nbformat.writes(source) == before
    assert said == [
        Progress("cell", "x = 1 # größe", 0, 3), Progress("cell", "x = 1 # größe", 1, 3),
        Progress("cell", "x + 1", 1, 3), Progress("cell", "x + 1", 2, 3),
        Progress("cell", "import os; print(os.getcwd())", 2, 3),
        Progress("cell", "import os; print(os.getcwd())", 3, 3),
    ]  # fmt: skip


def test_a_cell_that_fails(tmp_path: Path, notebook: Make, kernel: KernelCommand) -> None:
    """The run stops there, tells which cell and why, keeps what there is, and closes nothing."""
    done = execute(
        notebook("x = 1", "\nx / 0", "never()"), kernel=kernel, directory=tmp_path,
        closing="open('closed', 'w')", output=tmp_path / "out.ipynb",
    )  # fmt: skip
    assert done.failed is not None
    assert (done.failed.count, done.failed.source) == (2, "x / 0")
    assert done.failed.error == "ZeroDivisionError: division by zero"
    assert "\x1b" not in done.failed.traceback
    assert not (tmp_path / "closed").exists()
    assert "ZeroDivisionError" in (tmp_path / "out.ipynb").read_text()


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import os; os.write(2, b'last words'); os._exit(7)", "ended by itself (exit code 7)"),
        ("import os; os.write(2, b'last words'); os.kill(os.getpid(), 9)", "was killed (signal 9)"),
    ],
)
def test_a_kernel_that_dies(
    tmp_path: Path, notebook: Make, kernel: KernelCommand, code: str, error: str
) -> None:
    """A kernel that dies is told from a cell that fails, with the last it wrote and what to do."""
    done = execute(notebook("x = 1", code), kernel=kernel, directory=tmp_path)
    assert done.failed is not None
    assert (done.failed.count, done.failed.error) == (2, f"the kernel {error}")
    assert "last words" in done.failed.traceback
    assert done.failed.hint


def test_a_cell_that_takes_too_long(tmp_path: Path, notebook: Make, kernel: KernelCommand) -> None:
    """A cell beyond the limit stops the run, and its kernel is gone."""
    code = "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(600)"
    done = execute(notebook(code), kernel=kernel, directory=tmp_path, timeout=1.5)
    assert done.failed is not None
    assert done.failed.error == "it ran longer than 1.5 s"
    assert not alive(int((tmp_path / "pid").read_text()))


def test_a_replay_with_errors_and_interrupts(
    tmp_path: Path, ran: Callable[..., ExecutedCell], kernel: KernelCommand
) -> None:
    """A replay goes on behind recorded errors, and interrupts what was interrupted."""
    cells = [
        ran(3, "n = 0"), ran(5, "1 / 0", error="ZeroDivisionError: division by zero"),
        ran(6, "import time\nwhile True: n += 1; time.sleep(.01)", error="KeyboardInterrupt: "),
        ran(9, "assert n > 10"), ran(12, "int('x')"),
    ]  # fmt: skip
    done = execute(plan(History(cells=cells), name="m"), kernel=kernel, directory=tmp_path)
    assert done.failed is not None
    assert (done.failed.count, done.failed.source) == (12, "int('x')")


def test_parameters(tmp_path: Path, notebook: Make, kernel: KernelCommand) -> None:
    """Parameters given to papermill replace the defaults of the tagged cell."""
    source = notebook("alpha = 1", "alpha")
    source.cells[0].metadata.tags = ["parameters"]
    done = execute(source, kernel=kernel, directory=tmp_path, parameters={"alpha": 0.5})
    assert done.notebook.cells[-1].outputs[0].data["text/plain"] == "0.5"
    assert done.notebook.metadata.papermill.parameters == {"alpha": 0.5}


@pytest.mark.parametrize(
    ("argv", "hint"),
    [
        (["/nowhere/python"], "ipykernel"),
        ([sys.executable, "-c", "exit('no kernel')"], "no kernel"),
    ],
)
def test_a_kernel_that_does_not_start(
    tmp_path: Path, notebook: Make, kernel: KernelCommand, argv: list[str], hint: str
) -> None:
    """A Python that is not there, or has no ipykernel, is named with what it wrote."""
    with pytest.raises(RerunFailed, match="did not start") as error:
        execute(notebook("1"), kernel=dataclasses.replace(kernel, argv=argv), directory=tmp_path)
    assert hint in error.value.hint


@pytest.mark.parametrize("closing", ["raise KeyError('gone')", "import os; os._exit(1)"])
def test_closing_code_that_fails(
    tmp_path: Path, notebook: Make, kernel: KernelCommand, closing: str
) -> None:
    """When the measurement behind the last cell fails, that is an error and no failed cell."""
    with pytest.raises(RerunFailed, match=r"gone|outside of any cell"):
        execute(notebook("1"), kernel=kernel, directory=tmp_path, closing=closing)


def test_an_output_that_cannot_be_written(
    tmp_path: Path, notebook: Make, kernel: KernelCommand
) -> None:
    """An output path that is a folder is an error that names it."""
    with pytest.raises(InputError, match="cannot be written"):
        execute(notebook("1"), kernel=kernel, directory=tmp_path, output=tmp_path)


def test_inside_a_running_event_loop(tmp_path: Path, notebook: Make, kernel: KernelCommand) -> None:
    """It runs from a cell of a notebook too, where a loop is running already."""

    async def cell() -> str:
        done = execute(notebook("40 + 2"), kernel=kernel, directory=tmp_path)
        return str(done.notebook.cells[0].outputs[0].data["text/plain"])

    assert asyncio.run(cell()) == "42"


SCRIPT = """
import asyncio, json, os, sys
from pathlib import Path
from typing import Any
from nbformat.v4 import new_code_cell, new_notebook
from py_mlops.notebook.execution import KernelCommand, execute

async def inside(): return run()
def run():
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    code = "import os, time; open('pid', 'w').write(f'{os.getpid()}.'); time.sleep(600)"
    source = new_notebook(cells=[new_code_cell(code, id="a")])
    execute(source, kernel=KernelCommand(argv, dict(os.environ)), directory=Path("."))
try:
    asyncio.new_event_loop().run_until_complete(inside()) if sys.argv[1] == "inside" else run()
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("where", ["inside", "outside"])
def test_an_interrupt_leaves_no_kernel(tmp_path: Path, environ: dict[str, str], where: str) -> None:
    """Ctrl-C ends the kernel as well, in and outside of a running event loop."""
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, where], cwd=tmp_path, stdout=subprocess.PIPE, text=True,
        env=environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    pid = tmp_path / "pid"
    try:
        while not (pid.exists() and pid.read_text().endswith(".")):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert "interrupted" in said
    assert not alive(int(pid.read_text().rstrip(".")))


def test_as_a_papermill_engine(
    tmp_path: Path, notebook: Make, kernel: KernelCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What papermill itself runs through the engine has its outputs and errors as ever."""

    class Engine(NBClientEngine):  # type: ignore[misc]  # papermill ships no types
        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
            closing = "open('closed', 'w')"
            return ObservedEngine.execute_managed_notebook(
                nb_man, kernel_name, kernel=kernel, closing=closing, **options
            )

    monkeypatch.setitem(papermill_engines._engines, "test-engine", Engine)
    options: dict[str, Any] = {
        "engine_name": "test-engine",
        "progress_bar": False,
        "cwd": str(tmp_path),
    }
    path = tmp_path / "in.ipynb"
    source = notebook("1 + 1")
    source.metadata.kernelspec = {"name": "any", "display_name": "Any", "language": "python"}
    nbformat.write(source, path)
    papermill.execute_notebook(path, tmp_path / "out.ipynb", **options)
    assert json.loads((tmp_path / "out.ipynb").read_text())["cells"][0]["outputs"]
    assert (tmp_path / "closed").exists()
    source.cells[0].source = "1 / 0"
    nbformat.write(source, path)
    with pytest.raises(PapermillExecutionError, match="ZeroDivisionError"):
        papermill.execute_notebook(path, tmp_path / "out.ipynb", **options)


def test_connection_file_in_a_folder_of_its_own(
    tmp_path: Path, notebook: Make, kernel: KernelCommand
) -> None:
    """No sandbox that covers /tmp can hide the ports from the kernel, and nothing stays behind."""
    source = notebook("import ipykernel; print(ipykernel.get_connection_file())")
    done = execute(source, kernel=kernel, directory=tmp_path)
    file = Path(done.notebook.cells[0].outputs[0].text.strip())
    assert file.parent.parent == Path(tempfile.gettempdir())
    assert not file.parent.exists()
