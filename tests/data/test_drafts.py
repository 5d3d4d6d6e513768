from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from py_mlops.data.drafts import drafts

KILLED = """
import os, signal, sys
from pathlib import Path
from py_mlops.data.drafts import drafts
with drafts(Path(sys.argv[1])) as held:
    (held / "half").write_text("half a file")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder: Path) -> list[str]:
    """Return what lies in a folder, sorted."""
    return sorted(path.name for path in folder.iterdir())


def leave_some(folder: Path) -> str:
    """Have a process killed while it writes a draft; return the name of what it left."""
    ended = subprocess.run([sys.executable, "-c", KILLED, str(folder)], check=False)
    assert ended.returncode == -signal.SIGKILL
    [left] = names(folder)
    assert (folder / left / "half").is_file()
    return left


def fail(draft: Path, error: type[BaseException]) -> None:
    """Write a draft and come to grief."""
    draft.write_text("x")
    raise error


def test_nothing_is_left_when_it_ends(tmp_path: Path) -> None:
    """Neither at a good end, nor at an error, nor when the person interrupts."""
    with drafts(tmp_path) as held:
        (held / "draft").write_text("x")
        (held / "deep").mkdir()
        assert len(names(tmp_path)) == 1
    assert names(tmp_path) == []
    for error in (ValueError, KeyboardInterrupt, SystemExit):
        with pytest.raises(error), drafts(tmp_path) as held:
            fail(held / "draft", error)
        assert names(tmp_path) == []


def test_what_a_killed_process_left_goes_with_the_next_one(tmp_path: Path) -> None:
    """The next one to write into the folder removes it."""
    left = leave_some(tmp_path)
    with drafts(tmp_path):
        assert left not in names(tmp_path)
    assert names(tmp_path) == []


def test_what_is_in_use_or_not_ours_stays(tmp_path: Path) -> None:
    """Another running process's drafts, and a person's own files, are left alone."""
    mine = [".mlops-drafts-mine", ".mlops-drafts-0123456789abcdef0", ".mlops"]
    for name in mine:
        (tmp_path / name).mkdir()
    (tmp_path / ".mlops-drafts-0123456789abcdef").write_text("a file of that very name")
    with drafts(tmp_path) as first:
        (first / "draft").write_text("x")
        with drafts(tmp_path) as second:
            assert (first / "draft").read_text() == "x"
            assert list(second.iterdir()) == []
        assert (first / "draft").read_text() == "x"
    assert names(tmp_path) == sorted([*mine, ".mlops-drafts-0123456789abcdef"])
