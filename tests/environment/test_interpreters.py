from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest

from py_mlops.environment.interpreters import find
from py_mlops.errors import Hostile, InterpreterMissing
from py_mlops.progress import Progress
from py_mlops.records import Interpreter


def python(version: str, implementation: str = "cpython") -> Interpreter:
    """A recorded interpreter of a version."""
    return Interpreter(implementation=implementation, version=version, platform="", libc="")


def test_our_own_version_is_found_at_its_real_path() -> None:
    """The very version is found, outside any virtual environment."""
    found = find(python(platform.python_version()))
    assert found.exact
    assert found.version == platform.python_version()
    assert found.path.exists()
    assert Path(sys.prefix) not in found.path.parents or sys.prefix == sys.base_prefix


def test_the_nearest_patch_stands_in() -> None:
    """Without the very patch, one of the same minor version is taken and not called exact."""
    major, minor, *_ = platform.python_version_tuple()
    found = find(python(f"{major}.{minor}.999"))
    assert not found.exact
    assert found.version.startswith(f"{major}.{minor}.")


@pytest.mark.usefixtures("home")
def test_a_pyenv_version_is_found_behind_its_shims(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Versions that pyenv keeps but has not selected are found by their full path."""
    place = tmp_path / "versions" / "3.77.5" / "bin"
    place.mkdir(parents=True)
    (place / "python").write_text(f"#!/bin/sh\nprintf 'cpython\\n3.77.5\\n{place}/python\\n'\n")
    (place / "python").chmod(0o755)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert find(python("3.77.5")) == (place / "python", "3.77.5", True)
    assert find(python("3.77.1")) == (place / "python", "3.77.5", False)


def test_a_broken_python_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that does not start, or is another than its folder says, is not used."""
    for version, script in (("3.77.1", "exit 127"), ("3.77.2", "printf 'cpython\\n3.9.9\\nx\\n'")):
        place = tmp_path / "versions" / version / "bin"
        place.mkdir(parents=True)
        (place / "python").write_text(f"#!/bin/sh\n{script}\n")
        (place / "python").chmod(0o755)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    with pytest.raises(InterpreterMissing):
        find(python("3.77.1"))


def test_a_version_nobody_has_is_named_with_the_way_to_get_it() -> None:
    """A missing Python is named, with the command that installs it."""
    with pytest.raises(InterpreterMissing, match=r"3\.2\.1") as caught:
        find(python("3.2.1"))
    assert "uv python install 3.2" in caught.value.hint


def test_another_implementation_is_not_taken_for_it() -> None:
    """A CPython does not stand in for another implementation."""
    with pytest.raises(InterpreterMissing):
        find(python(platform.python_version(), "sillypython"))


@pytest.mark.parametrize(
    "wanted",
    [
        python("3.11"),
        python("../3.11.7"),
        python("--help"),
        python("3.11.7\n"),
        python("3.1.1", "a b"),
    ],
)
def test_whatever_is_no_version_is_refused(wanted: Interpreter) -> None:
    """A record can name a version, not a path, an option or a pattern."""
    with pytest.raises(Hostile):
        find(wanted)


def test_a_python_is_downloaded_only_where_that_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Uv is asked for the very version when its setting says so; a failure names what to do."""
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "managed"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_MIRROR", (tmp_path / "mirror").as_uri())
    said: list[Progress] = []
    with pytest.raises(InterpreterMissing) as caught:
        find(python("3.8.20"), said.append)
    assert said == []
    assert "UV_PYTHON_DOWNLOADS=automatic" in caught.value.hint
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "automatic")
    with pytest.raises(InterpreterMissing, match="uv could not download it") as caught:
        find(python("3.8.20"), said.append)
    assert [step.text for step in said] == ["Downloading Python 3.8.20"]
    assert "uv python install 3.8.20" in caught.value.hint
