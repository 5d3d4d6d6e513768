from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from py_mlops.errors import InputError, StoreFormat, StoreUnavailable
from py_mlops.store import open_store
from tests.store.samples import imported


def _add(folder: Path, number: int) -> None:
    store = open_store(folder)
    store.add(imported(number))
    store.close()


def test_a_store_is_made_once_and_opened_again(tmp_path: Path) -> None:
    """A new folder becomes a store; what is in it is there when it is opened again."""
    folder = tmp_path / "new" / "store"
    row = open_store(folder).add(imported(1))
    store = open_store(folder, create=False)
    assert list(store.ledger.rows()) == [row]
    assert (folder / "format").read_text() == "py-mlops store 1\n"
    store.close()


def test_two_processes_make_the_same_store(tmp_path: Path) -> None:
    """Processes that open a new store at the same moment all get the one store."""
    folder = tmp_path / "store"
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([__name__, "tests.store.contract"])
    writers = [processes.Process(target=_add, args=(folder, number)) for number in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0] * 6
    store = open_store(folder)
    assert store.ledger.size() == 6
    assert list(store.verify()) == []
    store.close()


def test_no_store_is_made_unasked(tmp_path: Path) -> None:
    """A reader of a store that is not there is told so, and nothing is made."""
    with pytest.raises(InputError, match="There is no store in"):
        open_store(tmp_path / "store", create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    """A store is not mixed into a folder that holds someone's files, such as a home folder."""
    (tmp_path / "thesis.tex").write_text("…")
    with pytest.raises(InputError, match=r"holds other files \(thesis\.tex"):
        open_store(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_an_interrupted_making_is_taken_up_again(tmp_path: Path) -> None:
    """A store whose making was interrupted before its last step is finished by the next."""
    store = open_store(tmp_path / "store")
    row = store.add(imported(1))
    store.close()
    (tmp_path / "store" / "format").rename(tmp_path / "store" / "format-1-ab.tmp")
    again = open_store(tmp_path / "store")
    assert list(again.ledger.rows()) == [row]
    again.close()


@pytest.mark.parametrize("content", [b"py-mlops store 2\n", b"", b"\xff" * 1000])
def test_another_format_is_refused(tmp_path: Path, content: bytes) -> None:
    """A store of a newer version is not touched, and the message says to update."""
    (tmp_path / "format").write_bytes(content)
    with pytest.raises(StoreFormat, match="has format") as caught:
        open_store(tmp_path)
    assert "Update py-mlops" in caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["format"]


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    """A store beneath a file, or where nobody may write, is an error with a way out."""
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file" / "store", Path("/proc/store")):
        with pytest.raises(StoreUnavailable, match=r"Opening the store in .* failed"):
            open_store(folder)


def test_odd_folder_names_are_only_names(tmp_path: Path) -> None:
    """A folder's name is never taken for part of a database's address."""
    folder = tmp_path / "a?mode=ro&x=%2F#ünï"
    store = open_store(folder)
    store.add(imported(1))
    store.close()
    assert (folder / "ledger.sqlite").is_file()
