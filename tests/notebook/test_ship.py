from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from py_mlops.errors import StoreUnavailable
from py_mlops.notebook.ship import guest_zip


def test_equal_sources_equal_bytes(tmp_path: Path) -> None:
    """Two machines make the same file under the same name."""
    code = (
        "import sys; from pathlib import Path; from py_mlops.notebook.ship import guest_zip\n"
        "print(guest_zip(Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    one, two = Path(said.strip()), guest_zip(tmp_path / "b")
    assert one.name == two.name
    assert one.read_bytes() == two.read_bytes()


def test_written_once_and_healed(tmp_path: Path) -> None:
    """The file is written once; a damaged one is replaced, and no temporary file stays."""
    path = guest_zip(tmp_path)
    first = path.stat().st_ino
    assert guest_zip(tmp_path).stat().st_ino == first
    path.write_bytes(b"cut short")
    assert zipfile.is_zipfile(guest_zip(tmp_path))
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_imports_without_us(tmp_path: Path) -> None:
    """Any Python imports the guest from the file, under its own name and with nothing of ours."""
    code = (
        f"import sys; sys.path.insert(0, {str(guest_zip(tmp_path))!r}); import mlops_guest.cells;"
        "print([name for name in sys.modules if 'py_mlops' in name])"
    )
    run = subprocess.run(
        [sys.executable, "-I", "-c", code],
        capture_output=True, text=True, check=True, cwd=tmp_path, env=dict(os.environ),
    )  # fmt: skip
    assert run.stdout == "[]\n"


def test_no_room(tmp_path: Path) -> None:
    """Where the file cannot be written, the error says what to do."""
    (tmp_path / "guest").write_text("a file in the way")
    with pytest.raises(StoreUnavailable, match="cannot be written") as error:
        guest_zip(tmp_path)
    assert "MLOPS_CACHE" in error.value.hint


VERSIONS = Path("~/.pyenv/versions").expanduser()
TOO_OLD = sorted([*VERSIONS.glob("2.*/bin/python"), *VERSIONS.glob("3.[0-7].*/bin/python")])


@pytest.mark.parametrize("python", TOO_OLD, ids=lambda path: path.parts[-3])
def test_a_python_too_old_for_us_has_an_ordinary_kernel(python: Path, tmp_path: Path) -> None:
    """Where the guest cannot run, the launcher does, with the arguments it always had."""
    (tmp_path / "ipykernel_launcher.py").write_text(
        "import sys; print(__name__, sys.argv[1:], sys.path[0])"
    )
    env = dict(os.environ, PYTHONPATH=str(tmp_path), PYTHONDONTWRITEBYTECODE="1")
    start = [[str(guest_zip(tmp_path)), "--mode", "record"], ["-m", "ipykernel_launcher"]]
    mine, theirs = (
        subprocess.run(
            [python, *words, "-f", "kernel.json"],
            capture_output=True, text=True, check=True, cwd=tmp_path, env=env,
        ).stdout
        for words in start
    )  # fmt: skip
    assert mine.split("] ")[0] == theirs.split("] ")[0]
    assert "kernel.json" in mine


if not TOO_OLD:
    print("not covered: Pythons older than 3.8, there is none here")  # noqa: T201 - said aloud
