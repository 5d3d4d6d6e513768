from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from py_mlops.guest.sightings import Sightings
from py_mlops.guest.watch import Watch


def _outside(path: str) -> bool:
    return "/hidden/" in path


@pytest.fixture
def files() -> Sightings:
    """Return what is told."""
    return Sightings()


@pytest.fixture
def watch(tmp_path: Path, files: Sightings) -> Watch:
    """Watch a folder with the file ``data`` and the folder ``below``."""
    (tmp_path / "data").write_text("x")
    (tmp_path / "below").mkdir()
    (tmp_path / "hidden").mkdir()
    watch = Watch(files, _outside)
    assert watch.start(str(tmp_path))
    return watch


def seen(files: Sightings, folder: Path) -> dict[str, tuple[str, str]]:
    """Return the files below a folder: first access, and who saw it."""
    return {
        os.path.relpath(file["path"], folder): (file["first"], file["observed"])
        for file in files.as_dicts()
    }


def test_reads_and_writes(watch: Watch, files: Sightings, tmp_path: Path) -> None:
    """What a child process opens and makes is seen, without knowing who it was."""
    subprocess.run("cat data > below/copy", shell=True, cwd=tmp_path, check=True)  # noqa: S602
    watch.merge(3)
    assert seen(files, tmp_path) == {
        "data": ("read", "notification"), "below/copy": ("write", "notification"),
    }  # fmt: skip


def test_between_cells(watch: Watch, files: Sightings, tmp_path: Path) -> None:
    """What is opened while no cell runs is somebody else's."""
    (tmp_path / "data").read_text()
    watch.discard()
    watch.merge(3)
    assert seen(files, tmp_path) == {}


def test_what_is_known_and_what_is_left_out(watch: Watch, files: Sightings, tmp_path: Path) -> None:
    """A file that was seen otherwise stays as it is; folders that are left out, and notebooks."""
    data = str(tmp_path / "data")
    files.wrote(data, "data", 1, None)
    for name in ("data", "hidden/x", "other.ipynb"):
        (tmp_path / name).write_text("x")
    watch.merge(3)
    assert seen(files, tmp_path) == {"data": ("write", "audit-hook")}


def test_everybodys_temporary_files(
    files: Sightings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session above the temporary folder does not take what others open there for its own."""
    shared = tmp_path / "shared"
    shared.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(shared))
    (tmp_path / "data").write_text("x")
    watch = Watch(files, _outside)
    assert watch.start(str(tmp_path))
    for name in ("shared/theirs", "data"):
        subprocess.run(f"cat {name} || echo > {name}", shell=True, cwd=tmp_path, check=True)  # noqa: S602
    watch.merge(3)
    assert seen(files, tmp_path) == {"data": ("read", "notification")}


def test_new_folders(watch: Watch, files: Sightings, tmp_path: Path) -> None:
    """A folder made later is watched, and so is one that a file was seen in."""
    (tmp_path / "later").mkdir()
    watch.merge(1)
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    elsewhere.mkdir()
    files.read(str(elsewhere / "a"), "a", 1, (1, 1, 1))
    watch.widen()
    for folder in (tmp_path / "later", elsewhere):
        (folder / "b").write_text("x")
    watch.merge(2)
    assert {str(tmp_path / "later" / "b"), str(elsewhere / "b")} <= set(files.paths())


def test_too_much(watch: Watch, files: Sightings, tmp_path: Path) -> None:
    """When notifications were lost it no longer claims to work."""
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    for _ in range(most // 2 + 1):  # equal ones that follow each other come as one
        os.close(os.open(tmp_path / "data", os.O_RDONLY))
        os.close(os.open(tmp_path / "below", os.O_RDONLY))
        os.close(os.open(tmp_path / "other", os.O_CREAT | os.O_WRONLY))
    watch.merge(1)
    assert not watch.works
    assert len(files.paths()) <= 2


def test_closed_from_outside(tmp_path: Path, watch: Watch) -> None:
    """A program that closes its descriptors ends the watching, and nothing else."""
    os.close(watch._file)
    other = os.open(tmp_path / "data", os.O_RDONLY)
    watch.merge(1)
    assert not watch.works
    assert os.read(other, 9) == b"x"
    os.close(other)
