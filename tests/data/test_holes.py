from __future__ import annotations

from collections.abc import Callable

import pytest

from py_mlops.data import holes as words
from py_mlops.data.holes import of_session
from py_mlops.data.judge import judge
from py_mlops.data.rules import IgnoreRules
from py_mlops.records.handover import Handover

Hand = Callable[..., Handover]


def test_connection(hand: Hand) -> None:
    """A connection is a blocking hole that names host and cell."""
    [hole] = of_session(
        hand(connections=[{"cell": 2, "host": "example.org", "port": 443, "by": "python"}])
    )
    assert (hole.kind, hole.cell, hole.blocking) == ("network", 2, True)
    assert "example.org:443" in hole.text


@pytest.mark.parametrize("text", ["cat a | head", "make data"])
def test_command(hand: Hand, text: str) -> None:
    """A child process is a hole, told once however often it ran."""
    [hole] = of_session(hand(commands=[{"cell": cell, "text": text} for cell in (2, 5)]))
    assert (hole.kind, hole.cell, hole.blocking) == ("shell", 2, False)
    assert text in hole.text


def test_fork(hand: Hand) -> None:
    """A cell that forks is a hole of its own, told once, that says what was not seen."""
    commands = [{"cell": cell, "text": ""} for cell in (2, 2, 5)]
    holes = of_session(hand(commands=commands))
    assert [(hole.kind, hole.cell, hole.blocking) for hole in holes] == [
        ("shell", 2, False),
        ("shell", 5, False),
    ]
    assert "Cell [2]" in holes[0].text
    assert "multiprocessing" in holes[0].text
    assert "were not seen" in holes[0].text


def test_with_the_tracer_only_what_escaped_it_is_a_hole(hand: Hand) -> None:
    """Where child processes are watched, only those that could not be are holes."""
    unseen = ["/opt/tool (started without LD_PRELOAD)", "/sbin/ldconfig (does not load it)"]
    commands = [{"cell": 2, "text": "make data"}, {"cell": 3, "text": ""}]
    holes = of_session(hand(level="observed", commands=commands, unseen=unseen, blind=["polars"]))
    assert [(hole.kind, hole.blocking) for hole in holes] == [("shell", False)]
    assert "/opt/tool (started without LD_PRELOAD)" in holes[0].text


def test_alarm(hand: Hand) -> None:
    """Bytes that nothing seen explains are a hole that names the cell."""
    text = "Cell [4] read 512 MiB that no file seen explains."
    [hole] = of_session(hand(alarms=[{"cell": 4, "bytes": 512 << 20, "text": text}]))
    assert (hole.kind, hole.cell, hole.text) == ("data", 4, text)


@pytest.mark.parametrize(("times", "words"), [(1, "failed once"), (1200, "failed 1,200 times")])
def test_failures_of_the_watcher(hand: Hand, times: int, words: str) -> None:
    """What the watcher itself lost is a hole that says how often it failed."""
    [hole] = of_session(hand(failures=times))
    assert words in hole.text
    assert "files may be missing" in hole.text


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


def test_more_files_than_are_noted(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a program opened beyond the most that are noted stops others, and is counted."""
    monkeypatch.setattr(words, "MOST_FILES", 1)
    [hole] = of_session(hand({"path": "/data/a"}, failures=2500))
    assert (hole.kind, hole.blocking) == ("data", True)
    assert "more than 1 files; 2,500 times" in hole.text


def test_what_a_rule_leaves_out_and_the_code_reads(hand: Hand) -> None:
    """A file among the system's that the code reads by its name is a hole; no other is one."""
    named = {"path": "/etc/hosts", "observed": "named-in-code"}
    found = judge(hand(named, {"path": "/etc/fstab"}), IgnoreRules([]))
    [hole] = words.of_left_out(found)
    assert (hole.kind, hole.cell, hole.blocking) == ("data", 3, True)
    assert "reads hosts, " in hole.text
    assert "/etc/" in hole.text
    assert not words.of_left_out(judge(hand(named), IgnoreRules([], ["hosts"])))
