from __future__ import annotations

import os
from pathlib import Path

import pytest

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
