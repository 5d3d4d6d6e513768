from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from py_mlops.cli import main
from py_mlops.commands.transfer.bundle import bundle
from py_mlops.workspace import open_workspace
from tests.handovers import MODEL, a_project, take


@pytest.fixture
def taken(store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of the snapshot ``flowers``; the current folder holds its bundle."""
    monkeypatch.chdir(tmp_path)
    workspace = open_workspace(store_folder)
    try:
        identifier = take(workspace, tmp_path / "h", a_project(tmp_path / "ada"), model=MODEL)
        bundle(workspace, identifier, tmp_path / "sent.mlops")
    finally:
        workspace.store.close()
    return identifier


def reproduce(reference: str) -> Result:
    """Ask for a rerun, which a tolerance of a metric that is not there ends before it begins."""
    words = ["reproduce", reference, "--tolerance", "nothing=1", "--json", "--quiet"]
    return CliRunner().invoke(main, words)


def test_a_models_name_wins_over_a_file_that_is_no_bundle(taken: str, tmp_path: Path) -> None:
    """A folder or a text file called like the model is in nobody's way, and that is said."""
    (tmp_path / "flowers").write_text("notes about flowers")
    ended = reproduce("flowers")
    assert "no metric" in json.loads(ended.stdout)["error"]["message"].lower()
    assert "flowers is a model's name here" in ended.stderr
    (tmp_path / "flowers").unlink()
    (tmp_path / "flowers").mkdir()
    ended = reproduce("flowers")
    assert "no metric" in json.loads(ended.stdout)["error"]["message"].lower()
    assert "is a model's name here" not in ended.stderr
    assert taken


def test_a_bundle_called_like_a_model_is_taken_and_that_is_said(
    taken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own bytes show that it is one; the model can still be named."""
    (tmp_path / "sent.mlops").rename(tmp_path / "flowers")
    monkeypatch.setenv("MLOPS_STORE", str(tmp_path / "empty"))
    ended = reproduce("flowers")
    assert "flowers is the bundle file in this folder" in ended.stderr
    assert "flowers@main" in ended.stderr
    assert CliRunner().invoke(main, ["show", taken]).exit_code == 0


@pytest.mark.parametrize("reference", ["./flowers", "flowers.mlops", "flowers.zip", "a/flowers"])
def test_a_path_is_always_a_file(taken: str, tmp_path: Path, reference: str) -> None:
    """A mistyped file is told as such, and no model is run in its stead; no bundle is refused."""
    ended = reproduce(reference)
    assert "cannot be read" in json.loads(ended.stdout)["error"]["message"]
    (tmp_path / "a").mkdir()
    (tmp_path / reference).write_text("no bundle")
    ended = reproduce(reference)
    assert "not a whole bundle" in json.loads(ended.stdout)["error"]["message"]
    assert taken


@pytest.mark.parametrize("reference", ["x" * 5000, "a\0b", "", "."])
def test_a_word_that_is_no_files_name_is_told(taken: str, reference: str) -> None:
    """Whatever the word is, the answer is a sentence."""
    ended = reproduce(reference)
    assert ended.exit_code == 1
    assert json.loads(ended.stdout)["error"]["kind"] == "UnknownReference"
    assert taken
