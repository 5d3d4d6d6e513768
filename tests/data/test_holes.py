from __future__ import annotations

from collections.abc import Callable

import pytest

from py_mlops.data.holes import of_session
from py_mlops.records.handover import Handover

Hand = Callable[..., Handover]


def test_connection(hand: Hand) -> None:
    """A connection is a blocking hole that names host and cell."""
    [hole] = of_session(hand(connections=[{"cell": 2, "host": "example.org", "port": 443}]))
    assert (hole.kind, hole.cell, hole.blocking) == ("network", 2, True)
    assert "example.org:443" in hole.text


@pytest.mark.parametrize("text", ["cat a | head", "make data", "(a forked copy of the kernel)"])
def test_command(hand: Hand, text: str) -> None:
    """A child process is a hole, told once however often it ran."""
    [hole] = of_session(hand(commands=[{"cell": cell, "text": text} for cell in (2, 5)]))
    assert (hole.kind, hole.cell, hole.blocking) == ("shell", 2, False)
    assert text in hole.text


@pytest.mark.parametrize(
    "text", ["ls -l", "/usr/bin/uname -p", "pip install x", "/venv/bin/python -m pip install x"]
)
def test_harmless_command(hand: Hand, text: str) -> None:
    """Looking around and installing packages are no holes in the data."""
    assert of_session(hand(commands=[{"cell": 1, "text": text}])) == []


def test_harmless_word_in_a_pipeline(hand: Hand) -> None:
    """A command that only begins harmlessly is a hole."""
    assert of_session(hand(commands=[{"cell": 1, "text": "ls | xargs cat > all"}]))


def test_blind(hand: Hand) -> None:
    """Libraries of native readers are one hole."""
    [hole] = of_session(hand(blind=["h5py", "polars"]))
    assert "h5py, polars" in hole.text


def test_many(hand: Hand) -> None:
    """A thousand processes do not bury the rest: twenty are told, the others counted."""
    commands = [{"cell": 1, "text": f"convert {number}"} for number in range(1000)]
    holes = of_session(hand(commands=commands))
    assert len(holes) == 21
    assert holes[-1].text.startswith("980 ")
