from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from py_mlops.guest import originals
from py_mlops.guest.observe import Observer
from py_mlops.guest.originals import Originals
from py_mlops.guest.sightings import look_at

RAW = b"1,2\n3,4\n"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let copies be made below the test's own folder."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Make a data file."""
    path = tmp_path / "data.csv"
    path.write_bytes(RAW)
    return path


def keep(kept: Originals, path: Path) -> tuple[str, str]:
    """Keep a file as it is now."""
    look = look_at(str(path))
    assert look is not None
    return kept.keep(str(path), look)


def test_a_copy_is_what_the_file_held_and_private(
    data: Path, tmp_path: Path, temporary: Path
) -> None:
    """A copy survives the file's overwriting, in a folder that only its owner can enter."""
    kept = Originals()
    name, problem = keep(kept, data)
    data.write_text("overwritten")
    kept.give(name, str(tmp_path))
    assert ((tmp_path / name).read_bytes(), problem) == (RAW, "")
    [folder] = temporary.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_file_system_that_cannot_share_blocks_gets_a_copy_all_the_same(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the kernel refuses to copy within itself, the bytes go through Python."""
    monkeypatch.delattr(os, "copy_file_range")
    kept = Originals()
    name, _ = keep(kept, data)
    kept.give(name, str(tmp_path))
    assert (tmp_path / name).read_bytes() == RAW


def test_there_is_a_limit_in_all(
    data: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the limit nothing more is kept, and the answer says so."""
    monkeypatch.setattr(originals, "LIMIT", len(RAW) + 1)
    kept = Originals()
    assert keep(kept, data)[0]
    name, problem = keep(kept, data)
    assert (name, problem[:17]) == ("", "a session keeps 0")
    assert "at most" in problem
    [folder] = temporary.iterdir()
    assert len(list(folder.iterdir())) == 1


def test_what_was_not_read_is_not_kept(data: Path, temporary: Path) -> None:
    """A file that changed between being read and being overwritten is not what was read."""
    look = look_at(str(data))
    assert look is not None
    data.write_text("changed by others")
    assert Originals().keep(str(data), look) == ("", "it had changed before")
    [folder] = temporary.iterdir()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("path", ["gone.csv", "pipe"])
def test_a_failure_is_told_and_never_raised(path: str, tmp_path: Path) -> None:
    """Whoever is about to write can go on, whatever hinders the copy."""
    os.mkfifo(tmp_path / "pipe")
    name, problem = Originals().keep(str(tmp_path / path), (1, 1, 1))
    assert name == ""
    assert problem


def test_a_session_that_keeps_nothing(data: Path, temporary: Path) -> None:
    """A rerun copies nothing: its inputs are in the store."""
    kept = Originals()
    kept.wanted = False
    assert keep(kept, data) == ("", "")
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(("end", "left"), [("", 0), ("os.kill(os.getpid(), 9)", 1)])
def test_the_folder_goes_with_its_process(data: Path, temporary: Path, end: str, left: int) -> None:
    """The folder is removed when the process ends; that of a killed one by the next session."""
    script = f"""
import os, tempfile
tempfile.tempdir = {str(temporary)!r}
from py_mlops.guest.originals import Originals
from py_mlops.guest.sightings import look_at
kept = Originals()
assert kept.keep({str(data)!r}, look_at({str(data)!r}))[0]
if os.fork() == 0:
    raise SystemExit  # a child's end is not the session's
os.wait()
assert len(os.listdir(kept._folder)) == 1
{end}
"""
    subprocess.run([sys.executable, "-c", script], check=not end)
    assert len(list(temporary.iterdir())) == left
    living = Originals()
    keep(living, data)
    other = Originals()
    keep(other, data)  # another living session's folder stays
    assert len(list(temporary.iterdir())) == 2


@pytest.mark.parametrize(
    "change",
    [
        "open(path, 'w').close()",
        "open(path, 'a').write('x')",
        "open(path, 'r+').write('x')",
        "os.truncate(path, 1)",
        "os.remove(path)",
        "os.rename(path, path + '.old')",
        "open(path + '.new', 'w').write('x'); os.replace(path + '.new', path)",
        "shutil.rmtree(os.path.dirname(path))",
    ],
)
def test_every_way_python_overwrites_a_file(tmp_path: Path, change: str) -> None:
    """Whichever way the program destroys an input, its first content is handed over."""
    path = tmp_path / "project" / "data.csv"
    path.parent.mkdir()
    path.write_bytes(RAW)
    script = f"""
import os, shutil, sys, tempfile
tempfile.tempdir = {str(tmp_path / "temporary")!r}
from py_mlops.guest.observe import observer
path = {str(path)!r}
observer().start()
open(path).close()
{change}
observer().stop()
[file] = [file for file in observer().files() if file["path"] == path]
assert (file["first"], file["written"], file["problem"]) == ("read", True, ""), file
observer().originals.give(file["kept"], {str(tmp_path)!r})
print(file["kept"])
"""
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    assert (tmp_path / done.stdout.decode().strip()).read_bytes() == RAW


def test_an_output_that_is_overwritten_is_not_kept(tmp_path: Path, temporary: Path) -> None:
    """What the program made itself can be made again; no copy of it is spent."""
    watching = Observer()
    watching.start()
    try:
        for mode in ("w", "r", "w"):
            (tmp_path / "report.json").open(mode).close()
    finally:
        watching.stop()
    assert [file["kept"] for file in watching.files()] == [""]
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("flags", "first"),
    [
        (os.O_WRONLY | os.O_APPEND, "read"),
        (os.O_WRONLY, "read"),
        (os.O_WRONLY | os.O_TRUNC, "write"),
    ],
)
def test_what_a_file_held_before_it_was_appended_to_is_an_input(
    data: Path, temporary: Path, flags: int, first: str
) -> None:
    """A rerun that appends to a file goes on from what the recorded run found in it."""
    watching = Observer()
    watching.start()
    try:
        os.close(os.open(data, flags))
    finally:
        watching.stop()
    [file] = watching.files()
    assert (file["first"], file["written"], file["problem"]) == (first, True, "")
    assert bool(file["kept"]) == (first == "read")
    assert len(list(temporary.iterdir())) == (first == "read")


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_database_is_kept_as_it_was_when_it_was_opened(
    tmp_path: Path, temporary: Path, mode: str
) -> None:
    """What a session writes into a database gives no sign; a rerun begins with the first rows."""
    path = tmp_path / "a.db"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute(f"pragma journal_mode={mode}")
        database.execute("create table rows (value)")
    before = path.read_bytes()
    watching = Observer()
    watching.start()
    try:
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("insert into rows values (1)")
            database.commit()
    finally:
        watching.stop()
    [file] = [file for file in watching.files() if file["path"] == str(path)]
    assert (file["first"], file["written"], file["problem"]) == ("read", True, "")
    watching.originals.give(file["kept"], str(temporary))
    assert (temporary / file["kept"]).read_bytes() == before != path.read_bytes()
