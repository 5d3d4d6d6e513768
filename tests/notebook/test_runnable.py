from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from py_mlops.errors import InputError
from py_mlops.notebook.document import parse
from py_mlops.notebook.runnable import load, runnable, to_ipynb


def test_format_3_is_upgraded(tmp_path: Path) -> None:
    """A notebook of 2013 becomes one of today, ready to run."""
    cell = {
        "cell_type": "code", "language": "python", "input": ["x = 1", "print(x)"], "outputs": [],
        "metadata": {}, "collapsed": False, "prompt_number": 7,
    }  # fmt: skip
    title = {"cell_type": "heading", "level": 1, "source": ["Title"], "metadata": {}}
    whole = {
        "nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""},
        "worksheets": [{"cells": [title, cell], "metadata": {}}],
    }  # fmt: skip
    path = tmp_path / "old.ipynb"
    path.write_text(json.dumps(whole))
    notebook = load(path)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    heading, code = notebook.cells
    assert heading.source == "# Title"
    assert (code.source, code.outputs, code.execution_count) == ("x = 1\nprint(x)", [], None)


def test_ids_are_made_where_there_are_none(tmp_path: Path) -> None:
    """Cells without an id, or with one used twice, get one of their own; others keep theirs."""
    base = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": 3}
    cells = [base | {"source": "1", "id": "a"}, base | {"source": "2", "id": "a"}]
    cells += [base | {"source": ["3\n", "4"]}]
    whole = {"nbformat": 4, "nbformat_minor": 2, "metadata": {}, "cells": cells}
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps(whole))
    notebook = load(path)
    assert [cell.id for cell in notebook.cells] == ["a", "cell-1", "cell-2"]
    assert notebook.cells[2].source == "3\n4"
    nbformat.validate(notebook)


@pytest.mark.parametrize(
    "content",
    [
        b'{"nbformat": 4}',
        b'{"nbformat": 3}',
        b'{"nbformat": 4, "metadata": {}, "cells": [1]}',
        b'{"nbformat": 4, "metadata": {}, "cells": [{"cell_type": "code"}]}',
        b'{"nbformat": 4, "metadata": {}, "cells": [{"cell_type": "x", "source": ""}]}',
    ],
)
def test_what_cannot_be_run(content: bytes) -> None:
    """A notebook that no program wrote is refused with a reason."""
    with pytest.raises(InputError, match="not a valid notebook"):
        runnable(parse(content))


def test_bytes_are_the_same_every_time(tmp_path: Path) -> None:
    """Writing and reading a notebook again gives the same bytes, in any script."""
    cell = {"cell_type": "markdown", "metadata": {}, "source": "größe 模型", "id": "a"}
    whole = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps(whole))
    data = to_ipynb(load(path))
    path.write_bytes(data)
    assert to_ipynb(load(path)) == data
