"""Badge: whether a notebook is still what its newest snapshot holds, and how that was judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from py_mlops.commands.catalogue.catalogue import Catalogue
from py_mlops.commands.catalogue.summaries import SnapshotSummary
from py_mlops.errors import InputError
from py_mlops.notebook.cells import Cell, Step, cells_of, shown_otherwise, sources_digest, steps
from py_mlops.notebook.document import Document, parse
from py_mlops.records import Snapshot
from py_mlops.workspace import Workspace

_MOST = 100
_REWRITTEN = ("kernelspec", "language_info")
_GOOD = ("identical", "equivalent", "within tolerance")


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


def badge(workspace: Workspace, catalogue: Catalogue, document: Document, path: str) -> Badge:
    """Say whether a notebook is still what its newest snapshot holds.

    What a person wrote decides: running a notebook again changes what it
    shows, and is no change by itself.

    Args:
        workspace: The store.
        catalogue: Its catalogue.
        document: The notebook as it is saved now.
        path: Its absolute path on this machine; empty when it has none.

    Raises:
        StoreError: When the store cannot be read.
    """
    cells = cells_of(document)
    found, same = catalogue.of_notebook(sources_digest(cells), path)
    if found is None:
        return _badge("never", "No snapshot was taken of this notebook.", None)
    old = _saved(workspace, found)
    if old is None:
        return _badge("never", "Its snapshot holds no saved notebook to compare it with.", found)
    before = cells_of(old)
    outputs = shown_otherwise(before, cells)
    metadata = _metadata(old) != _metadata(document)
    if not same and (happened := steps(before, cells)):
        changes = [_told(step, before, cells) for step in happened]
        what = _counted(changes)
        return _badge(
            "changed", f"Changed since its snapshot: {what}.", found,
            changes=changes, outputs=outputs, metadata=metadata,
        )  # fmt: skip
    if found.verdict is None:
        text = "As it was snapshotted; nobody has reproduced it yet."
        return _badge("never", text, found, outputs=outputs, metadata=metadata)
    good = found.verdict.level in _GOOD
    text = f"{'Reproduced' if good else 'Not reproduced'}: {found.verdict.level}."
    return _badge(
        "reproduced" if good else "failed", text, found, outputs=outputs, metadata=metadata
    )


def no_badge(text: str) -> Badge:
    """Return the badge of a notebook that has no snapshot.

    Args:
        text: Why, in one sentence.
    """
    return _badge("never", text, None)


def _badge(
    state: Literal["reproduced", "changed", "never", "failed"],
    text: str,
    snapshot: SnapshotSummary | None,
    *,
    changes: Sequence[CellChange] = (),
    outputs: int = 0,
    metadata: bool = False,
) -> Badge:
    return Badge(
        state=state,
        text=text,
        snapshot=snapshot,
        changes=list(changes[:_MOST]),
        more=max(0, len(changes) - _MOST),
        outputs=outputs,
        metadata=metadata,
    )


def _saved(workspace: Workspace, found: SnapshotSummary) -> Document | None:
    saved = workspace.store.get_as(found.id, Snapshot).program.saved
    if saved is None:
        return None
    try:
        return parse(workspace.store.blobs.read(saved.digest))
    except InputError:
        return None


def _metadata(document: Document) -> object:
    metadata = document.content.get("metadata")
    if not isinstance(metadata, dict):
        return {}
    return {name: value for name, value in metadata.items() if name not in _REWRITTEN}


def _told(step: Step, before: list[Cell], after: list[Cell]) -> CellChange:
    change, old, new = step
    cell = after[new] if new is not None else before[old or 0]
    place = new if new is not None else (old or 0)
    return CellChange(
        change=change, cell=place + 1, id=cell.id, type=cell.type, source=cell.first_line
    )


def _counted(changes: list[CellChange]) -> str:
    words = []
    for change in ("changed", "added", "removed"):
        number = sum(one.change == change for one in changes)
        if number:
            words.append(f"{number} {'cell' if number == 1 else 'cells'} {change}")
    return ", ".join(words)
