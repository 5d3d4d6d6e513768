from __future__ import annotations

import sys
import time
import venv
from pathlib import Path

import pytest

from py_mlops.environment.bytecode import compile_later


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A virtual environment with one module."""
    folder = tmp_path / "env"
    venv.create(folder, with_pip=False, symlinks=True)
    (folder / "shapes.py").write_text("raise SystemExit('it was executed')\n")
    return folder


def compiled(folder: Path) -> list[str]:
    """Return the names of the compiled modules of a folder."""
    return sorted(path.name.partition(".")[0] for path in folder.glob("__pycache__/*.pyc"))


def compile_all(environment: Path, *names: str) -> list[str]:
    """Compile modules, wait until the last of them, ``shapes.py``, is, and return all that are."""
    compile_later(Path(sys.executable), environment, [*names, "shapes.py"])
    for _ in range(600):
        if "shapes" in compiled(environment):
            break
        time.sleep(0.1)
    return compiled(environment)


def test_a_module_is_compiled_and_not_executed(environment: Path) -> None:
    """The next rerun finds it compiled; nothing of it ran here."""
    assert compile_all(environment) == ["shapes"]


def test_what_is_no_module_of_the_environment_is_left_alone(
    environment: Path, tmp_path: Path
) -> None:
    """Names from a hostile rerun lead nowhere: not up, not through links, not to nothing."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "victim.py").write_text("")
    (environment / "link.py").symlink_to(outside / "victim.py")
    names = ["../outside/victim.py", str(outside / "victim.py"), "link.py", "gone.py", "bin/python"]
    assert compile_all(environment, *names) == ["shapes"]
    assert compiled(outside) == []


def test_a_module_that_cannot_be_compiled_harms_nothing(environment: Path) -> None:
    """Packages ship files for other Pythons; the others are compiled all the same."""
    (environment / "later.py").write_text("match = case of\n")
    assert compile_all(environment, "later.py") == ["shapes"]
