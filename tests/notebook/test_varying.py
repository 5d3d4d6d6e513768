from __future__ import annotations

import pytest

from py_mlops.notebook.varying import varies_alike


@pytest.mark.parametrize(
    ("recorded", "first", "second"),
    [
        ("pid 17 done", "pid 12 done", "pid 14 done"),
        ("host a1f", "host b7c", "host c99"),
        ("0.52", "0.50", "0.51"),
        ("same", "same", "same"),
    ],
)
def test_excused(recorded: str, first: str, second: str) -> None:
    """Words and near numbers that two reruns show differently are no difference."""
    assert varies_alike(recorded.split(), first.split(), second.split())


@pytest.mark.parametrize(
    ("recorded", "first", "second"),
    [
        ("0.95", "0.50", "0.51"),
        ("a 1", "b 1", "b 1"),
        ("0.9 x", "0.5 y", "0.5 z"),
        ("one two", "one", "two"),
    ],
)
def test_not_excused(recorded: str, first: str, second: str) -> None:
    """A far better score, or what both reruns agree on, is one."""
    assert not varies_alike(recorded.split(), first.split(), second.split())


def test_more_reruns_tell_more() -> None:
    """Two reruns may lie close by chance; a third shows how far such a number goes."""
    assert not varies_alike(["51564"], ["17850"], ["16514"])
    assert varies_alike(["51564"], ["17850"], ["16514"], ["38926"])
