from __future__ import annotations

import os
from pathlib import Path

import pytest

from py_mlops.guest import folders
from py_mlops.guest.opens import Opens, normal
from py_mlops.guest.sightings import Sightings


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/a/b", "/a/b"), ("/a//b/", "/a/b"), ("//a", "/a"), ("/a/./b/../c", "/a/c"), ("/.a", "/.a")],
)
def test_normal(path: str, expected: str) -> None:
    """Paths that mean the same are written the same."""
    assert normal(path) == expected


def test_second_open_is_not_looked_at(tmp_path: Path) -> None:
    """Within a cell a file is looked at once; the next cell looks again."""
    (tmp_path / "a").write_text("x")
    path = str(tmp_path / "a")
    opens = Opens(Sightings())
    opens.opened(path, "r", os.O_RDONLY)
    assert path in opens.read
    assert path not in opens.written
    opens.next_cell(2)
    assert path not in opens.read


def test_folders_and_numbers_are_no_files(tmp_path: Path) -> None:
    """Opening a folder, or a file that is open already by its number, is nothing to see."""
    files = Sightings()
    opens = Opens(files)
    opens.opened(str(tmp_path), None, os.O_RDONLY)
    opens.opened(1, "w", os.O_WRONLY)
    opens.catch_up()
    assert files.as_dicts() == []


def test_roundabout_way_to_a_folder_that_is_left_out(tmp_path: Path) -> None:
    """A path with .. that ends in a folder that is left out is left out."""
    (tmp_path / "ours").mkdir()
    (tmp_path / "theirs").mkdir()
    (tmp_path / "ours/a").write_text("x")
    files = Sightings()
    opens = Opens(files)
    opens.leave_out(f"{tmp_path}/ours/")
    opens.opened(f"{tmp_path}/theirs/../ours/a", "r", os.O_RDONLY)
    opens.catch_up()
    assert files.as_dicts() == []


def test_a_name_in_an_open_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that os.open finds in an open folder is that folder's, whatever its name there."""
    for name in ("here/both", "there/both", "there/only", "there/old"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.chdir(tmp_path / "here")
    files = Sightings()
    opens = Opens(files)
    opens.opened("only", None, os.O_RDONLY)
    opens.beside = lambda: [*folders.all_open()[:1], str(tmp_path / "there")]
    opens.opened("only", None, os.O_RDONLY)
    opens.opened("both", "r", os.O_RDONLY)
    opens.opened("both", None, os.O_RDONLY)
    for name in ("new", "old"):
        opens.opened(name, None, os.O_WRONLY | os.O_CREAT)
        (tmp_path / "there" / name).write_text("written now")
    opens.catch_up()
    seen = {
        (os.path.relpath(file["path"], tmp_path), file["first"], file["written"])
        for file in files.as_dicts()
    }
    assert seen == {
        ("there/only", "read", False), ("here/both", "read", False), ("there/both", "read", False),
        ("there/new", "write", True), ("there/old", "read", True),
    }  # fmt: skip
    ((cell, text),) = opens.doubtful
    assert (cell, "there/both" in text) == (0, True)


def test_open_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folders that are open are told under the names they have, or had."""
    (tmp_path / "gone").mkdir()
    number = os.open(tmp_path, os.O_RDONLY)
    try:
        monkeypatch.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()
        assert folders.all_open()[0] == str(tmp_path / "gone")
        assert str(tmp_path) in folders.all_open()
    finally:
        os.close(number)
        os.chdir(tmp_path)
