from __future__ import annotations

from pathlib import Path

import pytest

from py_mlops.guest import sightings
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


@pytest.mark.parametrize("appends", [True, False])
def test_what_a_command_appends_to_is_an_input(tmp_path: Path, appends: bool) -> None:
    """A rerun of ``echo x >> a`` goes on from what the run found; one of ``> a`` does not."""
    path = tmp_path / "a"
    path.write_text("x")
    before = look_at(str(path))
    files = Sightings(lambda _path, _look: ("original-1", ""))
    files.handed_out([Named(str(path), "a", writes=True, appends=appends)], 1)
    path.write_text("longer")
    files.wrote(str(path), str(path), 1, look_at(str(path)), observed="tracer", process="bash")
    [file] = files.as_dicts()
    assert (file["first"], file["kept"]) == (("read", "original-1") if appends else ("write", ""))
    assert file["size"] == (before[0] if appends and before else -1)


def test_what_a_command_changes_in_place_is_kept(tmp_path: Path) -> None:
    """A command may change a file that it names; what it held is copied before."""
    path = tmp_path / "a"
    path.write_text("x")
    look = look_at(str(path))
    assert look is not None
    files = Sightings(lambda _path, _look: ("original-1", ""))
    files.handed_out([Named(str(path), "a", writes=False)], 1)
    files.unguess(str(path))  # the tracer saw it
    files.read(str(path), str(path), 1, look, observed="tracer", process="sed")
    path.write_text("longer")
    files.removed(str(path))
    assert [file["kept"] for file in files.as_dicts()] == ["original-1"]


def test_files_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of files beyond the most that are noted, each access is counted and nothing is held."""
    monkeypatch.setattr(sightings, "MOST_FILES", 3)
    files = Sightings()
    for number in range(5):
        files.read(f"/data/{number}", str(number), 1, (1, 1, number))
    files.wrote("/data/out", "out", 1, None)
    files.read("/data/0", "0", 2, (1, 1, 0))
    assert files.paths() == ["/data/0", "/data/1", "/data/2"]
    assert files.beyond == 3
