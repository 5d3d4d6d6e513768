from __future__ import annotations

import sys
from pathlib import Path

import pytest

from py_mlops.environment.kernel import additions
from py_mlops.errors import EnvironmentFailure


def test_what_a_rerun_adds_leaves_every_recorded_version(tmp_path: Path) -> None:
    """Ipykernel is found in a version that goes with the pins, and no pinned package is added."""
    pinned = {"tornado": "6.4.1", "six": "1.17.0"}
    found = additions(pinned, sys.executable, "3.11.7", folder=tmp_path)
    names = [one.entry.name for one in found]
    assert "ipykernel" in names
    assert not pinned.keys() & set(names)
    assert all(one.entry.wheel and one.place for one in found)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("unreachable")
def test_without_an_index_there_is_nothing_to_add(tmp_path: Path) -> None:
    """With no index in reach and nothing remembered, that is said."""
    with pytest.raises(EnvironmentFailure, match="ipykernel"):
        additions({}, sys.executable, "3.11.7", folder=tmp_path)
