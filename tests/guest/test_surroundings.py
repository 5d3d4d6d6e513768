from __future__ import annotations

import glob
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from py_mlops.guest import surroundings
from py_mlops.guest.observe import Observer
from py_mlops.guest.surroundings import Listings, at_start, zone

Listed = Callable[[], dict[str, list[str]]]


@pytest.fixture
def observer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Observer]:
    """A started observer, in a folder with two files and a folder."""
    (tmp_path / "a.csv").write_text("a")
    (tmp_path / "b.csv").write_text("bb")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner/c").touch()
    monkeypatch.chdir(tmp_path)
    made = Observer()
    made.start()
    made.cell = 1
    time.sleep(0.01)
    yield made
    made.stop()


@pytest.fixture
def listed(observer: Observer) -> Listed:
    """Return what was listed: each folder, and the names in it."""

    def found() -> dict[str, list[str]]:
        observer.settle()
        return {
            os.path.relpath(each["path"]): [entry["name"] for entry in each["entries"]]
            for each in observer.world.found([], set())["listings"]
        }

    return found


WAYS: dict[str, Callable[[], Any]] = {
    "os.listdir": os.listdir,
    "os.listdir of a folder": lambda: os.listdir(os.getcwd()),
    "os.scandir": lambda: list(os.scandir(".")),
    "glob": lambda: glob.glob("*.csv"),
    "pathlib": lambda: list(Path().iterdir()),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_list(listed: Listed, way: str) -> None:
    """All names of a folder are kept, whoever asks, also those that are not read."""
    WAYS[way]()
    assert listed() == {".": ["a.csv", "b.csv", "inner"]}


def test_an_open_folder(listed: Listed) -> None:
    """A folder is known by its descriptor too."""
    folder = os.open("inner", os.O_RDONLY)
    os.listdir(folder)
    os.close(folder)
    assert listed() == {"inner": ["c"]}


def test_a_walk(listed: Listed) -> None:
    """Each folder on a walk is kept."""
    list(os.walk("."))
    assert listed() == {".": ["a.csv", "b.csv", "inner"], "inner": ["c"]}


def test_what_the_program_made_is_not_the_worlds(listed: Listed) -> None:
    """Names that the program itself put there are made again by a rerun."""
    Path("new.csv").touch()
    os.mkdir("made")
    Path("made/x").touch()
    os.listdir("made")
    os.listdir(".")
    assert listed() == {".": ["a.csv", "b.csv", "inner"]}


def test_the_first_time_counts(listed: Listed) -> None:
    """A rerun begins where the program did: what went later was there."""
    os.listdir(".")
    os.remove("a.csv")
    os.listdir(".")
    assert listed() == {".": ["a.csv", "b.csv", "inner"]}


def test_imports_list_nothing(listed: Listed) -> None:
    """Python's import system lists folders all day, which says nothing of the program."""
    Path("module_of_ours.py").touch()
    import sys

    sys.path.insert(0, os.getcwd())
    try:
        with pytest.raises(ImportError):
            __import__("no_module_of_that_name")
    finally:
        sys.path.pop(0)
    assert listed() == {}


def test_files_and_nothing_are_no_folders(observer: Observer, listed: Listed) -> None:
    """Asking a file, or what is not there, is the program's error and not ours."""
    for name in ("a.csv", "missing"):
        with pytest.raises(OSError, match=name):
            os.listdir(name)
    assert listed() == {}
    assert observer.failures == 0


def test_sizes_and_times(observer: Observer) -> None:
    """A name comes with what a program sees without reading: kind, size and time."""
    os.utime("b.csv", ns=(7, 7))
    os.utime("inner", ns=(9, 9))
    os.listdir(".")
    [listing] = observer.world.found([], set())["listings"]
    assert listing["cell"] == 1
    assert listing["entries"][1] == {"name": "b.csv", "kind": "file", "size": 2, "modified": "7"}
    assert listing["entries"][2] == {"name": "inner", "kind": "folder", "size": 0, "modified": "9"}


def test_links_among_the_names(observer: Observer) -> None:
    """A link in a listed folder is recorded as a link."""
    observer.stop()
    Path("world").mkdir()
    os.symlink("../a.csv", "world/link")
    observer.start()
    os.listdir("world")
    found = observer.world.found([], set())
    assert found["links"] == [{"path": os.path.abspath("world/link"), "target": "../a.csv"}]


def test_a_folder_of_very_many_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept is bounded, and what is left out is told."""
    monkeypatch.setattr(surroundings, "_MOST_ENTRIES", 3)
    for name in range(5):
        (tmp_path / str(name)).touch()
    listings = Listings(lambda _: False, lambda _: False)
    listings.listed(str(tmp_path), 1)
    assert len(listings.as_dicts()[0]["entries"]) == 3
    assert listings.cut


def test_only_harmless_variables_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Home, language and time zone are kept by their values; nothing else is."""
    monkeypatch.setenv("LANG", "de_CH.UTF-8")
    monkeypatch.setenv("TZ", "Europe/Zurich")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    said = at_start()
    assert said["variables"]["LANG"] == "de_CH.UTF-8"
    assert said["variables"]["TZ"] == "Europe/Zurich"
    assert set(said["variables"]) <= set(surroundings.NAMES)


def test_the_time_zone(tmp_path: Path) -> None:
    """The zone is what the machine's link names; without one it is UTC."""
    zones = tmp_path / "zoneinfo/Europe"
    zones.mkdir(parents=True)
    (zones / "Zurich").touch()
    (tmp_path / "localtime").symlink_to(zones / "Zurich")
    assert zone(str(tmp_path / "localtime")) == "Europe/Zurich"
    assert zone(str(tmp_path / "none")) == "UTC"
    (tmp_path / "copied").touch()
    assert zone(str(tmp_path / "copied")) == ""
