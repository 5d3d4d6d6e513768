from __future__ import annotations

from pathlib import Path

import pytest

from tests.traced import Traced, build


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the tracer's library, built from the sources."""
    return build(tmp_path_factory.mktemp("built"))


@pytest.fixture
def traced(library: Path, tmp_path: Path) -> Traced:
    """Run programs under the tracer, in a folder with the file ``data``."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "data").write_text("a,b\n")
    return Traced(library, folder)
