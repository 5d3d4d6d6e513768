from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from py_mlops.guest.alarm import LIMIT, Unexplained

MUCH = LIMIT + (8 << 20)


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """Return a file that is larger than what is let pass."""
    path = tmp_path / "big"
    with path.open("wb") as stream:
        stream.truncate(MUCH)
    return path


def read(path: Path) -> None:
    """Read a whole file."""
    file = os.open(path, os.O_RDONLY)
    while os.read(file, 1 << 20):
        pass
    os.close(file)


def test_unexplained(big: Path) -> None:
    """A cell that reads much more than the files it was seen with raises the alarm."""
    alarm = Unexplained()
    alarm.next_cell(1, 0)
    read(big)
    alarm.next_cell(2, 0)
    [found] = alarm.alarms()
    assert found["cell"] == 2
    assert MUCH <= found["bytes"] < 2 * MUCH
    assert found["text"].startswith("Cell [2] read ")


def test_explained(big: Path) -> None:
    """Files that were seen explain what was read, also when they are read again."""
    alarm = Unexplained()
    read(big)
    read(big)
    alarm.next_cell(1, MUCH)
    assert alarm.alarms() == []


def test_little(tmp_path: Path) -> None:
    """A little that nothing explains is let pass."""
    (tmp_path / "little").write_bytes(bytes(LIMIT // 2))
    alarm = Unexplained()
    read(tmp_path / "little")
    alarm.next_cell(1, 0)
    assert alarm.alarms() == []


def test_a_process_that_read(big: Path) -> None:
    """What an ended child process read counts as well."""
    alarm = Unexplained()
    subprocess.run(["cat", str(big)], stdout=subprocess.DEVNULL, check=True)
    alarm.next_cell(3, 0)
    assert [found["cell"] for found in alarm.alarms()] == [3]
