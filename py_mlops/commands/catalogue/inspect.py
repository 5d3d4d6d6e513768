"""Inspect: one snapshot or one verdict with all that a face shows of it, bounded in size."""

from __future__ import annotations

from typing import Any

import msgspec

from py_mlops.commands.catalogue.catalogue import Catalogue
from py_mlops.commands.catalogue.summaries import (
    ExecutedNotebook,
    ReproductionDetail,
    SnapshotDetail,
)
from py_mlops.errors import UnknownReference
from py_mlops.notebook.executed import as_notebook
from py_mlops.records import History, Reproduction, Snapshot, decode_as
from py_mlops.workspace import Workspace

MOST = 1000
"""A record's longer lists are cut here."""

NOTEBOOK_BYTES = 8 * 1024 * 1024
_CELLS = 2000


def the_snapshot(workspace: Workspace, identifier: str) -> Snapshot:
    """Return a snapshot that somebody else named by its whole id.

    Args:
        workspace: The store.
        identifier: The id.

    Raises:
        UnknownReference: When the log does not know it.
        InputError: When it is another kind of record.
        Corrupt, Missing: When it is damaged.
    """
    _check_known(workspace, identifier)
    return workspace.store.get_as(identifier, Snapshot)


def snapshot_detail(workspace: Workspace, catalogue: Catalogue, identifier: str) -> SnapshotDetail:
    """Return everything about one snapshot.

    Args:
        workspace: The store.
        catalogue: Its catalogue.
        identifier: The snapshot's whole id.

    Raises:
        UnknownReference: When it is not in the store.
        Corrupt, Missing: When it is damaged.
        InputError: When it is another kind of record.
    """
    summary = catalogue.snapshot(identifier)
    if summary is None:
        raise _unknown(identifier)
    record = workspace.store.get_as(identifier, Snapshot)
    shown, cut = _bounded(record)
    sizes = [blob.size for file in record.data for blob in file.blobs]
    return SnapshotDetail(
        id=identifier,
        summary=summary,
        record=shown,
        cut=cut,
        bytes=sum(sizes) + sum(tree.size for tree in record.trees),
        holes=sorted(record.capture.holes, key=lambda hole: not hole.blocking)[:MOST],
        verdicts=catalogue.verdicts(identifier),
        children=catalogue.children(identifier),
    )


def reproduction_detail(workspace: Workspace, identifier: str) -> ReproductionDetail:
    """Return everything about one verdict.

    Args:
        workspace: The store.
        identifier: The reproduction's whole id.

    Raises:
        UnknownReference: When it is not in the store.
        Corrupt, Missing: When it is damaged.
        InputError: When it is another kind of record.
    """
    _check_known(workspace, identifier)
    record = workspace.store.get_as(identifier, Reproduction)
    name = workspace.store.get_as(record.snapshot, Snapshot).request.name
    return ReproductionDetail(id=identifier, model=name, record=record)


def executed_notebook(workspace: Workspace, identifier: str) -> ExecutedNotebook:
    """Return what a snapshot's session executed, as a notebook.

    Args:
        workspace: The store.
        identifier: The snapshot's whole id.

    Raises:
        UnknownReference: When it is not in the store.
        Corrupt, Missing: When it or its history is damaged.
    """
    snapshot = the_snapshot(workspace, identifier)
    stored = workspace.store.blobs.read(snapshot.program.history.digest)
    history = decode_as(stored, History)
    content, shown, cut = as_notebook(history, language="python", most=_CELLS, size=NOTEBOOK_BYTES)
    return ExecutedNotebook(
        name=f"{snapshot.request.name}-{identifier[7:15]}.ipynb",
        cells=len(history.cells),
        shown=shown,
        cut=cut,
        content=content,
    )


def _check_known(workspace: Workspace, identifier: str) -> None:
    if not workspace.store.ledger.find(identifier.removeprefix("sha256:"), 1):
        raise _unknown(identifier)


def _unknown(identifier: str) -> UnknownReference:
    return UnknownReference(
        f"No record {identifier[:19]}… is in this store.",
        hint="It may be in another store: fetch it with `mlops pull`, or reload the list.",
    )


def _bounded(record: Snapshot) -> tuple[Snapshot, dict[str, int]]:
    """Return a record whose longest lists are cut, and by how many entries each."""
    parts: dict[str, Any] = {name: getattr(record, name) for name in ("data", "trees", "answers")}
    cut = {name: len(items) - MOST for name, items in parts.items() if len(items) > MOST}
    changed: dict[str, Any] = {name: parts[name][:MOST] for name in cut}
    for name, items in (("holes", record.capture.holes), ("external", record.capture.external)):
        if len(items) > MOST:
            cut[f"capture.{name}"] = len(items) - MOST
            capture = changed.get("capture", record.capture)
            changed["capture"] = msgspec.structs.replace(capture, **{name: items[:MOST]})
    around = record.surroundings
    for name in ("links", "listings"):
        items = getattr(around, name)
        if len(items) > MOST:
            cut[f"surroundings.{name}"] = len(items) - MOST
            around = msgspec.structs.replace(around, **{name: items[:MOST]})
            changed["surroundings"] = around
    return (msgspec.structs.replace(record, **changed) if changed else record), cut
