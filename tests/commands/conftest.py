"""A workspace with an empty store, and a snapshot of a small project in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from py_mlops.workspace import Workspace, open_workspace
from tests.handovers import MODEL, a_project, take


@pytest.fixture
def workspace(store_folder: Path) -> Iterator[Workspace]:
    """Ada's workspace; its store is empty."""
    opened = open_workspace(store_folder)
    yield opened
    opened.store.close()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace that never saw the first one's store."""
    opened = open_workspace(tmp_path / "elsewhere" / "store")
    yield opened
    opened.store.close()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The folder of the snapshot's project."""
    return tmp_path / "ada" / "flowers"


@pytest.fixture
def taken(workspace: Workspace, project: Path, tmp_path: Path) -> str:
    """The id of a whole snapshot: data, output, module, notebook and model."""
    return take(workspace, tmp_path / "handover", a_project(project), model=MODEL)
