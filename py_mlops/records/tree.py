"""Many small files of one folder, recorded as one thing."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from py_mlops.records.base import Blob, Part
from py_mlops.records.data import Observed

MOST_FILES = 1_000_000
"""Files that one tree may hold; a record that says more is refused unread."""


class Tree(Part, frozen=True):
    """Many small files below one folder, which one cell touched in one way.

    Attributes:
        folder: The folder below which all of them lie, as `DataFile.path`.
        requested: The same folder as the program wrote it; empty when it
            wrote bare names.
        role: As `DataFile.role`.
        cell: As `DataFile.cell`.
        observed: As `DataFile.observed`.
        process: As `DataFile.process`.
        executable: As `DataFile.executable`.
        files: How many there are.
        size: Their bytes, all together.
        manifest: Their names, digests and places.
        packs: Blobs that hold their content; the manifest names them by number.
    """

    folder: str
    requested: str
    role: Literal["input", "output"]
    cell: int
    observed: Observed
    process: str
    executable: bool
    files: Annotated[int, msgspec.Meta(ge=1, le=MOST_FILES)]
    size: Annotated[int, msgspec.Meta(ge=0)]
    manifest: Blob
    packs: list[Blob]
