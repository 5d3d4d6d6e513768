"""Cells made fit to compare: whatever a notebook holds, they are well-formed and bounded."""

from __future__ import annotations

import base64
import json
from typing import Any

import nbformat
from hypothesis import given
from hypothesis import strategies as st

from py_mlops.notebook.cells import cells_of, shown_otherwise, sources_digest, steps
from py_mlops.notebook.comparable import comparable
from py_mlops.notebook.document import Document, parse
from py_mlops.notebook.executed import as_notebook
from py_mlops.notebook.figures import images
from py_mlops.records import CellOutput, ExecutedCell, History

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["cell_type", "source", "outputs", "output_type", "data", "text",
                             "name", "id", "metadata", "image/png", "traceback"]),
            inner | st.sampled_from(["code", "stream", "display_data", "error", "stdout"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)  # fmt: skip


def notebook(*cells: Any, **more: Any) -> Document:
    """Return a notebook of format 4."""
    whole = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": list(cells)} | more
    return parse(json.dumps(whole).encode())


def code(source: object, *outputs: Any, **more: Any) -> dict[str, Any]:
    """Return a code cell."""
    made = {"cell_type": "code", "metadata": {}, "execution_count": 1, "source": source}
    return made | {"outputs": list(outputs)} | more


@given(st.lists(JSON, max_size=4))
def test_whatever_the_cells_are(cells: list[Any]) -> None:
    """Cells of any JSON become cells that nbformat accepts, and nothing raises."""
    document = notebook(*cells)
    made, _ = comparable(document)
    for one in made:
        one.pop("id", None)  # older notebooks may have any
    nbformat.validate({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": made})
    said = cells_of(document)
    assert steps(said, said) == []
    assert sources_digest(said) == sources_digest(cells_of(document))
    list(images(document))


def test_what_is_no_change() -> None:
    """Execution counts, metadata, trust and lines as a list are nothing that a person wrote."""
    one = notebook(code("a = 1\nb = 2", id="x"))
    other = notebook(
        code(["a = 1\n", "b = 2"], execution_count=7, metadata={"trusted": True}, id="x"),
        metadata={"kernelspec": {"name": "other"}},
    )
    assert comparable(one) == comparable(other)
    assert sources_digest(cells_of(one)) == sources_digest(cells_of(other))


def test_an_output_is_no_change_of_what_was_written() -> None:
    """Another output is counted apart."""
    shown = {"output_type": "stream", "name": "stdout", "text": "1\n"}
    one, other = (cells_of(notebook(code("a", *outputs))) for outputs in ((), (shown,)))
    assert steps(one, other) == []
    assert shown_otherwise(one, other) == 1


def test_steps() -> None:
    """A rewritten cell, a new one and a removed one are told with their places."""
    old = cells_of(notebook(*(code(source) for source in ("a", "b", "c", "d"))))
    new = cells_of(notebook(*(code(source) for source in ("a", "B", "c", "new", "d", "e"))))
    assert steps(old, new) == [("changed", 1, 1), ("added", None, 3), ("added", None, 5)]
    assert ("removed", 3, None) in steps(old, old[:3])


def test_very_long_notebooks_are_compared_place_by_place() -> None:
    """Aligning thousands of different cells would take minutes."""
    long = cells_of(notebook(*(code(f"x{n}") for n in range(3001))))
    assert steps(long, long[1:])[-1] == ("removed", 3000, None)


def test_huge_outputs_are_told_not_shown() -> None:
    """Two different huge outputs still differ, by their digest."""
    sides = [
        comparable(notebook(code("a", {"output_type": "stream", "name": "stdout", "text": text})))
        for text in ("x" * 10**6, "y" * 10**6)
    ]
    (a, cut), (b, _) = sides
    assert cut
    assert a != b
    assert len(json.dumps(a)) < 1000


def test_figures_are_images() -> None:
    """Only what begins like a PNG or JPEG is one; an SVG, which can run code, never is."""

    def shown(mime: str, data: bytes) -> dict[str, Any]:
        text = base64.b64encode(data).decode()
        return {"output_type": "display_data", "metadata": {}, "data": {mime: text}}

    document = notebook(
        {"cell_type": "markdown", "metadata": {}, "source": "text"},
        code("plot()", shown("image/png", PNG), shown("image/png", b"<script>")),
        code("svg()", shown("image/svg+xml", b"<svg/>"), shown("image/jpeg", PNG)),
        code("again()", shown("image/png", PNG)),
    )
    found = list(images(document))
    assert [(one.mime, one.cell) for one in found] == [("image/png", 1), ("image/png", 3)]
    assert found[0].data == PNG
    assert found[0].digest == found[1].digest


def test_an_executed_session_is_a_notebook() -> None:
    """Every execution is a cell of its own, valid, with what it showed; too much is cut."""
    outputs = [
        CellOutput(stream="stdout", text="a\n" * 10, digest="sha256:" + "0" * 64),
        CellOutput(stream="result", text="1", digest="sha256:" + "0" * 64),
        CellOutput(stream="display", text="<plot>", digest="sha256:" + "0" * 64),
    ]
    cells = [
        ExecutedCell(count=n, cell_id="same", source="x = 1", outputs=outputs,
                     error="ValueError: no" if n == 2 else None, seconds=0.5, watched=True)
        for n in (1, 2, 3)
    ]  # fmt: skip
    whole, count, cut = as_notebook(History(cells=cells), language="python", most=9, size=10**6)
    nbformat.validate(whole)
    assert (count, cut) == (3, False)
    _, count, cut = as_notebook(History(cells=cells), language="python", most=2, size=10**6)
    assert (count, cut) == (2, True)
    small, _, cut = as_notebook(History(cells=cells), language="python", most=9, size=12)
    nbformat.validate(small)
    assert cut
