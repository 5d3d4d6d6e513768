"""A Jupyter in which the package was installed by itself, without its extras."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from py_mlops.server import watcher

EXTENSION = """
import sys
sys.modules.update(dict.fromkeys(("watchfiles", "nbdime", "jupyterlab")))
from py_mlops.server import _jupyter_server_extension_points
[point] = _jupyter_server_extension_points()
print(point["app"].name)
"""


def test_its_server_extension_is_found_all_the_same() -> None:
    """Kernels are observed: nobody is shown a traceback, or a notebook without ``%mlops``."""
    found = subprocess.run(
        [sys.executable, "-c", EXTENSION], capture_output=True, text=True, check=False
    )
    assert found.stdout.strip() == "py_mlops", found.stderr


def test_panels_look_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing notifies, what changed in a folder is still looked for, until the end."""
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    monkeypatch.setattr(watcher, "_TIMEOUT", 1)
    none: Any = None
    watching = watcher.Watcher(none, none, none)

    async def looks() -> int:
        count = 0
        async for changes in watching._changes(tmp_path, lambda *_: True):
            assert not changes
            count += 1
            if count == 2:
                await watching.stop()
        return count

    assert asyncio.run(looks()) == 2
