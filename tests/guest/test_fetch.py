from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import py_mlops.guest

SOURCE = Path(next(iter(py_mlops.guest.__path__))) / "fetch.py"


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """The stand-in for wget, which has one file to give: ``out/one.csv``."""
    shutil.copy(SOURCE, tmp_path)
    (tmp_path / "0").write_text("recorded")
    entry = {"program": "wget", "path": str(tmp_path / "out/one.csv"), "file": "0", "shown": False}
    (tmp_path / "index.json").write_text(json.dumps([entry]))
    return tmp_path / "fetch.py"


def call(stand_in: Path, *words: str) -> tuple[int, str]:
    """Call it as wget is called; return its exit code and its errors."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", stand_in, *words],
        cwd=stand_in.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["-q", "http://a.example/x/one.csv?token=1", "-P", "out"],
        ["http://a.example/latest", "-O", "out/one.csv"],
        ["--output-document=out/one.csv", "http://a.example/"],
        ["-i", "addresses.txt"],
    ],
)
def test_the_recorded_file_is_laid_down(stand_in: Path, words: list[str]) -> None:
    """By its name in the words, by the address, or because it is the only one still missing."""
    assert call(stand_in, "wget", *words) == (0, "")
    assert (stand_in.parent / "out/one.csv").read_text() == "recorded"


def test_what_was_not_recorded_fails_as_without_a_network(stand_in: Path) -> None:
    """Another address, when all that was recorded lies there, and another program, get nothing."""
    assert call(stand_in, "wget", "http://a.example/one.csv")[0] == 0
    for words in (["wget", "http://a.example/two.csv"], ["curl", "http://a.example/one.csv"]):
        code, said = call(stand_in, *words)
        assert code == 4
        assert "a rerun has no network, and this was not recorded" in said
