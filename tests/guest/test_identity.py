from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from py_mlops.guest.identity import identity


class Shell:
    """As much of an IPython shell as tells where it runs."""

    def __init__(self, **names: Any) -> None:
        """Keep the user's names."""
        self.user_ns = names


class KernelShell(Shell):
    """The shell of a kernel."""

    kernel = object()


@pytest.fixture(autouse=True)
def _nobody_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("MLOPS_NOTEBOOK", "JPY_SESSION_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_a_terminal_is_a_console_without_a_notebook() -> None:
    """Plain IPython has no file that could be saved."""
    assert identity(Shell()) == ("console", None)


def test_a_kernel_that_nobody_told_anything_is_a_notebook_of_unknown_name() -> None:
    """It is found by its cells later, or said to be unsaved."""
    assert identity(KernelShell()) == ("notebook", None)


def test_jupyter_server_names_the_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    """The path is made absolute, so that a later change of folder does not matter."""
    monkeypatch.setenv("JPY_SESSION_NAME", "sub/a.ipynb")
    assert identity(KernelShell()) == ("notebook", os.path.join(os.getcwd(), "sub", "a.ipynb"))


def test_a_session_that_is_no_notebook_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """JupyterLab's consoles have names of their own, which are no files."""
    monkeypatch.setenv("JPY_SESSION_NAME", "console-1-6f9a")
    assert identity(KernelShell()) == ("notebook", None)


def test_visual_studio_code_names_the_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its word comes before that of the environment it was started from."""
    monkeypatch.setenv("JPY_SESSION_NAME", "/p/other.ipynb")
    assert identity(KernelShell(__vsc_ipynb_file__="/p/b.ipynb")) == ("notebook", "/p/b.ipynb")


@pytest.mark.parametrize("value", [7, None, b"/p/b.ipynb", "/p/b.txt", ["/p/b.ipynb"]])
def test_a_variable_of_the_user_that_only_looks_so_is_passed_over(value: Any) -> None:
    """Whatever they call their variables, nothing is raised."""
    assert identity(KernelShell(__vsc_ipynb_file__=value)) == ("notebook", None)


def test_a_headless_run_says_itself_what_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its word comes first: the kernel only knows the launcher."""
    monkeypatch.setenv("JPY_SESSION_NAME", "/p/other.ipynb")
    monkeypatch.setenv("MLOPS_NOTEBOOK", "/p/x/../nightly.ipynb")
    assert identity(KernelShell()) == ("headless", "/p/nightly.ipynb")
