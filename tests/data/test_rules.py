from __future__ import annotations

from pathlib import Path

import pytest

from py_mlops.data.rules import IgnoreRules


@pytest.mark.parametrize(
    "path",
    [
        "/proc/cpuinfo",
        "/opt/python/lib/python3.11/os.py",
        "~/.cache/pip/x",
        "~/.ipython/profile_default/history.sqlite",
        "/data/.ipynb_checkpoints/a.ipynb",
        "/data/__pycache__/a.pyc",
        "/scratch/a",
        "/data/log.tmp",
        "/data/old/a.csv",
    ],
)
def test_left_out(path: str) -> None:
    """System files, packages, caches and what the person's own rules name are left out."""
    rules = IgnoreRules(["/opt/python"], ["/scratch/", "*.tmp", "/data/old/*"])
    assert rules.reason(str(Path(path).expanduser()))


@pytest.mark.parametrize(
    "path",
    [
        *("/opt/python/data.csv", "/scratchy", "/data/tmp", "~/.cache/torch/hub/model.pt"),
        "~/.cache/mine/a.csv",
    ],
)
def test_kept(path: str) -> None:
    """Neighbours of what is left out are kept, and so is what somebody put into a cache."""
    rules = IgnoreRules(["/opt/python"], ["/scratch", "*.tmp"])
    assert rules.reason(str(Path(path).expanduser())) is None


def test_own_rule_beats_kept_caches() -> None:
    """A person can leave out what would be kept."""
    rules = IgnoreRules([], ["~/.cache/torch"])
    assert rules.reason(str(Path("~/.cache/torch/hub/model.pt").expanduser()))


def test_lines() -> None:
    """The rules can be read by a person: each with its reason, one's own among them."""
    lines = IgnoreRules(["/opt/python"], ["/scratch", "*.tmp"]).lines()
    assert any("/opt/python/lib/" in line and "packages" in line for line in lines)
    assert any("/scratch/" in line and "your settings" in line for line in lines)
    assert "your settings: *.tmp" in lines
