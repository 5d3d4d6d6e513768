from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_notebook, writes

from py_mlops.commands.snapshots.handover import find_notebook, read_handover
from py_mlops.errors import InputError
from py_mlops.records.handover import FILE, Handover
from tests.handovers import CELLS, a_model, hand_over, handover, seen


def read(tmp_path: Path, **parts: Any) -> Handover:
    """Write a handover and read it."""
    return read_handover(hand_over(tmp_path / "h", handover(tmp_path, **parts)))


def save(path: Path, *sources: str, first: int = 1) -> Path:
    """Save a notebook with cells that have the ids c1, c2, …."""
    cells = [new_code_cell(source, id=f"c{n}") for n, source in enumerate(sources, first)]
    path.write_text(writes(new_notebook(cells=cells)))
    return path


def test_what_a_kernel_wrote_is_read_back(tmp_path: Path) -> None:
    """With the payload that lies beside it."""
    folder = hand_over(tmp_path / "h", handover(tmp_path, model=a_model()), model=b"bytes")
    found = read_handover(folder)
    assert found.model is not None
    assert found.model.artifacts[0].file == "model"
    assert [cell.source for cell in found.cells] == CELLS


def test_a_copy_of_an_overwritten_file_is_believed_only_as_a_payload_file(tmp_path: Path) -> None:
    """A copy elsewhere, a link, a folder, or one of another size is refused, never stored."""
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "h" / "folder").mkdir(parents=True)
    (tmp_path / "h" / "link").symlink_to(tmp_path / "secret")
    for kept in ("../secret", str(tmp_path / "secret"), "link", "folder", "gone", "a\0b", "short"):
        file = seen(tmp_path / "raw.csv", size=6, written=True, kept=kept)
        said = handover(tmp_path, file)
        with pytest.raises(InputError, match=r"names .*, which is no file|another size"):
            read_handover(hand_over(tmp_path / "h", said, short=b"12345"))


def test_no_handover_is_told(tmp_path: Path) -> None:
    """A kernel that died left nothing."""
    with pytest.raises(InputError, match="No such file") as caught:
        read_handover(tmp_path)
    assert "Run the snapshot again" in caught.value.hint


def test_a_handover_without_end_is_not_read(tmp_path: Path) -> None:
    """Beyond 1 GiB it is refused by its size, before it fills the memory."""
    with (tmp_path / FILE).open("wb") as stream:
        stream.truncate((1 << 30) + 1)  # a sparse file: it takes no room
    with pytest.raises(InputError, match="1 GiB"):
        read_handover(tmp_path)


@pytest.mark.parametrize("bad", ["\\ud800", "\\udcff.csv"])
def test_text_that_is_no_text_is_refused(tmp_path: Path, bad: str) -> None:
    """Lone surrogates cannot be written into a record."""
    folder = hand_over(tmp_path / "h", handover(tmp_path, notebook="SURROGATE"))
    path = folder / FILE
    path.write_text(path.read_text().replace("SURROGATE", bad))
    with pytest.raises(InputError, match="surrogate"):
        read_handover(folder)


def test_the_notebook_the_kernel_names_is_taken(tmp_path: Path) -> None:
    """Even when another in the folder has the same cells."""
    named = save(tmp_path / "named.ipynb", *CELLS)
    save(tmp_path / "copy.ipynb", *CELLS)
    path, document = find_notebook(read(tmp_path, notebook=str(named)))
    assert path == named
    assert document is not None


@pytest.mark.parametrize("notebook", [None, "old-name.ipynb"])
def test_a_renamed_notebook_is_found_by_its_cells(tmp_path: Path, notebook: str | None) -> None:
    """The kernel knows the name it was started with, or none."""
    renamed = save(tmp_path / "new-name.ipynb", *CELLS)
    save(tmp_path / "other.ipynb", "x = 1", first=7)
    named = str(tmp_path / notebook) if notebook else None
    path, document = find_notebook(read(tmp_path, notebook=named))
    assert path == renamed
    assert document is not None


def test_a_new_notebook_under_the_old_name_is_not_taken_for_it(tmp_path: Path) -> None:
    """Whoever renames Untitled.ipynb and begins another one snapshots what its kernel ran."""
    renamed = save(tmp_path / "churn.ipynb", *CELLS)
    new = save(tmp_path / "Untitled.ipynb", "x = 1", first=7)
    assert find_notebook(read(tmp_path, notebook=str(new)))[0] == renamed
    elsewhere = tmp_path / "data"  # the program may have changed its folder since
    elsewhere.mkdir()
    assert find_notebook(read(elsewhere, notebook=str(new)))[0] == renamed
    renamed.unlink()  # saved before its first cell: nothing else can be meant
    assert find_notebook(read(tmp_path, notebook=str(new)))[0] == new


def test_a_notebook_that_was_never_saved_is_none(tmp_path: Path) -> None:
    """Another notebook in the folder does not pass for it."""
    save(tmp_path / "other.ipynb", "x = 1", first=7)
    assert find_notebook(read(tmp_path)) == (None, None)
    assert find_notebook(read(tmp_path, cells=[])) == (None, None)
