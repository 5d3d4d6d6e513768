"""Real kernels, as JupyterLab starts them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import LiveKernel, live_kernel


@pytest.fixture
def kernel(tmp_path: Path, store_folder: Path) -> Iterator[LiveKernel]:
    """A kernel whose folder is the test's own and whose store is empty."""
    with live_kernel(tmp_path, store_folder) as running:
        yield running
