from __future__ import annotations

import json
from collections.abc import Callable

from py_mlops.notebook.differences import differences
from py_mlops.notebook.document import Document, parse
from py_mlops.records import ExecutedCell

Ran = Callable[..., ExecutedCell]


def saved(*cells: tuple[str, str] | str) -> Document:
    """Return a notebook of code cells: pairs of id and source, or sources of cells without id."""
    found = [("", cell) if isinstance(cell, str) else cell for cell in cells]
    whole = {
        "nbformat": 4,
        "metadata": {},
        "cells": [{"cell_type": "code", "id": i, "source": s, "outputs": []} for i, s in found],
    }
    return parse(json.dumps(whole).encode())


def kinds(document: Document | None, *cells: ExecutedCell) -> dict[str, list[int]]:
    """Return the differences as kind and cells."""
    return {item.kind: item.cells for item in differences(document, cells)}


ABC = saved(("a", "x = 1"), ("b", "y = x"), ("c", "z = y"))


def test_top_to_bottom(ran: Ran) -> None:
    """A notebook run once from top to bottom does not differ."""
    cells = [ran(1, "x = 1", cell_id="a"), ran(2, "y = x", cell_id="b"), ran(3, "z = y\n")]
    assert kinds(ABC, *cells) == {}


def test_twice_top_to_bottom(ran: Ran) -> None:
    """Running everything twice is a repetition and no disorder."""
    sources = ["x = 1", "y = x", "z = y"] * 2
    cells = [ran(count, source) for count, source in enumerate(sources, 1)]
    assert kinds(ABC, *cells) == {"repeated": [1, 2, 3, 4, 5, 6]}


def test_out_of_order(ran: Ran) -> None:
    """A cell that ran after one further down is named by its number."""
    cells = [
        ran(1, "z = y", cell_id="c"), ran(2, "x = 1", cell_id="a"), ran(3, "y = x", cell_id="b"),
    ]  # fmt: skip
    found = differences(ABC, cells)
    assert [(item.kind, item.cells) for item in found] == [("out-of-order", [2, 3])]
    assert found[0].text == "[2] and [3] ran after cells that stand further down."


def test_edited_after_it_ran(ran: Ran) -> None:
    """A cell whose saved code is not what last ran is reported, an earlier version is not."""
    cells = [
        ran(1, "x = 0", cell_id="a"), ran(2, "x = 1", cell_id="a"), ran(3, "y = 7", cell_id="b"),
        ran(4, "z = y", cell_id="c"),
    ]  # fmt: skip
    found = differences(ABC, cells)
    assert [(item.kind, item.cells) for item in found] == [("edited", [3]), ("repeated", [1, 2])]
    assert found[0].text == "[3] was changed in the notebook after it ran."
    assert found[1].text == "1 cell ran more than once, with other code: [1] and [2]."


def test_deleted(ran: Ran) -> None:
    """A cell that ran and is not saved any more is reported, with or without an id."""
    cells = [
        ran(1, "x = 1", cell_id="a"), ran(2, "q = 1", cell_id="q"), ran(3, "r = 1"),
        ran(4, "y = x", cell_id="b"), ran(5, "z = y", cell_id="c"),
    ]  # fmt: skip
    assert kinds(ABC, *cells) == {"deleted": [2, 3]}


def test_not_run(ran: Ran) -> None:
    """Cells that were never executed are named by their place in the notebook."""
    found = differences(ABC, [ran(1, "x = 1"), ran(2, "z = y")])
    assert [(item.kind, item.cells) for item in found] == [("not-run", [2])]
    assert found[0].text == "Code cell 2 of the notebook never ran."


def test_below_the_asking_cell(ran: Ran) -> None:
    """Cells below the one that asks for the snapshot were not due yet."""
    document = saved("x = 1", "%mlops snapshot m", "plot(x)")
    assert kinds(document, ran(1, "x = 1"), ran(2, "%mlops snapshot m")) == {}


def test_our_own_cells_make_no_noise(ran: Ran) -> None:
    """Loading the extension late or asking for five snapshots is nobody's disorder."""
    document = saved("%load_ext py_mlops", "# note\nx = 1", "%mlops status", "%mlops snapshot m")
    cells = [
        ran(1, "# note\nx = 1"), ran(2, "%load_ext py_mlops", watched=False),
        ran(3, "%mlops snapshot m"), ran(4, "%mlops status"), ran(5, "%mlops snapshot m"),
    ]  # fmt: skip
    assert kinds(document, *cells) == {}


def test_headless_with_equal_cells(ran: Ran) -> None:
    """Without ids, equal cells are matched one after the other."""
    document = saved("step()", "x = 1", "step()")
    assert kinds(document, ran(1, "step()"), ran(2, "x = 1"), ran(3, "step()")) == {}


def test_injected_parameters(ran: Ran) -> None:
    """The cell that papermill adds is no deleted cell."""
    cells = [ran(1, "x = 1"), ran(2, "# Parameters\nx = 2\n"), ran(3, "y = x"), ran(4, "z = y")]
    assert kinds(ABC, *cells) == {}


def test_ids_of_another_world(ran: Ran) -> None:
    """Ids that the notebook does not know, as some editors send, fall back to the code."""
    cells = [ran(1, "x = 1", cell_id="vscode-1"), ran(2, "y = x", cell_id="v2"), ran(3, "z = y")]
    assert kinds(ABC, *cells) == {}


def test_unsaved(ran: Ran) -> None:
    """No notebook, or one saved before the work began, is called unsaved and nothing else."""
    assert kinds(None, ran(1, "x = 1")) == {"unsaved": []}
    assert kinds(saved(), ran(1, "x = 1")) == {"unsaved": [1]}
    assert kinds(saved()) == {}


def test_unwatched(ran: Ran) -> None:
    """Cells that ran before the extension was loaded are named."""
    cells = [ran(1, "x = 1", watched=False), ran(2, "y = x"), ran(3, "z = y")]
    found = differences(ABC, cells)
    assert [(item.kind, item.cells) for item in found] == [("unwatched", [1])]
    assert "[1] ran before the extension was loaded" in found[0].text


def test_long_lists_are_cut(ran: Ran) -> None:
    """A sentence names a dozen cells and counts the others."""
    found = differences(
        saved("kept"), [ran(i, f"x = {i}") for i in range(1, 21)] + [ran(21, "kept")]
    )
    assert found[0].cells == list(range(1, 21))
    assert found[0].text.endswith("[12] and 8 more are no longer in the saved notebook.")
