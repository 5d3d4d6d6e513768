from __future__ import annotations

from pathlib import Path

import pytest

from py_mlops.commands.comparison.diff import diff
from py_mlops.errors import InputError, Missing
from py_mlops.workspace import Workspace
from tests.handovers import CELLS, a_project, executed, handover, seen, take


def test_a_snapshot_does_not_differ_from_itself(workspace: Workspace, taken: str) -> None:
    """There is nothing to tell."""
    changes = diff(workspace, taken, taken)
    assert changes.metrics == {"accuracy": (0.96875, 0.96875)}
    assert [changes.parameters, changes.data, changes.environment, changes.program] == [[]] * 4


def test_every_change_is_told_in_its_own_place(workspace: Workspace, tmp_path: Path) -> None:
    """Metric, parameter, data, interpreter and code: what changed, from what to what."""
    said = a_project(tmp_path / "p") | {"model": None, "parameters": {"rate": 1, "same": 0}}
    first = take(workspace, tmp_path / "h1", said)
    data = tmp_path / "p" / "data" / "flowers.csv"
    data.write_text("1,2\n")
    (tmp_path / "p" / "more.csv").write_text("3\n")
    again = handover(
        tmp_path / "p",
        seen(data, requested="data/flowers.csv"),
        seen(tmp_path / "p" / "more.csv"),
        metrics={"loss": 0.25},
        parameters={"rate": 2, "new": None, "same": 0},
        cells=[executed(1, CELLS[0]), executed(2, "accuracy = 1")],
        facts=said["facts"] | {"version": "3.12.1"},
    )
    changes = diff(workspace, first, take(workspace, tmp_path / "h2", again))
    assert changes.metrics == {"accuracy": (0.96875, None), "loss": (None, 0.25)}
    assert changes.parameters == ["new: not set → None", "rate: 1 → 2"]
    assert changes.data == [
        "~ data/flowers.csv (input): 8,000 → 4 bytes",
        "+ more.csv (input)",
        "- report.json (output)",
    ]
    assert any("3.12.1" in line for line in changes.environment)
    assert any(line.startswith("+") and "accuracy = 1" in line for line in changes.program)


def test_what_is_no_snapshot_is_not_compared(workspace: Workspace, taken: str) -> None:
    """An id of nothing and an id of something else each end in a sentence."""
    with pytest.raises(Missing):
        diff(workspace, taken, "sha256:" + "0" * 64)
    move = workspace.store.ledger.newest(kind="head-move")[0].record
    with pytest.raises(InputError, match="head-move"):
        diff(workspace, taken, move)
