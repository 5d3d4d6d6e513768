"""Folders of many small files, and what a kernel says that read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.handovers import seen

COUNT = 300


def images(folder: Path, count: int = COUNT) -> Path:
    """Make a folder of small files in two subfolders, all different but the first two."""
    for number in range(count):
        file = folder / f"class_{number % 2}" / f"{number:05}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"%d " % max(number, 1) * (20 + max(number, 1) % 7))
    return folder


def read_all(folder: Path, **parts: Any) -> list[dict[str, Any]]:
    """Return what a kernel notes that read every file of a folder, by relative names."""
    return [
        seen(path, requested=str(path.relative_to(folder.parent))) | parts
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
