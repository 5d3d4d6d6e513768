"""A saved notebook as one that papermill can run, and an executed one as a file."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat import NotebookNode, ValidationError, v3
from nbformat.v4.rwbase import rejoin_lines

from py_mlops.errors import InputError
from py_mlops.notebook.document import Document, parse, read_bytes

_FORMAT, _MINOR = 4, 5
_NO_NOTEBOOK = (ValidationError, ValueError, AttributeError, LookupError, TypeError, RecursionError)


def load(path: Path) -> NotebookNode:
    """Read a saved notebook to run it.

    Args:
        path: A notebook of format 3 or 4.

    Returns:
        It in format 4.5, without outputs; each cell has an id of its own.

    Raises:
        UnknownReference: When there is no such file.
        InputError: When it is not a notebook that can be run.
    """
    return runnable(parse(read_bytes(path), name=path.name), name=path.name)


def runnable(document: Document, *, name: str = "The notebook") -> NotebookNode:
    """Return a saved notebook as one that can be run; see `load`."""
    try:
        notebook: NotebookNode = nbformat.from_dict(document.content)
        if notebook.nbformat < _FORMAT:
            notebook = v3.rwbase.rejoin_lines(notebook)
            notebook = nbformat.convert(notebook, _FORMAT)
        notebook.nbformat, notebook.nbformat_minor = _FORMAT, _MINOR
        notebook = rejoin_lines(notebook)
        seen: set[str] = set()
        for position, cell in enumerate(notebook.cells):
            if cell.get("id") in seen or not isinstance(cell.get("id"), str):
                cell.id = f"cell-{position}"
            seen.add(cell.id)
            cell.setdefault("metadata", NotebookNode())
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.validate(notebook)
    except _NO_NOTEBOOK as error:
        raise InputError(
            f"{name} is not a valid notebook: {str(error).splitlines()[0]:.200}.",
            hint="Open it in JupyterLab and save it again.",
        ) from error
    return notebook


def to_ipynb(notebook: NotebookNode) -> bytes:
    """Return a notebook as the bytes of an ``.ipynb`` file; equal notebooks give equal bytes."""
    text: str = nbformat.writes(notebook)
    return f"{text}\n".encode("utf-8", "replace")
