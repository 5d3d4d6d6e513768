"""A saved notebook's cells made fit to compare and to show: well-formed, normalised, bounded."""

from __future__ import annotations

import json

from py_mlops.notebook.document import Document, Json
from py_mlops.records import digest_of

_KINDS = ("code", "markdown", "raw")
_OUTPUT = 128 * 1024
"""Characters of one output; a longer one is told by its length and digest alone."""

_CELLS = 4000
_SOURCE = 1024 * 1024


def comparable(document: Document) -> tuple[list[Json], bool]:
    """Return a notebook's cells as format 4 has them, whatever the document holds.

    Left out is what a person did not write and a run did not show: metadata,
    execution counts, and outputs that are not as nbformat has them. Format 3's
    outputs are left out, too.

    Args:
        document: The notebook; hostile.

    Returns:
        The cells, and whether anything was cut for size.
    """
    raw = document.normalised_cells
    cells: list[Json] = []
    cut = len(raw) > _CELLS
    for cell in raw[:_CELLS]:
        kind = cell.get("cell_type")
        source = cell.get("source") or cell.get("input")
        text = source if isinstance(source, str) else ""
        cut = cut or len(text) > _SOURCE
        made: Json = {
            "cell_type": kind if kind in _KINDS else "raw",
            "metadata": {},
            "source": text[:_SOURCE],
        }
        if isinstance(cell.get("id"), str):
            made["id"] = cell["id"]
        if kind == "code":
            outputs, short = _outputs(cell.get("outputs"))
            made |= {"execution_count": None, "outputs": outputs}
            cut = cut or short
        cells.append(made)
    return cells, cut


def _outputs(value: object) -> tuple[list[Json], bool]:
    found: list[Json] = []
    cut = False
    for output in value if isinstance(value, list) else []:
        made = _output(output) if isinstance(output, dict) else None
        if made is None:
            continue
        if len(json.dumps(made)) > _OUTPUT:
            made, cut = _told(made), True
        found.append(made)
    return found, cut


def _output(output: Json) -> Json | None:
    kind = output.get("output_type")
    if kind == "stream" and output.get("name") in {"stdout", "stderr"}:
        return {"output_type": kind, "name": output["name"], "text": _text(output.get("text"))}
    if kind in {"display_data", "execute_result"}:
        data = output.get("data")
        shown = {
            mime: value if mime.endswith("json") else _text(value)
            for mime, value in (data.items() if isinstance(data, dict) else ())
        }
        made: Json = {"output_type": kind, "data": shown, "metadata": {}}
        return made | {"execution_count": None} if kind == "execute_result" else made
    if kind == "error":
        lines = output.get("traceback")
        return {
            "output_type": kind,
            "ename": _text(output.get("ename")),
            "evalue": _text(output.get("evalue")),
            "traceback": [_text(line) for line in (lines if isinstance(lines, list) else [])],
        }
    return None


def _told(output: Json) -> Json:
    """Return an output that tells of a large one, so that two different ones still differ."""
    text = json.dumps(output, sort_keys=True)
    name = digest_of(text.encode())[7:19]
    said = f"[an output of {len(text):,} characters, sha256 {name}…, is not shown]\n"
    return {"output_type": "stream", "name": "stdout", "text": said}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
