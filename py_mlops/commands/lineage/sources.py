"""What one snapshot was made of, and by whom each of it was made: its record, and the index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from py_mlops.errors import Corrupt, StoreError
from py_mlops.records import Blob, Snapshot
from py_mlops.store.links import Maker
from py_mlops.workspace import Workspace

_HEX = re.compile(rb'"([0-9a-f]{64})"')

SourceKind = Literal["data", "folder", "code", "notebook", "answers", "peer"]


@dataclass(frozen=True)
class Made:
    """Who made something.

    Attributes:
        id: The first snapshot that made it.
        seq: Its row.
        files: Of a folder, how many of its files that one made; else 1.
        others: How many further snapshots made the very same bytes.
        later: Whether it was recorded only after the one that read it.
    """

    id: str
    seq: int
    files: int
    others: int
    later: bool


@dataclass(frozen=True)
class Source:
    """Something that a snapshot was made of.

    Attributes:
        kind: What it is; ``answers`` of a database or server are kept, of a ``peer`` nothing is.
        name: As the program wrote it, or its address.
        digest: The sha256 of its bytes; of a folder its manifest's; empty when not known.
        size: Its bytes.
        files: Of a folder, how many files; of answers, how many.
        cell: Execution count of the cell that first touched it; 0 for none.
        makers: Who made it, as far as the store knows; empty for raw data.
        model: Whether the model itself was loaded from it.
    """

    kind: SourceKind
    name: str
    digest: str
    size: int
    files: int
    cell: int
    makers: tuple[Made, ...] = ()
    model: bool = False


def sources_of(workspace: Workspace, seq: int, snapshot: Snapshot) -> list[Source]:
    """Return everything that a snapshot was made of, in its record's order.

    Args:
        workspace: The store; its index is up to date.
        seq: The snapshot's row.
        snapshot: The record.

    Returns:
        The sources, what was loaded or made by others with its makers.
    """
    plain = list(_plain(snapshot))
    digests = [one.digest for one in plain if one.digest and one.size and one.kind != "folder"]
    makers = workspace.store.lineage.makers(digests)
    folders = {
        one.digest: workspace.store.lineage.folder_makers(one.digest, 20)
        for one in plain
        if one.kind == "folder"
    }
    rows = workspace.store.ledger.at(
        [one.seq for one in makers.values()]
        + [maker for found in folders.values() for maker, _ in found]
    )

    def made(maker: int, files: int, count: int) -> Made:
        row = rows[maker]
        return Made(row.record, maker, files, count - 1, maker > seq)

    def of(one: Source) -> tuple[Made, ...]:
        if one.kind == "folder":
            found = folders[one.digest]
            return tuple(made(maker, files, 1) for maker, files in found if maker != seq)
        maker: Maker | None = makers.get(one.digest)
        if maker is None or maker.seq == seq:
            return ()
        return (made(maker.seq, 1, maker.count),)

    return [Source(**{**vars(one), "makers": of(one)}) if one.digest else one for one in plain]


def _plain(snapshot: Snapshot) -> Iterator[Source]:
    loaded = snapshot.model.loaded_from if snapshot.model else None
    for one in snapshot.data:
        if one.role == "input":
            digest, size = _whole(one.blobs)
            model = loaded is not None and loaded in {one.path, one.requested}
            yield Source("data", one.requested, digest, size, 1, one.cell, model=model)
    for tree in snapshot.trees:
        if tree.role == "input":
            name = tree.requested or tree.folder
            yield Source("folder", name, tree.manifest.digest, tree.size, tree.files, tree.cell)
    asked: dict[str, list[int]] = {}
    for answer in snapshot.answers:
        asked.setdefault(answer.source, []).append(answer.blob.size)
    for source, sizes in asked.items():
        yield Source("answers", source, "", sum(sizes), len(sizes), 0)
    for peer in snapshot.capture.external:
        address = f"{peer.host}:{peer.port}" if peer.port else peer.host
        yield Source("peer", address, "", 0, 0, peer.cell)
    program = snapshot.program
    if program.saved is not None:
        name = program.notebook or "notebook"
        yield Source("notebook", name, program.saved.digest, program.saved.size, 1, 0)
    for module in program.modules:
        yield Source("code", module.path, module.blob.digest, module.blob.size, 1, 0)


def _whole(blobs: list[Blob]) -> tuple[str, int]:
    """Return the digest of a file's content, where it is one blob, and its size."""
    return (blobs[0].digest if len(blobs) == 1 else ""), sum(blob.size for blob in blobs)


def made_as(workspace: Workspace, snapshot: Snapshot, source: Source) -> str | None:
    """Return by what name a snapshot made a source, as its record proves; ``None``: it did not.

    Args:
        workspace: Where manifests are.
        snapshot: The record of who is said to have made it.
        source: What it is said to have made; of a folder, some of its files.
    """
    wanted = {source.digest[7:]}
    if source.kind == "folder":
        wanted = _digests_in(workspace, source.digest)
    for one in snapshot.data:
        if one.role == "output" and any(blob.digest[7:] in wanted for blob in one.blobs):
            return one.requested
    for artifact in snapshot.model.artifacts if snapshot.model else []:
        if artifact.blob.digest[7:] in wanted:
            return f"its model ({artifact.format})"
    for tree in snapshot.trees:
        if tree.role == "output" and wanted & _digests_in(workspace, tree.manifest.digest):
            return tree.requested or tree.folder
    return None


def read_as(workspace: Workspace, snapshot: Snapshot, digest: str) -> str | None:
    """Return by what name a snapshot used some bytes, as its record proves; ``None``: it did not.

    Args:
        workspace: Where manifests are.
        snapshot: The record of who is said to have used them.
        digest: Their sha256.
    """
    for source in _plain(snapshot):
        if source.digest == digest:
            return source.name
    for one in snapshot.data:  # of several blobs, or one that it also made
        if any(blob.digest == digest for blob in one.blobs):
            return one.requested
    for package in snapshot.environment.distributions:
        kept = package.kept.blob.digest if package.kept else f"sha256:{package.sha256}"
        if kept == digest:
            return f"package {package.name} {package.version}"
    for tree in snapshot.trees:
        if digest[7:] in _digests_in(workspace, tree.manifest.digest):
            return tree.requested or tree.folder
    return None


def _digests_in(workspace: Workspace, manifest: str) -> set[str]:
    """Return the digests that a manifest names; none where it cannot be read."""
    try:
        data = workspace.store.blobs.read(manifest)
    except StoreError:
        return set()
    return {found.decode() for found in _HEX.findall(data)}


def altered(identifier: str) -> Corrupt:
    """Return the error of an index that says of a record what the record does not say."""
    return Corrupt(
        f"The index of lineage says of {identifier[7:19]} what its record does not say.",
        hint="The index was altered: `mlops verify` tells, `mlops verify --rebuild` mends it.",
    )
