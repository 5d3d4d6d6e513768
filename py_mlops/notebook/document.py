"""What a saved notebook holds, read without believing it and without importing nbformat."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from py_mlops.errors import InputError, UnknownReference
from py_mlops.records import digest_of

LARGEST = 512 * 1024 * 1024
_OLDEST_FORMAT = 3
_CURRENT_FORMAT = 4
_SEARCHED_FILES = 200
_NOT_OURS = ("kernelspec", "language_info")
_PLOTLY = "application/vnd.plotly.v1+json"

Json = dict[str, object]


@dataclass(frozen=True)
class CodeCell:
    """A code cell of a saved notebook.

    Attributes:
        id: Its id; ``None`` when it has none, or one that another cell has too.
        source: Its code.
        position: Its place among the code cells, from 1.
    """

    id: str | None
    source: str
    position: int


@dataclass(frozen=True)
class Document:
    """A saved notebook of format 3 or 4.

    Attributes:
        content: Its JSON, as it was read.
        code_cells: Its code cells, in order.
        kernel: The name of its kernelspec; empty when it names none.
        language: Its language, lower case; empty when it names none.
        parameters: The parameters papermill gave it; empty for most notebooks.
    """

    content: Json
    code_cells: list[CodeCell]
    kernel: str
    language: str
    parameters: Json

    @cached_property
    def normalised_cells(self) -> list[Json]:
        """Its cells, without what merely viewing it rewrites; see `digest`."""
        with _bounded("This notebook"):
            return [_normalised(cell) for cell in _raw_cells(self.content)]

    @cached_property
    def digest(self) -> str:
        """The digest of its content, without what viewing or connecting a kernel rewrites.

        Left out are trust marks, kernelspec and language_info, and the PNG that
        the plotly renderer adds when a figure is merely looked at. Text written
        as one string or as a list of lines is the same.
        """
        metadata = _dict(self.content.get("metadata"))
        kept = {name: value for name, value in metadata.items() if name not in _NOT_OURS}
        whole = {**self.content, "metadata": kept, "cells": self.normalised_cells}
        with _bounded("This notebook"):
            text = json.dumps(whole, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return digest_of(text.encode("utf-8", "surrogatepass"))


def read_notebook(path: Path) -> Document:
    """Read a saved notebook.

    Args:
        path: A notebook file.

    Returns:
        What it holds.

    Raises:
        UnknownReference: When there is no such file.
        InputError: When it is not a notebook we can read; see `parse`.
    """
    return parse(read_bytes(path), name=path.name)


def read_bytes(path: Path) -> bytes:
    """Return a notebook file's bytes, when it is a file of a size we read.

    Args:
        path: The file.

    Returns:
        Its bytes.

    Raises:
        UnknownReference: When there is no such file.
        InputError: When it is no plain file, too large or not readable.
    """
    try:
        size = path.stat().st_size
        if path.is_file() and size <= LARGEST:
            return path.read_bytes()
    except FileNotFoundError as error:
        raise UnknownReference(
            f"There is no notebook {path}.", hint="Check the path; it ends in .ipynb."
        ) from error
    except OSError as error:
        raise InputError(
            f"The notebook {path} cannot be read: {error.strerror}.",
            hint="Check the file's permissions.",
        ) from error
    if not path.is_file():
        raise InputError(f"{path} is not a file.", hint="Give the path of a notebook.")
    raise _too_large(path.name, size)


def parse(data: bytes, *, name: str = "The notebook") -> Document:
    """Read a notebook's bytes.

    Args:
        data: The bytes of an ``.ipynb`` file; hostile until they pass.
        name: How messages call it.

    Returns:
        What it holds; cells without ids, or with ids used twice, are allowed.

    Raises:
        InputError: When they are not JSON, nested absurdly deep, larger than
            512 MiB, or not a notebook of format 3 or 4.
    """
    if len(data) > LARGEST:
        raise _too_large(name, len(data))
    with _bounded(name):
        content = _json(data, name)
        version = content.get("nbformat")
        if not isinstance(version, int) or not _OLDEST_FORMAT <= version <= _CURRENT_FORMAT:
            raise InputError(
                f"{name} is not a notebook of format 3 or 4 (its nbformat is {version!r:.40}).",
                hint="Open it in JupyterLab and save it again.",
            )
        metadata = _dict(content.get("metadata"))
        spec, info = _dict(metadata.get("kernelspec")), _dict(metadata.get("language_info"))
        language = _string(spec.get("language")) or _string(info.get("name"))
        return Document(
            content=content,
            code_cells=_code_cells(content),
            kernel=_string(spec.get("name")),
            language=language.lower(),
            parameters=_dict(_dict(metadata.get("papermill")).get("parameters")),
        )


def find_by_cell_ids(folder: Path, ids: Collection[str]) -> Path | None:
    """Find the notebook that holds cells of these ids, whatever it is called now.

    Args:
        folder: Where to look; folders below it are not searched.
        ids: Ids of executed cells.

    Returns:
        The notebook that holds most of them, the latest saved one of several;
        ``None`` when none holds any.
    """
    found: list[tuple[int, float, Path]] = []
    try:
        dated = sorted((path.stat().st_mtime, path) for path in folder.glob("*.ipynb"))
    except OSError:
        return None
    for saved, path in dated[-_SEARCHED_FILES:]:
        try:
            cells = read_notebook(path).code_cells
        except InputError:
            continue  # another, broken notebook beside it is not this search's business
        shared = sum(cell.id in ids for cell in cells)
        if shared:
            found.append((shared, saved, path))
    return max(found)[2] if found else None


def _json(data: bytes, name: str) -> Json:
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except ValueError as error:
        raise InputError(
            f"{name} is not valid JSON: {error!s:.200}.",
            hint="It may be cut short or hold merge marks: restore it from a checkpoint or "
            "from version control.",
        ) from error
    if not isinstance(content, dict):
        raise InputError(f"{name} is JSON, but not a notebook.", hint="Give an .ipynb file.")
    return content


@contextmanager
def _bounded(name: str) -> Iterator[None]:
    try:
        yield
    except RecursionError as error:
        raise InputError(
            f"{name} is nested so deep that no notebook program wrote it.",
            hint="Do not trust this file; ask whoever gave it to you for another copy.",
        ) from error


def _too_large(name: str, size: int) -> InputError:
    return InputError(
        f"{name} is {size / 1e6:,.0f} MB; notebooks up to {LARGEST / 1e6:,.0f} MB are read.",
        hint="Clear the outputs of its largest cells and save it.",
    )


def _code_cells(content: Json) -> list[CodeCell]:
    found = [
        (_string(cell.get("id")), _text(cell.get("source", cell.get("input"))))
        for cell in _raw_cells(content)
        if cell.get("cell_type") == "code"
    ]
    uses = Counter(identity for identity, _ in found)
    return [
        CodeCell(identity if identity and uses[identity] == 1 else None, source, position)
        for position, (identity, source) in enumerate(found, 1)
    ]


def _raw_cells(content: Json) -> list[Json]:
    """Return the cells; format 3 keeps them in worksheets, and their code in ``input``."""
    sheets = [content] if content.get("nbformat") == _CURRENT_FORMAT else content.get("worksheets")
    return [
        cell
        for sheet in _list(sheets)
        for cell in _list(_dict(sheet).get("cells"))
        if isinstance(cell, dict)
    ]


def _normalised(cell: Json) -> Json:
    metadata = _dict(cell.get("metadata"))
    kept = {name: value for name, value in metadata.items() if name != "trusted"}
    kept = {**cell, "metadata": kept, "source": _text(cell.get("source"))}
    if "input" in cell:  # format 3
        kept["input"] = _text(cell["input"])
    if "outputs" in cell:
        kept["outputs"] = [_normalised_output(_dict(item)) for item in _list(cell["outputs"])]
    return kept


def _normalised_output(output: Json) -> Json:
    data = _dict(output.get("data"))
    kept = {mime: _lines_joined(value) for mime, value in data.items()}
    if _PLOTLY in kept:
        kept.pop("image/png", None)
    return {**output, "data": kept, "text": _text(output.get("text"))}


def _lines_joined(value: object) -> object:
    lines = isinstance(value, list) and all(isinstance(line, str) for line in value)
    return _text(value) if lines else value


def _text(value: object) -> str:
    """Return a multi-line string, which may be written as a list of lines."""
    if isinstance(value, list):
        return "".join(line for line in value if isinstance(line, str))
    return _string(value)


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _dict(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
