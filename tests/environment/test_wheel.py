from __future__ import annotations

import stat
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from py_mlops.environment.build import build
from py_mlops.environment.kept import kept
from py_mlops.environment.lock import Locked
from py_mlops.environment.wheel import inspect
from py_mlops.errors import Hostile
from py_mlops.progress import silent
from py_mlops.records import Environment
from py_mlops.store import Blobs
from tests.environment.worlds import wheel, with_wheel


def test_an_honest_wheel_passes(tmp_path: Path) -> None:
    """Modules, data and scripts of a package's own are what a wheel may hold."""
    files = {"mine.py": "", "mine-1.0.data/scripts/pythonic": "#!python\n",
             "mine-1.0.data/data/share/mine/x": "", "mine/python": ""}  # fmt: skip
    inspect(wheel(tmp_path, "mine", "1.0", files))


@pytest.mark.parametrize(
    "name",
    [
        "../outside.py",
        "/absolute.py",
        "mine/../../outside.py",
        "mine\\..\\outside.py",
        "mine//outside.py",
        "mine/./x.py",
        "mine-1.0.data/scripts/python",
        "mine-1.0.data/scripts/python3.11",
        "mine-1.0.data/data/bin/Python3",
        "mine-1.0.data/data/pyvenv.cfg",
        "other-1.0.dist-info/METADATA",
        "x\n.py",
    ],
)
def test_a_wheel_that_leads_out_of_its_place_is_refused(tmp_path: Path, name: str) -> None:
    """Ways up, absolute paths, the interpreter's place and another's metadata are refused."""
    with pytest.raises(Hostile, match="is refused"):
        inspect(wheel(tmp_path, "mine", "1.0", {name: "x"}))


def linked(path: Path) -> None:
    """Add a symbolic link."""
    with zipfile.ZipFile(path, "a") as archive:
        entry = zipfile.ZipInfo("mine/link")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")


def bomb(path: Path) -> None:
    """Add a file that says it is much larger than what it is packed in."""
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mine/zeros", bytes(1 << 20))
    data = path.read_bytes()
    size = (1 << 20).to_bytes(4, "little")
    path.write_bytes(data.replace(size, (1 << 31).to_bytes(4, "little")))


def twice(path: Path) -> None:
    """Add a name that is there already."""
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("mine-1.0.dist-info/METADATA", "Name: other\n")


def torn(path: Path) -> None:
    """Lose the end."""
    path.write_bytes(path.read_bytes()[:100])


@pytest.mark.parametrize("damage", [linked, bomb, twice, torn])
def test_a_wheel_that_is_none_is_refused(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    """Links, bombs, names that come twice and torn files are refused before they are unpacked."""
    path = wheel(tmp_path, "mine", "1.0")
    damage(path)
    with pytest.raises(Hostile, match="is refused"):
        inspect(path)


PTH = "import pathlib; pathlib.Path({!r}).touch()\n"


def test_a_package_that_runs_when_python_starts_does_not_run_in_a_build(
    recorded: Environment, locked: Locked, blobs: Blobs, tmp_path: Path
) -> None:
    """Building, and looking at what was built, starts nothing that a package brought."""
    trace = tmp_path / "trace"
    evil = wheel(
        tmp_path, "zz_evil", "1.0",
        {"zz_evil.pth": PTH.format(str(trace)), "sitecustomize.py": PTH.format(str(trace))},
    )  # fmt: skip
    environment = with_wheel(recorded, blobs, evil)
    for _ in range(2):
        built = build(
            environment, locked.pylock,
            cache=tmp_path / "cache", copy_to=blobs.copy_to, report=silent,
        )  # fmt: skip
    assert not trace.exists()
    assert built.base != built.python
    subprocess.run([built.python, "-c", ""], check=True)  # the control: it was only waiting
    assert trace.exists()


@pytest.mark.parametrize("place", ["scripts/python", "data/pyvenv.cfg", "../../../x"])
def test_a_hostile_wheel_leaves_nothing(
    recorded: Environment, locked: Locked, blobs: Blobs, tmp_path: Path, place: str
) -> None:
    """An environment with such a wheel is not built, and no part of it stays."""
    evil = wheel(tmp_path, "zz_evil", "1.0", {f"zz_evil-1.0.data/{place}": "x"})
    with pytest.raises(Hostile):
        build(
            with_wheel(recorded, blobs, evil), locked.pylock,
            cache=tmp_path / "cache", copy_to=blobs.copy_to, report=silent,
        )  # fmt: skip
    assert kept(tmp_path / "cache") == []
