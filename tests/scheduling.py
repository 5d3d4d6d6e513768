"""Which worker runs which tests: whole files, so that what a file's tests share is made once."""

# xdist's own groups (`--dist loadgroup`) do nothing under pytest 9: it writes the group behind a
# test's id, which pytest no longer lets it do, and deals out the tests of a group one by one. Then
# either worker starts the server, the kernels and the environments of each group.
from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/browser", "tests/panels", "tests/server")
"""Folders whose tests share a server, or more."""

FIRST = (
    "tests/browser",
    "tests/kernels/test_formats.py",
    "tests/kernels/test_versions.py",
    "tests/test_environments.py",
    "tests/test_readers.py",
    "tests/server",
    "tests/panels",
    "tests/kernel/test_shown.py",
    "tests/test_docs.py",
    "tests/test_world_gone.py",
    "tests/test_kill_commands.py",
    "tests/test_tour.py",
)
"""What takes longest, so that no worker begins with it when the other has nothing left to do."""


def unit(nodeid: str) -> str:
    """Return what one worker runs as a whole: a test's file, or its folder."""
    file = nodeid.partition("::")[0]
    return next((folder for folder in TOGETHER if file.startswith(f"{folder}/")), file)


def longest_first(items: list[pytest.Item]) -> None:
    """Put what takes longest first; all else stays in its order."""
    places = {name: place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(unit(item.nodeid), len(places)))


class ByUnit(LoadScopeScheduling):  # type: ignore[misc]  # xdist has types for its own use only
    """Gives each worker one unit after the other, in the order in which they were collected."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        """Keep the order, which xdist would change to the units with most tests first."""
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)
