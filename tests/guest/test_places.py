from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import pytest

from py_mlops.guest import places


def test_prefixes() -> None:
    """The interpreter's root and its packages are among the prefixes."""
    assert {sys.prefix, sys.base_prefix, sysconfig.get_path("purelib")} <= set(places.prefixes())


def test_a_project_below_the_interpreters_root_is_the_users() -> None:
    """With the root /usr a project in /usr/src is not taken for an installed package."""
    found = tuple(path for path, _ in places.left_out(["/usr", "/venv/lib/python3.11"]))
    assert "/usr/lib/python3/a.py".startswith(found)
    assert "/venv/lib/python3.11/a.py".startswith(found)
    assert not "/usr/src/app/a.py".startswith(found)


def test_a_systems_python_does_not_own_the_systems_files() -> None:
    """With the root /usr, a word list in /usr/share is the system's, and its packages Python's."""
    why = dict(places.left_out(["/usr", "/usr/lib/python3/dist-packages"]))
    assert why["/usr/share/"] == "the operating system's own files"
    assert why["/usr/lib/python3/dist-packages/"] == "the interpreter and its packages"


def test_a_home_that_is_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What belongs to Jupyter is known by the name of a linked home and by where it leads."""
    (tmp_path / "real").mkdir()
    (tmp_path / "home").symlink_to("real")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    found = tuple(path for path, _ in places.left_out([]))
    assert f"{tmp_path}/home/.ipython/README".startswith(found)
    assert f"{tmp_path}/real/.ipython/README".startswith(found)


def test_folders_end_in_a_separator() -> None:
    """A rule for a folder does not hit its neighbour with a longer name."""
    prefixes = [path for path, _ in places.left_out(places.prefixes())]
    assert [path for path in prefixes if not path.endswith("/")] == [
        path for path in prefixes if path.endswith("ipykernel_")
    ]
