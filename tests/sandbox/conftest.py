"""An empty stage for each test of the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from py_mlops import sandbox
from tests.sandbox.stage import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Return an empty stage."""
    made = Stage(tmp_path)
    yield made
    sandbox.clear(made.mirror)
