"""A model as it lies in a store: serialised by the guest, its artifacts in the blobs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from py_mlops.guest import serialise
from py_mlops.model.formats import untrusted_types
from py_mlops.records import Artifact, Model
from py_mlops.records.handover import SeenModel
from py_mlops.store.base import Blobs
from py_mlops.store.blobs.folder import FolderBlobs


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    """An empty folder of blobs."""
    return FolderBlobs(tmp_path / "objects")


@pytest.fixture
def keep(tmp_path: Path, blobs: Blobs) -> Callable[[Any], Model]:
    """Store a model as a snapshot does, and return its record."""

    def store(obj: Any) -> Model:
        folder = tmp_path / "handover"
        folder.mkdir(exist_ok=True)
        seen = msgspec.convert(serialise.model(obj, "clf", str(folder)), SeenModel)
        assert seen.problem == ""
        artifacts = [
            Artifact(
                format=item.format,
                executes=item.executes,
                untrusted=untrusted_types(folder / item.file) if item.format == "skops" else [],
                blob=blobs.put_file(folder / item.file),
            )
            for item in seen.artifacts
        ]
        return Model(variable="clf", type=seen.type, artifacts=artifacts, loaded_from=None)

    return store
