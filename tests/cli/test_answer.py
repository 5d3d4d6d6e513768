from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.projects import mlops


def answer(folder: Path, line: str) -> dict[str, Any]:
    """Let the command line answer a magic's line, as a kernel does."""
    (folder / "line").write_text(line)
    said: dict[str, Any] = mlops("answer", folder).value
    assert set(said) == {"text", "html", "id"}
    return said


def test_an_answer_has_two_forms(tmp_path: Path) -> None:
    """A notebook shows HTML, a terminal text; both come in one answer."""
    said = answer(tmp_path, "log")
    assert "Snapshots" in said["text"]
    assert "Snapshots" in said["html"]
    assert said["html"].startswith("<")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("show nothing", "nothing"),
        ("log --limit many", "Usage: mlops log"),
        ("show 'open", "cannot be read"),
        ("gc --delete", "not known"),
        ("answer .", "not known"),
        ("", "not known"),
        ("snapshot x", "cannot be used"),
        ("snapshot", "Usage: %mlops snapshot"),
    ],
)
def test_what_cannot_be_done_is_an_answer_too(tmp_path: Path, line: str, words: str) -> None:
    """The kernel always gets a page, never only an exit code."""
    assert words in answer(tmp_path, line)["text"]


def test_nobody_is_shown_this_verb() -> None:
    """It is between programs, so the list of verbs is silent about it."""
    assert "answer" not in mlops("--help").out
