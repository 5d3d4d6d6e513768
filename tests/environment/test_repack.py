from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from py_mlops.environment.installed import Installed, installed
from py_mlops.environment.repack import CannotRepack, repack, stamp
from py_mlops.environment.wheel import inspect
from tests.environment.worlds import World, make, wheel

TAG = "cp311-cp311-linux_x86_64"
FILES = {
    "mine/__init__.py": "VALUE = 42\n",
    "mine/table.csv": "a,b\n",
    "mine-1.0.data/scripts/mine-tool": "#!python\nimport mine; print(mine.VALUE)\n",
    "mine-1.0.data/data/share/mine/note": "hello\n",
    "mine-1.0.dist-info/entry_points.txt": "[console_scripts]\nmine-said = mine:print\n",
}


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An environment with a package that has all that a wheel may have."""
    return make(tmp_path / "first", wheel(tmp_path, "mine", "1.0", FILES))


def one(world: World) -> Installed:
    """Its only package."""
    (found,) = installed([str(world.site)])
    return found


def test_a_repacked_wheel_installs_the_same_files(world: World, tmp_path: Path) -> None:
    """Modules, data and scripts come out as they were, in an environment at another place."""
    made = repack(one(world), tmp_path / "made", tag=TAG)
    assert made.path.name == "mine-1.0-py3-none-any.whl"
    assert (made.altered, made.missing) == ([], [])
    inspect(made.path)
    again = make(tmp_path / "second", made.path)
    said = subprocess.run([again.folder / "bin" / "mine-tool"], capture_output=True, check=True)
    assert said.stdout == b"42\n"
    assert (again.folder / "bin" / "mine-said").exists()
    assert (again.folder / "share" / "mine" / "note").read_text() == "hello\n"
    with zipfile.ZipFile(made.path) as archive:
        names = archive.namelist()
    assert "mine-1.0.data/scripts/mine-said" not in names
    assert not [name for name in names if "direct_url" in name or name.endswith("INSTALLER")]


def test_the_same_files_give_the_same_bytes(world: World, tmp_path: Path) -> None:
    """Repacking is deterministic, also of what was installed from a repacked wheel."""
    first = repack(one(world), tmp_path / "a", tag=TAG).path
    second = repack(one(world), tmp_path / "b", tag=TAG).path
    third = repack(one(make(tmp_path / "again", first)), tmp_path / "c", tag=TAG).path
    assert first.read_bytes() == second.read_bytes() == third.read_bytes()


def test_what_was_changed_since_is_kept_and_named(world: World, tmp_path: Path) -> None:
    """A file edited in place goes into the wheel as it is; a lost one is named."""
    before = stamp(one(world))
    (world.site / "mine" / "table.csv").unlink()
    (world.site / "mine" / "__init__.py").unlink()  # it may be linked to uv's cache
    (world.site / "mine" / "__init__.py").write_text("VALUE = 43\n")
    assert stamp(one(world)) != before
    made = repack(one(world), tmp_path / "made", tag=TAG)
    assert made.altered == ["mine/__init__.py"]
    assert made.missing == ["mine/table.csv"]
    with zipfile.ZipFile(made.path) as archive:
        assert archive.read("mine/__init__.py") == b"VALUE = 43\n"


def test_a_package_of_an_old_installer_is_a_wheel_too(tmp_path: Path) -> None:
    """What setup.py installed lists its files elsewhere, and has no tag: it is given one."""
    site = tmp_path / "lib" / "python3.8" / "site-packages"
    info = site / "Old_Thing-1.0-py3.8.egg-info"
    info.mkdir(parents=True)
    (info / "PKG-INFO").write_text("Metadata-Version: 1.0\nName: Old_Thing\nVersion: 1.0\n")
    (info / "installed-files.txt").write_text("../old_thing.py\n../_old.so\nPKG-INFO\n")
    (site / "old_thing.py").write_text("")
    (site / "_old.so").write_bytes(b"\x7fELF")
    (found,) = installed([str(site)])
    made = repack(found, tmp_path / "made", tag="cp38-cp38-linux_x86_64")
    assert made.path.name == "old_thing-1.0-cp38-cp38-linux_x86_64.whl"
    inspect(made.path)


def test_what_does_not_list_its_files_cannot_be_repacked(mixed: Any, tmp_path: Path) -> None:
    """Without a list nobody knows what belongs to a package, and that is the reason given."""
    found = {one.name: one for one in installed([str(mixed.site)])}
    for attempt in (stamp, lambda one: repack(one, tmp_path, tag=TAG)):
        with pytest.raises(CannotRepack, match="list its files"):
            attempt(found["zz-unheard-of"])
