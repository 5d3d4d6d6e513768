from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.projects import mlops, write_notebook


@pytest.mark.parametrize(
    "modules", ["papermill, py_mlops.engine", "py_mlops.engine, papermill", "py_mlops.engine"]
)
def test_engine_and_papermill_are_imported_in_either_order(modules: str) -> None:
    """Neither needs the other to be there first, and papermill knows the engine afterwards."""
    known = "from papermill.engines import papermill_engines as known; known.get_engine('mlops')"
    done = subprocess.run(
        [sys.executable, "-c", f"import {modules}\n{known}"],
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_papermill_itself_snapshots_with_our_engine(tmp_path: Path) -> None:
    """Who has papermill in a pipeline adds ``--engine mlops`` and changes nothing else."""
    write_notebook(
        tmp_path / "nightly.ipynb",
        ["rate = 0.1", "with open('in.txt') as stream:\n    total = rate * int(stream.read())"],
    )
    (tmp_path / "in.txt").write_text("4")
    words = [sys.executable, "-m", "papermill", "--engine", "mlops", "-p", "rate", "0.5"]
    done = subprocess.run(
        [*words, "nightly.ipynb", "out.ipynb"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    [listed] = mlops("log", "--json").value
    shown = mlops("show", listed["id"], "--json").value
    assert listed["name"] == "nightly"
    assert shown["parameters"] == {"rate": 0.5}
    assert [file["requested"] for file in shown["data"]] == ["in.txt"]
    assert listed["id"][7:19] in done.stderr
    assert json.loads((tmp_path / "out.ipynb").read_text())["metadata"]["papermill"]
