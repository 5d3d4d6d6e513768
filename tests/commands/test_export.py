"""Exports of a snapshot that is in a store: which verdict, which file, and what stops them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from py_mlops.commands.export import export, write
from py_mlops.errors import Corrupt, InputError, Missing
from py_mlops.exports import STANDARDS
from py_mlops.records import Snapshot, digest_of
from py_mlops.workspace import Workspace


@pytest.mark.parametrize("standard", STANDARDS)
def test_the_digests_are_those_of_the_files(
    standard: str, workspace: Workspace, taken: str, project: Path
) -> None:
    """Who has the data can check with sha256sum that it is what the export speaks about."""
    told = export(workspace, taken, standard).decode()
    assert digest_of((project / "data" / "flowers.csv").read_bytes())[7:] in told
    assert str(project) not in told


def test_an_unknown_standard_is_refused(workspace: Workspace, taken: str) -> None:
    """The hint names those that there are."""
    with pytest.raises(InputError) as refused:
        export(workspace, taken, "pdf")
    assert "cyclonedx" in refused.value.hint


def test_a_damaged_history_is_not_exported(workspace: Workspace, taken: str) -> None:
    """Nothing is told of a program whose bytes are not what the record says."""
    digest = workspace.store.get_as(taken, Snapshot).program.history.digest[7:]
    file = Path(workspace.settings.store) / "objects" / digest[:2] / digest
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises((Corrupt, Missing)):
        export(workspace, taken, "ro-crate")


def test_a_folder_gets_the_name_that_readers_look_for(tmp_path: Path) -> None:
    """A model card lands as README.md, a crate as ro-crate-metadata.json."""
    assert write(b"x", "model-card", tmp_path) == tmp_path / "README.md"
    assert write(b"{}", "ro-crate", tmp_path).name == "ro-crate-metadata.json"
    assert (tmp_path / "README.md").read_bytes() == b"x"


def test_another_file_is_never_replaced(tmp_path: Path) -> None:
    """The same bytes may be written again; a file with other content stays as it is."""
    file = tmp_path / "bom.json"
    write(b"one", "cyclonedx", file)
    write(b"one", "cyclonedx", file)
    with pytest.raises(InputError):
        write(b"two", "cyclonedx", file)
    assert file.read_bytes() == b"one"
    assert [path.name for path in tmp_path.iterdir()] == ["bom.json"]


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """A misspelt folder is an error that says so."""
    with pytest.raises(InputError, match="no folder"):
        write(json.dumps({}).encode(), "cyclonedx", tmp_path / "no" / "bom.json")
