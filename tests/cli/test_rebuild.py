from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from py_mlops.cli import main
from py_mlops.workspace import open_workspace
from tests.handovers import MODEL, a_project, take


def call(*words: str) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(main, words)


def test_a_lost_ledger_is_said_made_anew_and_whole(store_folder: Path, tmp_path: Path) -> None:
    """Without its ledger a store tells the way, and having gone it everything is there again."""
    workspace = open_workspace(store_folder)
    taken = take(workspace, tmp_path / "h", a_project(tmp_path / "ada"), model=MODEL)
    workspace.store.close()
    assert call("verify", "--rebuild").exit_code == 1  # nothing to make anew
    for path in store_folder.glob("ledger.sqlite*"):
        path.unlink()
    lost = call("log")
    assert lost.exit_code == 1
    assert "mlops verify --rebuild" in lost.output
    made = json.loads(call("verify", "--rebuild", "--json").stdout)
    assert (made["rows"], made["entered"], made["unknown"]) == (2, 0, [])
    assert set(made["heads"].values()) == {taken}
    assert call("verify").exit_code == 0
    assert json.loads(call("show", taken, "--json").stdout)["id"] == taken
