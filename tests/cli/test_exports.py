"""``mlops export`` in the terminal: to a pipe, into a file, as JSON, and of a real notebook."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from py_mlops.cli import main
from py_mlops.cli.exports import _FORMATS
from py_mlops.exports import STANDARDS
from py_mlops.workspace import open_workspace
from tests.exports.accepted import problems
from tests.handovers import MODEL, a_project, take
from tests.projects import flowers, mlops


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


def test_every_standard_can_be_asked_for() -> None:
    """The words of ``--format`` are the standards that there are."""
    assert list(STANDARDS) == _FORMATS


def test_a_pipe_gets_the_bytes_and_nothing_else(taken: str) -> None:
    """What is printed is the file; with ``--json`` it is the content beside its digest."""
    printed = call("export", "flowers", "--format", "cyclonedx").stdout
    assert json.loads(printed)["bomFormat"] == "CycloneDX"
    value = json.loads(call("export", "flowers", "--format", "cyclonedx", "--json").stdout)
    assert value["snapshot"] == taken
    assert value["content"] == printed
    assert value["digest"] == "sha256:" + hashlib.sha256(printed.encode()).hexdigest()


@pytest.mark.usefixtures("taken")
def test_a_file_is_written_and_named(tmp_path: Path) -> None:
    """With ``-o`` the file is there, and is not replaced by another one."""
    ended = call("export", "flowers", "--format", "model-card", "-o", tmp_path, "--license", "mit")
    assert ended.exit_code == 0
    assert "README.md" in ended.stdout
    assert 'license: "mit"' in (tmp_path / "README.md").read_text()
    again = call("export", "flowers", "--format", "model-card", "-o", tmp_path)
    assert again.exit_code == 1
    assert 'license: "mit"' in (tmp_path / "README.md").read_text()


@pytest.mark.usefixtures("taken")
def test_an_address_is_told_only_when_asked_for() -> None:
    """People's addresses stay where they are, but for ``--email``."""
    words = ("export", "flowers", "--format", "ro-crate")
    assert "ada@example.org" not in call(*words).stdout
    assert "ada@example.org" in call(*words, "--email").stdout


def test_a_real_notebook(tmp_path: Path) -> None:
    """A notebook that was run is accepted by every standard's tools, with its files' digests."""
    notebook = flowers(tmp_path / "flowers")
    assert mlops("run", notebook).code == 0
    data = hashlib.sha256((notebook.parent / "data" / "flowers.csv").read_bytes()).hexdigest()
    for standard in STANDARDS:
        ended = mlops("export", "flowers", "--format", standard)
        assert ended.code == 0, ended.err
        assert data in ended.out
        assert str(tmp_path) not in ended.out
        folder = tmp_path / standard
        folder.mkdir()
        assert problems(standard, {"real": ended.out.encode()}, folder) == {"real": []}
