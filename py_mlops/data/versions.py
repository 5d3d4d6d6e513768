"""Lays out for a rerun what somebody edited between the cells of the recorded run."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from py_mlops.data.place import write_failures
from py_mlops.data.surroundings import moment
from py_mlops.guest.versions import INDEX
from py_mlops.records import CodeFile, History
from py_mlops.store.base import Blobs


def has_versions(modules: Sequence[CodeFile]) -> bool:
    """Say whether any module or script was changed between cells."""
    return any(module.versions for module in modules)


def lay_out(
    modules: Sequence[CodeFile],
    history: History,
    blobs: Blobs,
    folder: Path,
    place: Callable[[str], str],
) -> None:
    """Write every version, and the list of the cells before which each belongs.

    Args:
        modules: Those of a snapshot.
        history: Its executed cells.
        blobs: Where the bytes are.
        folder: A new folder.
        place: Returns the path at which the rerun has a recorded one.

    Raises:
        Corrupt, Missing: When stored bytes are damaged or gone.
        Hostile: When a recorded path may not be restored.
    """
    index: list[dict[str, object]] = []
    with write_failures(folder):
        folder.mkdir()
        for module in modules:
            for number, version in enumerate(module.versions):
                name = str(len(index))
                blobs.copy_to(version.blob.digest, folder / name)
                index.append(
                    {
                        "position": _position(history, version.cell) if number else 0,
                        "path": place(module.path),
                        "file": name,
                        "modified": moment(version.modified) or 0,
                    }
                )
        (folder / INDEX).write_text(json.dumps(index), "utf-8")


def _position(history: History, cell: int) -> int:
    """Return the position of the first cell with a count, or behind it."""
    counts = [executed.count for executed in history.cells]
    return next((number for number, count in enumerate(counts) if count >= cell), len(counts))
