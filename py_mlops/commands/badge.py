"""Badge: whether a notebook is still what its newest snapshot holds, and how that was judged."""

from __future__ import annotations

from typing import Literal

import msgspec

from py_mlops.commands.catalogue import SnapshotSummary


class CellChange(msgspec.Struct, frozen=True, kw_only=True):
    """One cell that is not as it was snapshotted.

    Attributes:
        change: What happened.
        cell: Its place in the notebook, from 1 (for a removed one, in the snapshot's).
        id: The cell's id; empty when it has none.
        type: ``code``, ``markdown`` or ``raw``.
        source: Its first line.
    """

    change: Literal["added", "removed", "changed"]
    cell: int
    id: str
    type: str
    source: str


class Badge(msgspec.Struct, frozen=True, kw_only=True):
    """What a notebook's badge says.

    Attributes:
        state: ``reproduced`` its newest snapshot came out the same and its cells
            are as they were; ``changed`` its cells are not; ``never`` it has no
            snapshot, or none that was rerun; ``failed`` its newest verdict is
            different, failed or cannot.
        text: The same in one sentence.
        snapshot: The snapshot it is compared with; ``null`` when there is none.
        changes: The cells that changed, the first 100.
        more: How many further cells changed.
        outputs: How many cells only show something else now; no change by itself.
        metadata: Whether the notebook's own metadata differ; no change by itself.
    """

    state: Literal["reproduced", "changed", "never", "failed"]
    text: str
    snapshot: SnapshotSummary | None
    changes: list[CellChange]
    more: int
    outputs: int
    metadata: bool
