"""What a session executed, as a notebook to look at: its cells in order, with what they showed."""

from __future__ import annotations

from py_mlops.notebook.document import Json
from py_mlops.records import CellOutput, ExecutedCell, History

_ID = 40


def as_notebook(history: History, *, language: str, most: int, size: int) -> tuple[Json, int, bool]:
    """Return a session as a notebook.

    Args:
        history: What was executed.
        language: The language's name, for highlighting.
        most: At most so many cells.
        size: At most about so many characters; what is longer is cut.

    Returns:
        The notebook in nbformat 4.5, how many cells it has, and whether
        anything was cut.
    """
    cells: list[Json] = []
    left, cut = size, len(history.cells) > most
    for place, cell in enumerate(history.cells[:most]):
        if left <= 0:
            cut = True
            break
        made, used, short = _cell(place, cell, left)
        cells.append(made)
        left -= used
        cut = cut or short
    metadata = {"language_info": {"name": language}}
    return (
        {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells},
        len(cells),
        cut,
    )


def _cell(place: int, cell: ExecutedCell, left: int) -> tuple[Json, int, bool]:
    source = cell.source[:left]
    used, cut = len(source), len(source) < len(cell.source)
    outputs: list[Json] = []
    for output in cell.outputs:
        text = output.text[: max(0, left - used)]
        used += len(text)
        cut = cut or len(text) < len(output.text)
        outputs.append(_output(output, text, cell.count))
    if cell.error:
        name, _, value = cell.error.partition(": ")
        outputs.append(
            {"output_type": "error", "ename": name, "evalue": value, "traceback": [cell.error]}
        )
    made: Json = {
        "cell_type": "code",
        # One cell may have run twice; a notebook's ids are unique.
        "id": f"run-{place}",
        "metadata": {"py-mlops": {"cell": (cell.cell_id or "")[:_ID], "seconds": cell.seconds}},
        "execution_count": cell.count or None,
        "source": source,
        "outputs": outputs,
    }
    return made, used, cut


def _output(output: CellOutput, text: str, count: int) -> Json:
    if output.stream in {"stdout", "stderr"}:
        return {"output_type": "stream", "name": output.stream, "text": text}
    shown: Json = {"data": {"text/plain": text}, "metadata": {}}
    if output.stream == "result":
        return {"output_type": "execute_result", "execution_count": count or None, **shown}
    return {"output_type": "display_data", **shown}
