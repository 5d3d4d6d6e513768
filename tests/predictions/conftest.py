"""A log of a thousand predictions, sealed into a store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from py_mlops.predictions import LoggedPrediction, SegmentWriter, seal
from py_mlops.workspace import Workspace, open_workspace
from tests.store.samples import ANN

SNAPSHOT = "sha256:" + "a" * 64
ROWS = 1000


def prediction(number: int, snapshot: str = SNAPSHOT) -> LoggedPrediction:
    """Return the prediction of a number; its inputs name a person."""
    return LoggedPrediction(
        id=f"request-{number}",
        time=f"2026-03-01T12:{number // 60 % 60:02}:{number % 60:02}.000000Z",
        snapshot=snapshot,
        inputs={"name": f"Person {number}", "age": 20 + number % 60},
        outputs=[number % 7],
    )


@pytest.fixture
def workspace(store_folder: Path) -> Iterator[Workspace]:
    """A workspace; its store is empty."""
    opened = open_workspace(store_folder)
    yield opened
    opened.store.close()


@pytest.fixture
def segment(workspace: Workspace, tmp_path: Path) -> str:
    """The id of a segment."""
    with SegmentWriter(tmp_path / "log") as writer:
        for number in range(ROWS):
            writer.append(prediction(number))
    return seal(workspace.store, tmp_path / "log", log="flowers@production", author=ANN)
