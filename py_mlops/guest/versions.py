"""Puts each version of a module or script in place before the cell that read it, in a rerun."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from typing import Any

from .observe import observer

FOLDER = "MLOPS_VERSIONS"
"""Names the folder with the versions, and with `INDEX`."""
INDEX = "index.json"


class Versions:
    """What somebody edited between the cells of the recorded run.

    The index is a list of ``{"position": …, "path": …, "file": …, "modified": …}``:
    before the cell at that position, counted from 0, the path gets the bytes of
    the file, and the time in nanoseconds at which they had been written.
    """

    def __init__(self, folder: str) -> None:
        """Read the index."""
        self._folder = folder
        with open(os.path.join(folder, INDEX), encoding="utf-8") as stream:
            self._waiting: list[dict[str, Any]] = json.load(stream)
        self._position = -1
        self._running = 0

    def watch(self, shell: Any) -> None:
        """Follow the cells of a shell."""
        shell.events.register("pre_run_cell", self._before)
        shell.events.register("post_run_cell", self._after)

    def _before(self, info: Any) -> None:
        if not info.store_history or info.silent:
            return
        self._running += 1
        if self._running > 1:  # a cell runs another
            return
        self._position += 1
        due = [one for one in self._waiting if one["position"] <= self._position]
        self._waiting = [one for one in self._waiting if one["position"] > self._position]
        with observer().paused():
            for one in due:
                _place(os.path.join(self._folder, one["file"]), one["path"], one["modified"])

    def _after(self, result: Any) -> None:
        if result is None or (result.info.store_history and not result.info.silent):
            self._running = max(0, self._running - 1)


def _place(version: str, path: str, modified: int) -> None:
    # The program itself may have removed the folder; it meets its own errors.
    with contextlib.suppress(OSError, OverflowError):
        shutil.copyfile(version, path)
        os.utime(path, ns=(modified, modified))


def watch(shell: Any) -> None:
    """Put versions in place where the rerun was given some.

    Args:
        shell: The IPython shell.
    """
    folder = os.environ.pop(FOLDER, "")
    if folder:
        Versions(folder).watch(shell)
