from __future__ import annotations

from pathlib import Path

from py_mlops.guest.sightings import Sightings, look_at
from py_mlops.guest.words import Named


def test_versions_are_bounded(tmp_path: Path) -> None:
    """A file that grows between every two reads keeps a bounded number of versions."""
    files = Sightings()
    for size in range(300):
        files.read(str(tmp_path / "log"), "log", size, (size, size, 1))
    versions = files.as_dicts()
    assert len(versions) <= 102
    assert versions[-1]["size"] == 299


def test_a_named_output_that_never_came(tmp_path: Path) -> None:
    """A name that a command did not make into a file is no file."""
    files = Sightings()
    files.handed_out([Named(str(tmp_path / "word"), "word", writes=False)], 1)
    files.settle()
    assert files.as_dicts() == []


def test_database_kept_open(tmp_path: Path) -> None:
    """A database that changes long after it was opened is marked as rewritten."""
    path = tmp_path / "a.db"
    path.write_text("x")
    files = Sightings()
    look = look_at(str(path))
    assert look is not None
    files.read(str(path), "a.db", 1, look, kept_open=True)
    files.settle()
    assert not files.as_dicts()[0]["written"]
    path.write_text("longer")
    files.settle()
    assert files.as_dicts()[0]["written"]
