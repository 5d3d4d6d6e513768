from __future__ import annotations

import ast
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from py_mlops import __version__
from py_mlops.notebook.execution import KernelCommand, execute
from py_mlops.notebook.ship import guest_zip
from py_mlops.notebook.tracer import trace_environment, tracer_library
from tests.traced import ROOT, build

CELLS = {
    "thread": "from concurrent.futures import ThreadPoolExecutor\n"
    "list(ThreadPoolExecutor(2).map(lambda name: open(name).read(), ['thread']));",
    "loky": "import joblib\njoblib.Parallel(2)(joblib.delayed(lambda f: open(f).read())('loky')"
    " for _ in range(2));",
    "fork": "import multiprocessing as m\np = m.get_context('fork').Process("
    "target=lambda: open('fork').read())\np.start(); p.join()",
    "spawn": "from pathlib import Path\nwith m.get_context('spawn').Pool(1) as pool:\n"
    "    pool.map(Path.read_text, [Path('spawn')])",
    "forkserver": "with m.get_context('forkserver').Pool(1) as pool:\n"
    "    pool.map(Path.read_text, [Path('forkserver')])",
    "subprocess": "import subprocess\nsubprocess.run('cat sub*', shell=True, stdout=-3);",
    "shell": "!cat she*",
    "script": "%%bash\ncat scr*",
}
SEEN = """
import sys
said = sys.modules["mlops_guest.session"].current().seen(
    {"name": "m", "model": None, "metrics": [], "holdout": None})
{f["requested"].rpartition("/")[2]: (f["first"], f["observed"], f["process"], f["cell"])
 for f in said["files"]}, said["level"], said["unseen"], said["blind"], said["failures"]
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the tracer's library, built from the sources."""
    return build(tmp_path_factory.mktemp("built"))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return an empty log."""
    path = tmp_path / "trace.log"
    path.touch(0o600)
    return path


def test_it_is_there() -> None:
    """An installation on Linux with a C compiler has the tracer."""
    found = tracer_library()
    assert found is not None
    assert found.name == "tracer.so"


def test_what_the_environment_says(library: Path, log: Path) -> None:
    """Library, log and the places to pass over, which are the system's and the interpreter's."""
    env = trace_environment(library, log, sys.executable)
    assert env["LD_PRELOAD"] == str(library)
    assert env["MLOPS_TRACE"] == str(log)
    assert {"/proc/", "/usr/lib/", f"{sys.prefix}/lib/"} <= set(env["MLOPS_TRACE_SKIP"].split(":"))


def _script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.mark.parametrize("text", ["exit 1", 'echo oh >&2; exec python3 "$@"', "true"])
def test_an_interpreter_that_does_not_bear_it(
    library: Path, log: Path, tmp_path: Path, text: str
) -> None:
    """An interpreter that fails, complains or says nothing under the tracer goes without."""
    assert trace_environment(library, log, _script(tmp_path / "python", text)) == {}


def test_an_interpreter_that_is_not_there(library: Path, log: Path) -> None:
    """A kernel's interpreter that is gone is no error of the tracer's."""
    assert trace_environment(library, log, "/nowhere/python") == {}


def test_a_library_that_does_not_load(log: Path, tmp_path: Path) -> None:
    """A library that the system refuses is not used, so that nobody sees the refusal."""
    broken = tmp_path / "tracer.so"
    broken.write_bytes(b"\x7fELF")
    assert trace_environment(broken, log, sys.executable) == {}


def test_every_child_of_a_kernel(library: Path, log: Path, tmp_path: Path) -> None:
    """Threads, forks, spawns, pools, shells and subprocesses of a real kernel are all seen."""
    work = tmp_path / "work"
    work.mkdir()
    for name in CELLS:
        (work / name).write_text("x")
    env = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    kernel = KernelCommand(
        argv=[sys.executable, str(guest_zip(tmp_path / "cache")), "--mode", "record",
              "-f", "{connection_file}"],
        env=env | trace_environment(library, log, sys.executable),
    )  # fmt: skip
    cells = [new_code_cell(source) for source in [*CELLS.values(), SEEN]]
    done = execute(new_notebook(cells=cells), kernel=kernel, directory=work)
    assert done.failed is None, done.failed
    found: tuple[dict[str, Any], str, list[str], list[str], int] = ast.literal_eval(
        done.notebook.cells[-1].outputs[-1].data["text/plain"]
    )
    files, *rest = found
    assert rest == ["observed", [], [], 0]
    assert set(files) == set(CELLS)
    for number, name in enumerate(CELLS, 1):
        first, _, process, cell = files[name]
        assert (first, cell) == ("read", number)
        expected = {"thread": "", "subprocess": "cat", "shell": "cat", "script": "cat"}
        assert process.startswith(expected.get(name, "python"))


def test_the_wheel_holds_it(tmp_path: Path) -> None:
    """A wheel built where there is a compiler holds the tracer and the panel, of this platform."""
    top = tmp_path / "py_mlops-0"
    left_out = shutil.ignore_patterns("tracer.so", "__pycache__")
    for name in ("py_mlops", "jupyter-config", "labextension"):
        shutil.copytree(ROOT / name, top / name, ignore=left_out)
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, top)
    # A source distribution: it carries the panel as `make frontend` has built it.
    about = f"Metadata-Version: 2.4\nName: py-mlops\nVersion: {__version__}\n"
    (top / "PKG-INFO").write_text(about)
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(tmp_path), "."],
        cwd=top, capture_output=True, check=True,
    )  # fmt: skip
    [wheel] = tmp_path.glob("*.whl")
    assert wheel.name.endswith(("linux_x86_64.whl", "linux_aarch64.whl"))
    held = zipfile.ZipFile(wheel).namelist()
    assert "py_mlops/guest/tracer.so" in held
    assert any(name.endswith("labextensions/py-mlops/package.json") for name in held)


def test_without_a_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build without a C compiler succeeds, and there is no tracer."""
    monkeypatch.setenv("CC", "false")
    with pytest.raises(AssertionError):
        build(tmp_path)
    assert not list(tmp_path.rglob("*.so"))
