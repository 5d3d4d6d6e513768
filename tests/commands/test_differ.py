"""Who compares notebooks: ready before it is asked, and never in the way."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from py_mlops.commands.comparison.differ import Differ


@pytest.fixture
def differ() -> Iterator[Differ]:
    """One that is closed at the end."""
    made = Differ()
    yield made
    made.close()
    assert waiting() == []


def waiting() -> list[int]:
    """Return our processes that compare, or wait to."""
    children = " ".join(
        task.read_text() for task in Path("/proc/self/task").glob("*/children")
    ).split()
    return [pid for pid in map(int, children) if b"celldiff" in _words(pid)]


def _words(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def test_one_that_waits_answers_as_one_that_is_started(differ: Differ) -> None:
    """Started before or not, killed meanwhile or not, asked by two at once: the same diff.

    Once it was asked, the next one waits.
    """
    cell: dict[str, object] = {
        "cell_type": "code",
        "id": "c",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    sides = [[{**cell, "source": source}] for source in ("loss = 1", "loss = 2")]
    differ.prepare()
    differ.prepare()
    [spare] = waiting()
    with ThreadPoolExecutor(2) as threads:
        asked = [threads.submit(differ.ask, *sides) for _ in range(2)]
        answers = [one.result() for one in asked]
    [following] = waiting()
    assert following != spare
    os.kill(following, signal.SIGKILL)
    answers.append(differ.ask(*sides))
    [(diff, complete), *others] = [answer for answer in answers if answer is not None]
    assert complete
    assert diff[0]["key"] == 0
    assert others == [(diff, True)] * 2
