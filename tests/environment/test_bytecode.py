from __future__ import annotations

import sys
import venv
from pathlib import Path

import pytest

from py_mlops.environment import bytecode


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A virtual environment with one module."""
    folder = tmp_path / "env"
    venv.create(folder, with_pip=False, symlinks=True)
    (folder / "shapes.py").write_text("raise SystemExit('it was executed')\n")
    return folder


def wait() -> None:
    """Wait for what nobody waits for."""
    for process in bytecode._background:
        process.wait(60)
    bytecode._background.clear()


def compiled(folder: Path) -> list[str]:
    """Return the names of the compiled modules of a folder."""
    return sorted(path.name.partition(".")[0] for path in folder.glob("__pycache__/*.pyc"))


def test_a_module_is_compiled_and_not_executed(environment: Path) -> None:
    """The next rerun finds it compiled; nothing of it ran here."""
    bytecode.compile_later(Path(sys.executable), environment, ["shapes.py"])
    wait()
    assert compiled(environment) == ["shapes"]


def test_what_is_no_module_of_the_environment_is_left_alone(
    environment: Path, tmp_path: Path
) -> None:
    """Names from a hostile rerun lead nowhere: not up, not through links, not to nothing."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "victim.py").write_text("")
    (environment / "link.py").symlink_to(outside / "victim.py")
    names = ["../outside/victim.py", str(outside / "victim.py"), "link.py", "gone.py", "bin/python"]
    bytecode.compile_later(Path(sys.executable), environment, names)
    wait()
    assert compiled(outside) == []
    assert compiled(environment) == []


def test_a_module_that_cannot_be_compiled_harms_nothing(environment: Path) -> None:
    """Packages ship files for other Pythons; the others are compiled all the same."""
    (environment / "later.py").write_text("match = case of\n")
    bytecode.compile_later(Path(sys.executable), environment, ["later.py", "shapes.py"])
    wait()
    assert compiled(environment) == ["shapes"]
