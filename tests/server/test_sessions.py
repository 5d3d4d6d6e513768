from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from py_mlops.server.sessions import SessionFolder, sweep

HOLD = """
import os, sys
from pathlib import Path
from py_mlops.server.sessions import SessionFolder
print(SessionFolder(Path(sys.argv[1])).path, flush=True)
os.kill(os.getpid(), 9)
"""


def age(folder: Path) -> None:
    """Make a folder look as if it were made long ago."""
    os.utime(folder, (0, 0))


def test_a_session_in_use_is_never_swept(tmp_path: Path) -> None:
    """However old a session is, its folder stays while its server lives."""
    session = SessionFolder(tmp_path)
    age(session.path)
    sweep(tmp_path)
    assert session.path.is_dir()
    session.remove()
    session.remove()
    assert not session.path.exists()


def test_sessions_of_a_killed_server_are_swept(tmp_path: Path) -> None:
    """What a killed server left behind is gone when the next kernel starts, a new one's is not."""
    killed = subprocess.run(
        [sys.executable, "-c", HOLD, tmp_path], capture_output=True, text=True, check=False
    )
    left = Path(killed.stdout.strip())
    assert left.is_dir()
    sweep(tmp_path)  # it is too young to be judged
    assert left.is_dir()
    age(left)
    sweep(tmp_path)
    assert not left.exists()


def test_sweeping_nothing_is_no_error(tmp_path: Path) -> None:
    """Where there is no session yet, or a file lies among them, nothing happens."""
    sweep(tmp_path)
    (tmp_path / "sessions").mkdir()
    (tmp_path / "sessions" / "note").write_text("")
    age(tmp_path / "sessions" / "note")
    sweep(tmp_path)
    assert (tmp_path / "sessions" / "note").exists()
