from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from py_mlops.data.judge import is_plain, judge
from py_mlops.data.rules import IgnoreRules
from py_mlops.records.handover import Handover


@pytest.mark.parametrize(
    ("path", "plain"),
    [("/a/b", True), ("/two\nlines", True), ("/é", True), ("a", False), ("/a/", False),
     ("/a/../b", False), ("/a\0", False), ("/\udce9", False), ("", False)],
)  # fmt: skip
def test_is_plain(path: str, plain: bool) -> None:
    """Only absolute, normal paths that UTF-8 can write are believed."""
    assert is_plain(path) is plain


def test_stat_not_taken(tmp_path: Path, hand: Callable[..., Handover]) -> None:
    """A file of which the kernel could not see size and time is taken as it is."""
    (tmp_path / "a").write_text("x")
    seen = hand({"path": tmp_path / "a", "size": -1, "mtime_ns": -1, "inode": -1})
    assert [finding.state for finding in judge(seen, IgnoreRules([]))] == ["ready"]


def test_a_database_that_is_written_when_its_kernel_ends(
    tmp_path: Path, hand: Callable[..., Handover]
) -> None:
    """What changes after the kernel's last look is taken from the kernel's copy of it."""
    (tmp_path / "a.db").write_text("x")
    seen = hand({"path": tmp_path / "a.db", "kept": "original-1"})
    (tmp_path / "a.db").write_text("longer")
    assert [finding.state for finding in judge(seen, IgnoreRules([]))] == ["kept"]
