"""Compare notebooks: nbdime's diff of two snapshots' notebooks, bounded in time and size."""

from __future__ import annotations

from typing import Literal

import msgspec

from py_mlops.records import Digest


class NotebookComparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two notebooks as nbdime shows them.

    Without their unchanged cells `base` holds only cells that the diff is
    about, and the diff's indices are into these.

    Attributes:
        a: The older snapshot's id.
        b: The newer snapshot's id.
        source: ``saved`` the notebooks as saved; ``executed`` as executed,
            where one of them was not saved.
        method: ``nbdime`` a diff inside cells; ``cells`` only whole cells,
            where nbdime is absent or took too long (`message` says so).
        message: What is to be said about it; empty when nothing is.
        base: The older notebook, nbformat 4; untrusted, to be shown sanitised.
        diff: nbdime's diff from `base` to the newer one.
        kept: For each cell of `base`, its place in the whole older notebook, from 0.
        cells_a: How many cells the older notebook has.
        cells_b: How many cells the newer notebook has.
        changed: How many cells were changed, added or removed.
        whole: Whether `base` has every cell.
        cut: Whether outputs were cut for size.
    """

    a: Digest
    b: Digest
    source: Literal["saved", "executed"]
    method: Literal["nbdime", "cells"]
    message: str
    base: dict[str, object]
    diff: list[dict[str, object]]
    kept: list[int]
    cells_a: int
    cells_b: int
    changed: int
    whole: bool
    cut: bool
