from __future__ import annotations

import json
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from py_mlops.cli import main
from py_mlops.workspace import open_workspace
from tests.handovers import MODEL, a_project, take
from tests.rights import bound_python, write_protected


def call(*words: str | Path) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def taken(store_folder: Path, tmp_path: Path) -> str:
    """The id of a snapshot in the store that the command line finds by itself."""
    workspace = open_workspace(store_folder)
    try:
        return take(workspace, tmp_path / "h", a_project(tmp_path / "ada"), model=MODEL)
    finally:
        workspace.store.close()


def test_a_model_file_is_explained_to_a_person_a_program_and_as_a_picture(
    taken: str, tmp_path: Path
) -> None:
    """Text, one JSON value, and an SVG file that holds both ends."""
    (tmp_path / "model.bin").write_bytes(MODEL)
    svg = tmp_path / "lineage.svg"
    ended = call("explain", tmp_path / "model.bin", "--svg", svg)
    assert ended.exit_code == 0, ended.output
    assert f"flowers {taken[7:19]}" in ended.stdout
    picture = ET.parse(svg).getroot()  # noqa: S314 - our own
    words = "".join(picture.itertext())
    assert "data/flowers.csv" in words
    assert "model.bin" in words
    value = json.loads(call("explain", tmp_path / "model.bin", "--json").stdout)
    assert value["steps"][0]["id"] == taken
    assert value["all"] == []
    assert value["subject"]["kind"] == "file"


def test_a_store_that_may_only_be_read(taken: str, store_folder: Path, tmp_path: Path) -> None:
    """Its lineage is told in full, though its index lags and cannot be written."""
    python = bound_python(tmp_path)
    before = (store_folder / "ledger.sqlite").read_bytes()
    told = {}
    with write_protected(store_folder):
        for verb, what in (("explain", "flowers"), ("impact", "ada/data/flowers.csv")):
            ended = subprocess.run(
                [python, "-m", "py_mlops", verb, tmp_path / what if "/" in what else what],
                check=False, capture_output=True, text=True,
            )  # fmt: skip
            assert ended.returncode == 0, ended.stderr
            told[verb] = ended.stdout
    assert "data/flowers.csv" in told["explain"]
    assert taken[7:19] in told["explain"]
    assert "flowers@main" in told["impact"]
    assert (store_folder / "ledger.sqlite").read_bytes() == before


def test_a_data_file_has_an_impact(taken: str, tmp_path: Path) -> None:
    """The snapshots that read it are in text and JSON; an unknown file is an error, exit code 1."""
    data = tmp_path / "ada" / "data" / "flowers.csv"
    assert "flowers@main" in call("impact", data).stdout
    value = json.loads(call("impact", data, "--json").stdout)
    assert [row["record"] for row in value["rows"]] == [taken]
    (tmp_path / "other.csv").write_text("unknown")
    ended = call("explain", tmp_path / "other.csv", "--json")
    assert ended.exit_code == 1
    assert json.loads(ended.stdout)["error"]["kind"] == "UnknownReference"


def test_a_head_has_a_history(taken: str) -> None:
    """The moves are listed; at a time before the first one there was nothing."""
    assert taken[7:19] in call("history", "flowers").stdout
    assert "pointed at nothing" in call("history", "flowers", "--at", "2001-01-01").stdout
    value = json.loads(call("history", "flowers@main", "--json").stdout)
    assert value["moves"][0]["move"]["target"] == taken
    assert call("history", "flowers", "--at", "noon").exit_code == 1
