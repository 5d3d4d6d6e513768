"""Accountable: who made it, from which exact bytes, how, and that nobody can edit that."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np

from py_mlops.workspace import open_workspace
from tests.handovers import handover, take
from tests.projects import flowers, mlops


def test_a_snapshot_says_who_made_it_from_which_bytes_with_what(tmp_path: Path) -> None:
    """Author, the sha256 of the data as `sha256sum` prints it, program, interpreter, packages."""
    notebook = flowers(tmp_path / "flowers")
    data = notebook.parent / "data" / "flowers.csv"
    summed = subprocess.run(["sha256sum", data], capture_output=True, text=True, check=True)
    ran = mlops("run", notebook, "--json")
    assert ran.code == 0, ran.err
    [taken] = ran.value
    assert taken["author"] == {"name": "Ada Tester", "email": "ada@example.org", "source": "git"}
    [file] = [item for item in taken["data"] if item["role"] == "input"]
    assert file["blobs"][0]["digest"] == "sha256:" + summed.stdout.split()[0]
    assert taken["program"]["notebook"] == str(notebook)
    assert [item["module"] for item in taken["program"]["modules"]] == ["scaling"]
    assert taken["environment"]["interpreter"]["version"] == sys.version.split()[0]
    packages = {item["name"]: item["version"] for item in taken["environment"]["distributions"]}
    assert packages["numpy"] == np.__version__


def test_a_row_of_the_ledger_changed_by_hand_is_noticed(tmp_path: Path, store_folder: Path) -> None:
    """Nobody can put another name under a model, not even with the database in hand."""
    workspace = open_workspace(store_folder)
    taken = take(workspace, tmp_path / "h", handover(tmp_path))
    workspace.store.close()
    assert mlops("verify").code == 0
    with closing(sqlite3.connect(store_folder / "ledger.sqlite")) as connection, connection:
        connection.execute("UPDATE log SET author = 'Mallory' WHERE kind = 'snapshot'")
    told = mlops("verify", "--json")
    assert told.code == 1
    assert "altered" in told.value["damaged"][0]
    refused = mlops("log", "--json")
    assert refused.code == 1
    assert refused.value["error"]["kind"] == "Corrupt"
    assert "Mallory" not in refused.out
    assert taken
