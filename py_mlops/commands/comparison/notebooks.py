"""Compare notebooks: nbdime's diff of two snapshots' notebooks, bounded in time and size."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import msgspec

from py_mlops.commands.catalogue.inspect import the_snapshot
from py_mlops.commands.comparison.differ import Differ
from py_mlops.errors import InputError
from py_mlops.notebook.celldiff import Cells, changed, only_changed, whole_cells
from py_mlops.notebook.comparable import comparable
from py_mlops.notebook.document import Document, parse
from py_mlops.notebook.executed import as_notebook
from py_mlops.records import Digest, History, Snapshot, canonical, decode_as
from py_mlops.workspace import Workspace

_LARGEST = 64 * 1024 * 1024
_KEPT = 200
_VERSION = "1"
_SLOW = "So much changed that part of it is shown by whole cells."
_ABSENT = "Changes inside cells are shown when nbdime is installed: pip install nbdime."


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


class _Found(msgspec.Struct):
    """What the cache keeps of a comparison."""

    diff: list[dict[str, object]]
    method: Literal["nbdime", "cells"]
    message: str


def compare_notebooks(
    workspace: Workspace, first: str, second: str, *, differ: Differ, whole: bool = False
) -> NotebookComparison:
    """Compare the notebooks of two snapshots, by what a person wrote and a run showed.

    Args:
        workspace: The store; its cache remembers comparisons.
        first: Whole id of the older one.
        second: Whole id of the newer one.
        differ: Asks nbdime.
        whole: Keep unchanged cells, too.

    Returns:
        The comparison; it comes in bounded time, whatever the notebooks hold.

    Raises:
        UnknownReference: When one is not in the store.
        Corrupt, Missing: When one is damaged.
        InputError: When a notebook is too large.
    """
    snapshots = [the_snapshot(workspace, one) for one in (first, second)]
    saved = all(one.program.saved for one in snapshots)
    (a, cut_a), (b, cut_b) = (_cells(workspace, one, saved=saved) for one in snapshots)
    found = _remembered(workspace, a, b, differ)
    kept = list(range(len(a)))
    base, diff = a, found.diff
    if not whole:
        base, diff, kept = only_changed(a, found.diff)
    return NotebookComparison(
        a=first,
        b=second,
        source="saved" if saved else "executed",
        method=found.method,
        message=found.message,
        base={"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": base},
        diff=diff,
        kept=kept,
        cells_a=len(a),
        cells_b=len(b),
        changed=changed(found.diff),
        whole=len(base) == len(a),
        cut=cut_a or cut_b,
    )


def _cells(workspace: Workspace, snapshot: Snapshot, *, saved: bool) -> tuple[Cells, bool]:
    blob = snapshot.program.saved if saved else snapshot.program.history
    if blob is None or blob.size > _LARGEST:
        raise InputError(
            f"The notebook of {snapshot.request.name} is too large to compare.",
            hint="Restore both snapshots, and compare them with `nbdiff`.",
        )
    data = workspace.store.blobs.read(blob.digest)
    if saved:
        return comparable(parse(data))
    content, _, cut = as_notebook(
        decode_as(data, History), language="python", most=2000, size=_LARGEST
    )
    cells, also = comparable(Document(content, [], "", "", {}))
    return cells, cut or also


def _remembered(workspace: Workspace, a: Cells, b: Cells, differ: Differ) -> _Found:
    if a == b:
        return _Found([], "nbdime", "")
    pair = hashlib.sha256(canonical([_VERSION, find_spec("nbdime") is not None]))
    for cells in (a, b):
        pair.update(json.dumps(cells, sort_keys=True).encode() + b"\0")
    place = workspace.cache / "comparisons" / f"{pair.hexdigest()}.json"
    with suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode(place.read_bytes(), type=_Found)
    found = _compared(a, b, differ)
    with suppress(OSError):  # it is only made again the next time
        _remember(place, msgspec.json.encode(found))
    return found


def _remember(place: Path, data: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_suffix(".new")
    draft.write_bytes(data)
    draft.replace(place)
    dated = sorted(place.parent.glob("*.json"), key=lambda path: path.stat().st_mtime)
    for old in dated[:-_KEPT]:
        old.unlink(missing_ok=True)


def _compared(a: Cells, b: Cells, differ: Differ) -> _Found:
    if find_spec("nbdime") is None:
        return _Found(whole_cells(a, b), "cells", _ABSENT)
    entries = differ.ask(a, b)
    if entries is None:
        return _Found(whole_cells(a, b), "cells", _SLOW)
    diff, complete = entries
    return _Found(diff, "nbdime", "" if complete else _SLOW)
