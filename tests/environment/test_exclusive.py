from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from py_mlops.environment.exclusive import exclusive, write_whole
from py_mlops.errors import EnvironmentFailure


def test_the_second_waits_for_the_first(tmp_path: Path) -> None:
    """Whoever comes second is told so, and goes on only when the first has finished."""
    order: list[str] = []
    waiting, entered = threading.Event(), threading.Event()

    def second() -> None:
        with exclusive(tmp_path / "lock", waiting.set):
            order.append("second")

    thread = threading.Thread(target=second)
    with exclusive(tmp_path / "lock", entered.set):
        thread.start()
        assert waiting.wait(20)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert not entered.is_set()


def test_a_dead_process_holds_nothing(tmp_path: Path) -> None:
    """A lock whose holder was killed is free at once."""
    code = (
        "import os, signal, sys; from pathlib import Path; "
        "from py_mlops.environment.exclusive import exclusive; "
        "held = exclusive(Path(sys.argv[1]), lambda: None); held.__enter__(); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert (
        subprocess.run([sys.executable, "-c", code, tmp_path / "lock"], check=False).returncode < 0
    )
    told: list[str] = []
    with exclusive(tmp_path / "lock", lambda: told.append("waiting")):
        assert told == []


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    """A file is replaced in one step, and nothing else is left beside it."""
    for data in (b"old", b"new"):
        write_whole(tmp_path / "folder" / "file", data)
        assert (tmp_path / "folder" / "file").read_bytes() == data
    assert len(list((tmp_path / "folder").iterdir())) == 1


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    """A file that cannot take its place is removed again, and the error names the folder."""
    (tmp_path / "taken").mkdir()
    with pytest.raises(EnvironmentFailure, match=tmp_path.name):
        write_whole(tmp_path / "taken", b"data")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
    with pytest.raises(EnvironmentFailure), exclusive(tmp_path / "taken", lambda: None):
        pass
