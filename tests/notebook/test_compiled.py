from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from py_mlops.notebook.compiled import compiled
from py_mlops.notebook.ship import PACKAGE, guest_zip

IMPORT = (
    f"import sys; sys.path.insert(0, sys.argv[1]); import {PACKAGE}.session as s; print(s.__file__)"
)


@pytest.fixture
def guest(tmp_path: Path) -> Path:
    """The guest's zip of sources."""
    return guest_zip(tmp_path)


def test_the_guest_is_compiled_once(guest: Path) -> None:
    """A kernel's start imports what was compiled for its interpreter; later ones make nothing."""
    made = compiled(guest, sys.executable)
    assert made != guest
    with zipfile.ZipFile(made) as archive:
        names = archive.namelist()
    assert f"{PACKAGE}/session.pyc" in names
    assert f"{PACKAGE}/session.py" in names  # tracebacks show it
    first = made.stat().st_ino
    assert compiled(guest, sys.executable).stat().st_ino == first
    assert sorted(made.parent.iterdir()) == sorted([guest, made])


def test_the_interpreter_takes_the_compiled_modules(guest: Path) -> None:
    """What is imported is the compiled module, not its source beside it."""
    made = compiled(guest, sys.executable)
    said = subprocess.run(
        [sys.executable, "-c", IMPORT, made], capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == f"{made}/{PACKAGE}/session.pyc"


def test_a_damaged_file_is_made_anew(guest: Path) -> None:
    """A file that was cut short keeps no kernel from starting."""
    made = compiled(guest, sys.executable)
    whole = made.read_bytes()
    made.write_bytes(whole[: len(whole) // 2])
    with zipfile.ZipFile(compiled(guest, sys.executable)) as archive:
        assert archive.testzip() is None


@pytest.mark.parametrize("python", ["/nowhere/python", "/bin/false", "python"])
def test_an_interpreter_that_cannot_compile_gets_the_sources(guest: Path, python: str) -> None:
    """Where there is nothing to compile with, the kernel imports the sources."""
    assert compiled(guest, python) == guest
    assert list(guest.parent.iterdir()) == [guest]
