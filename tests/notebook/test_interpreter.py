from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from nbformat import from_dict

from py_mlops.errors import InputError
from py_mlops.notebook.interpreter import interpreter_at, interpreter_of
from py_mlops.progress import Progress


def interpreter(metadata: dict[str, Any], said: list[Progress] | None = None) -> str:
    """Return the interpreter of a notebook with this metadata."""
    notebook = from_dict({"metadata": metadata, "cells": [], "nbformat": 4, "nbformat_minor": 5})
    return interpreter_of(notebook, (said if said is not None else []).append)


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return a function that installs a kernelspec with a command line."""
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))

    def put(name: str, *argv: str) -> None:
        folder = tmp_path / "kernels" / name
        folder.mkdir(parents=True)
        spec = {"argv": argv, "display_name": name, "language": "python"}
        (folder / "kernel.json").write_text(json.dumps(spec))

    return put


def test_the_kernelspec_names_the_interpreter(install: Any) -> None:
    """A notebook of another environment runs in that one."""
    install("other", "/opt/env/bin/python3.8", "-m", "ipykernel_launcher")
    assert interpreter({"kernelspec": {"name": "other"}}) == "/opt/env/bin/python3.8"


def test_a_bare_python_is_ours(install: Any) -> None:
    """As Jupyter itself reads it."""
    install("bare", "python", "-m", "ipykernel_launcher")
    assert interpreter({"kernelspec": {"name": "bare"}}) == sys.executable


@pytest.mark.parametrize("name", ["from-far-away", "../../etc", ""])
def test_a_kernel_that_is_not_here_is_replaced_by_ours_and_that_is_said(name: str) -> None:
    """Most notebooks travel without their kernelspec; nobody is left in doubt which ran."""
    said: list[Progress] = []
    assert interpreter({"kernelspec": {"name": name, "language": "python"}}, said) == sys.executable
    assert sys.executable in said[0].text


def test_a_notebook_that_says_nothing_is_pythons() -> None:
    """A bare notebook is run, not refused."""
    assert Path(interpreter({})).name.startswith("python")


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": {"name": "ir", "language": "R"}},
        {"language_info": {"name": "julia"}},
    ],
)
def test_another_language_is_refused(metadata: dict[str, Any]) -> None:
    """The person is told which, and what runs it."""
    with pytest.raises(InputError, match=r"R|julia"):
        interpreter(metadata)


def test_a_kernel_that_starts_something_else_is_refused(install: Any) -> None:
    """A wrapper's environment could not be recorded."""
    install("wrapped", "/usr/bin/conda", "run", "python", "-m", "ipykernel")
    with pytest.raises(InputError, match="/usr/bin/conda"):
        interpreter({"kernelspec": {"name": "wrapped"}})


def test_an_environments_folder_and_a_name_on_the_path_mean_its_interpreter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder's ``bin/python`` is taken as it is, not what it links to."""
    own = Path(sys.executable)
    (tmp_path / "env" / "bin").mkdir(parents=True)
    linked = tmp_path / "env" / "bin" / "python"
    linked.symlink_to(own)
    (tmp_path / "env" / "pyvenv.cfg").write_bytes((own.parent.parent / "pyvenv.cfg").read_bytes())
    (tmp_path / "env" / "lib").symlink_to(own.parent.parent / "lib")
    assert interpreter_at(str(tmp_path / "env")) == str(linked)
    monkeypatch.setenv("PATH", str(tmp_path / "env" / "bin"))
    assert interpreter_at("python") == str(linked)


@pytest.mark.parametrize(
    ("script", "said", "advice"),
    [
        ("echo pyenv: version not installed >&2; exit 127", "version not installed", "shim"),
        ("echo mlops CPython 3.7.16 1", "is CPython 3.7.16", "newer"),
        ("echo mlops PyPy 3.10.1 1", "is PyPy", "newer"),
        ("echo mlops CPython 3.12.1 0", "has no ipykernel", "-m pip install ipykernel"),
        ("true", "said nothing", "interpreter itself"),
    ],
)
def test_a_python_that_can_run_no_notebook_is_refused_before_anything_runs(
    tmp_path: Path, script: str, said: str, advice: str
) -> None:
    """The message says what it is, the hint what to do."""
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    with pytest.raises(InputError, match=said) as refused:
        interpreter_at(str(python))
    assert advice in refused.value.hint


def test_a_path_without_a_python_is_named(tmp_path: Path) -> None:
    """Neither an empty folder nor a name that nothing has is one."""
    for place in (str(tmp_path), "no-such-python"):
        with pytest.raises(InputError, match="There is no Python at"):
            interpreter_at(place)
