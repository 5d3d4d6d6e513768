"""A person with a home of their own, who signs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from py_mlops.workspace import Workspace, open_workspace
from tests.handovers import MODEL, a_project, take


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ada's home: git knows her, and what she adds to a store is signed."""
    home = tmp_path / "ada"
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("MLOPS_SIGN", "1")
    return home


@pytest.fixture
def ssh_key(person: Path) -> Path:
    """Her SSH key, without a passphrase."""
    key = person / ".ssh" / "id_ed25519"
    key.parent.mkdir(mode=0o700)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    return key


@pytest.fixture
def workspace(person: Path, store_folder: Path) -> Iterator[Workspace]:
    """Her workspace; its store is empty."""
    assert person.is_dir()
    opened = open_workspace(store_folder)
    yield opened
    opened.store.close()


@pytest.fixture
def taken(workspace: Workspace, tmp_path: Path) -> str:
    """The id of her snapshot."""
    return take(workspace, tmp_path / "h0", a_project(tmp_path / "flowers"), model=MODEL)
