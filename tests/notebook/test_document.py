from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from py_mlops.errors import InputError, UnknownReference
from py_mlops.notebook import document
from py_mlops.notebook.document import find_by_cell_ids, parse, read_notebook

Json = dict[str, object]


def saved(*cells: Json, **metadata: object) -> bytes:
    """Return the bytes of a notebook of format 4.5."""
    whole = {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}
    return json.dumps(whole).encode()


def code(source: str | list[str], **fields: object) -> Json:
    """Return a code cell as it lies in a file."""
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": []} | fields


def test_code_cells() -> None:
    """Code cells come with id, code and place; text as lines or as one string is the same."""
    markdown: Json = {"cell_type": "markdown", "source": "# Title", "metadata": {}, "id": "m"}
    data = saved(code("x = 1", id="a"), markdown, code(["y = 2\n", "z = 3"], id="b"))
    cells = parse(data).code_cells
    assert [(cell.id, cell.source, cell.position) for cell in cells] == [
        ("a", "x = 1", 1), ("b", "y = 2\nz = 3", 2),
    ]  # fmt: skip


def test_ids_missing_or_used_twice() -> None:
    """A cell without an id of its own has none."""
    data = saved(code("1", id="a"), code("2", id="a"), code("3"), code("4", id="b"))
    assert [cell.id for cell in parse(data).code_cells] == [None, None, None, "b"]


def test_format_3() -> None:
    """A notebook of 2013 is read: its cells lie in worksheets, its code in ``input``."""
    cells = [{"cell_type": "code", "language": "python", "input": ["print 1"], "outputs": []}]
    whole = {"nbformat": 3, "metadata": {"name": "old"}, "worksheets": [{"cells": cells}]}
    assert [cell.source for cell in parse(json.dumps(whole).encode()).code_cells] == ["print 1"]


def test_kernel_and_parameters() -> None:
    """Kernel, language and papermill's parameters are read from the metadata."""
    found = parse(
        saved(kernelspec={"name": "py38", "language": "Python"}, papermill={"parameters": {"a": 1}})
    )
    assert (found.kernel, found.language, found.parameters) == ("py38", "python", {"a": 1})


def test_unicode() -> None:
    """Any script, a byte-order mark and half an emoji are read."""
    data = b"\xef\xbb\xbf" + saved(code("größe = '模型 🎉'"), code("x = '\ud83c'"))
    found = parse(data)
    assert found.code_cells[0].source == "größe = '模型 🎉'"
    assert found.digest.startswith("sha256:")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\xff\xfe\x00", "not valid JSON"),
        (b"<<<<<<< HEAD", "not valid JSON"),
        (b"[1]", "not a notebook"),
        (b"{}", "format 3 or 4"),
        (b'{"nbformat": 5}', "format 3 or 4"),
        (b'{"nbformat": "4"}', "format 3 or 4"),
        (b"[" * 200_000, "nested"),
        (b'{"nbformat": 4, "cells": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested"),
    ],
)
def test_what_is_no_notebook(data: bytes, says: str) -> None:
    """Anything else is refused with a reason and a next step, never with a crash."""
    with pytest.raises(InputError, match=says) as error:
        parse(data)
    assert error.value.hint


def test_odd_shapes_are_survived() -> None:
    """A notebook whose parts have wrong types is read as far as it makes sense."""
    data = b'{"nbformat": 4, "metadata": 3, "cells": [1, {"cell_type": "code", "source": [1]}]}'
    assert [cell.source for cell in parse(data).code_cells] == [""]
    assert parse(data).digest


def test_digest_ignores_what_viewing_changes() -> None:
    """Trust marks, kernelspec and a plotly figure's PNG do not change the digest; code does."""
    figure: Json = {"application/vnd.plotly.v1+json": {"data": []}}
    output: Json = {"output_type": "display_data", "metadata": {}, "data": figure}
    viewed = output | {"data": figure | {"image/png": "iVBOR"}}
    plain = parse(saved(code("f\n", outputs=[output])))
    seen = parse(
        saved(
            code(["f\n"], outputs=[viewed], metadata={"trusted": True}),
            kernelspec={"name": "other"},
            language_info={"version": "3.9"},
        )
    )
    assert plain.digest == seen.digest
    assert plain.digest != parse(saved(code("g\n", outputs=[output]))).digest
    picture = output | {"data": {"image/png": "iVBOR"}}
    assert plain.digest != parse(saved(code("f\n", outputs=[picture]))).digest


def test_a_hundred_megabytes(tmp_path: Path) -> None:
    """A notebook with 100 MB of outputs is read like any other."""
    path = tmp_path / "large.ipynb"
    image = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "A" * 10**7}}
    path.write_bytes(saved(*(code(f"x = {i}", id=f"c{i}", outputs=[image]) for i in range(10))))
    assert path.stat().st_size > 10**8
    assert len(read_notebook(path).code_cells) == 10


def test_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook beyond the limit is refused before it is read."""
    path = tmp_path / "sparse.ipynb"
    with path.open("wb") as stream:
        stream.truncate(document.LARGEST + 1)
    with pytest.raises(InputError, match="537 MB"):
        read_notebook(path)
    monkeypatch.setattr(document, "LARGEST", 10)
    with pytest.raises(InputError, match="0 MB"):
        parse(b" " * 11)


def test_paths_that_are_no_notebook(tmp_path: Path) -> None:
    """A missing file, a folder and a pipe are named as such."""
    with pytest.raises(UnknownReference, match="no notebook"):
        read_notebook(tmp_path / "gone.ipynb")
    with pytest.raises(InputError, match="not a file"):
        read_notebook(tmp_path)
    os.mkfifo(tmp_path / "pipe.ipynb")
    with pytest.raises(InputError, match="not a file"):
        read_notebook(tmp_path / "pipe.ipynb")


def test_a_renamed_notebook_is_found(tmp_path: Path) -> None:
    """The notebook that holds most of the executed cells is found under any name."""
    (tmp_path / "renamed.ipynb").write_bytes(saved(code("1", id="a"), code("2", id="b")))
    (tmp_path / "other.ipynb").write_bytes(saved(code("1", id="a"), code("2", id="z")))
    (tmp_path / "broken.ipynb").write_bytes(b"{")
    assert find_by_cell_ids(tmp_path, {"a", "b"}) == tmp_path / "renamed.ipynb"
    assert find_by_cell_ids(tmp_path, {"q"}) is None
    assert find_by_cell_ids(tmp_path / "nowhere", {"a"}) is None
