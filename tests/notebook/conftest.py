from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from py_mlops.notebook.client import KernelCommand
from py_mlops.records import CellOutput, ExecutedCell, digest_of

Cell = Callable[..., ExecutedCell]


@pytest.fixture
def notebook() -> Callable[..., NotebookNode]:
    """Make a notebook of code cells from their sources."""

    def make(*sources: str) -> NotebookNode:
        cells = [new_code_cell(text, id=f"c{number}") for number, text in enumerate(sources, 1)]
        made: NotebookNode = new_notebook(cells=cells)
        return made

    return make


@pytest.fixture
def ran() -> Cell:
    """Make an execution: count, source, texts on stdout, and further fields."""

    def make(count: int, source: str, *texts: str, **fields: Any) -> ExecutedCell:
        outputs = [
            CellOutput(stream="stdout", text=text[:4096], digest=digest_of(text.encode())[7:])
            for text in texts
        ]
        given: dict[str, Any] = {
            "cell_id": None,
            "outputs": outputs,
            "error": None,
            "seconds": 0.5,
            "watched": True,
        }
        return ExecutedCell(count=count, source=source, **(given | fields))

    return make


@pytest.fixture(scope="session")
def environ() -> dict[str, str]:
    """Return the environment of a kernel, without what pytest's own needs."""
    return {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}


@pytest.fixture(scope="session")
def kernel(environ: dict[str, str]) -> KernelCommand:
    """Return an ordinary kernel."""
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    return KernelCommand(argv=argv, env=environ)
