from __future__ import annotations

from collections.abc import Callable

import nbformat
import pytest

from py_mlops.notebook.replay import plan, without_installs
from py_mlops.records import ExecutedCell, History

Ran = Callable[..., ExecutedCell]


def test_cells_in_the_order_in_which_they_ran(ran: Ran) -> None:
    """The replay holds every execution, repeats included, each with its recorded number."""
    history = History(cells=[ran(1, "x = 1"), ran(4, "x += 1"), ran(5, "x += 1")])
    notebook = plan(history, name="m")
    nbformat.validate(notebook)
    assert [cell.source for cell in notebook.cells] == ["x = 1", "x += 1", "x += 1"]
    assert [cell.metadata.mlops["count"] for cell in notebook.cells] == [1, 4, 5]
    assert notebook.metadata.mlops.name == "m"
    assert plan(history, name="m") == notebook


def test_cells_that_failed_may_fail_again(ran: Ran) -> None:
    """An error that was recorded does not stop the replay."""
    cells = [ran(1, "1 / 0", error="ZeroDivisionError: division by zero"), ran(2, "x = 1")]
    first, second = plan(History(cells=cells), name="m").cells
    assert first.metadata.tags == ["raises-exception"]
    assert "tags" not in second.metadata


def test_interrupted_cells_are_interrupted_again(ran: Ran) -> None:
    """A cell that someone stopped is stopped after the same time."""
    cells = [ran(1, "while True: n += 1", error="KeyboardInterrupt: ")]
    (cell,) = plan(History(cells=cells), name="m").cells
    assert cell.metadata.mlops.interrupt_after == 0.5
    assert cell.metadata.tags == ["raises-exception"]


@pytest.mark.parametrize(
    "line",
    [
        "%pip install pandas", "!pip install -q pandas", "! pip3 install x", "%conda install x",
        "!python -m pip install --upgrade x", "!{sys.executable} -m pip install x",
        "!/usr/bin/python3.11 -m pip install x", "%mamba remove x", "!uv pip install x",
        "!!pip install x", "!pip --quiet install x", "%pip uninstall -y x",
    ],
)  # fmt: skip
def test_installs_are_not_replayed(line: str) -> None:
    """Lines that change packages become a no-op that says so; the rest of the cell stays."""
    source = f"import sys\nif True:\n    {line}\nx = 1"
    first, second, third, fourth = without_installs(source).split("\n")
    assert (first, second, fourth) == ("import sys", "if True:", "x = 1")
    assert third == f"    pass  # not replayed, the environment is rebuilt already: {line}"


@pytest.mark.parametrize(
    "source",
    [
        "%pip list", "!pip freeze", "%timeit f()", "!ls", "# %pip install x", "pip = install(3)",
        "%load_ext py_mlops", "%%time\nx = 1", "print('%pip install x')", "%conda info",
    ],
)  # fmt: skip
def test_everything_else_is_replayed_as_it_was(source: str) -> None:
    """Other magics, shell commands and code stay as the person typed them."""
    assert without_installs(source) == source


def test_installs_over_several_lines() -> None:
    """A continued install line is left out with its continuation."""
    source = "%%capture\n!pip install \\\n  pandas \\\n  numpy\nx = 1"
    lines = without_installs(source).split("\n")
    assert lines[1].startswith("pass  # not replayed")
    assert lines[2:] == ["# pandas \\", "# numpy", "x = 1"]


def test_installs_in_a_shell_cell() -> None:
    """In a cell for the shell the no-op is the shell's."""
    source = "%%bash\ncd data\npip install x\nls"
    assert without_installs(source).split("\n") == [
        "%%bash", "cd data",
        ":  # not replayed, the environment is rebuilt already: pip install x", "ls",
    ]  # fmt: skip


def test_a_bare_install() -> None:
    """IPython also takes ``pip install x`` alone in a cell."""
    assert without_installs("pip install x").startswith("pass  # not replayed")
    assert without_installs("pip install x\ny = 1") == "pip install x\ny = 1"
