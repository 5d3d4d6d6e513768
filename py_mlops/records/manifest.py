"""A tree's manifest: the name, digest and place of every file in its packs, a line each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

import msgspec

from py_mlops.errors import Corrupt, Hostile
from py_mlops.records.tree import Tree

LARGEST = 1 << 30
"""Bytes that a manifest may have; a million names of a thousand bytes each."""

_Natural = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
_Digits = Annotated[str, msgspec.Meta(pattern=r"^(?:\d{1,19})?\Z")]
_Hex = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


class Entry(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One file of a tree.

    Attributes:
        path: Below the tree's folder, normal.
        sha256: Of its content, 64 hexadecimal digits.
        size: Its length in bytes.
        pack: Which of the tree's packs holds it, from 0.
        offset: Where in the pack it begins.
        modified: As `DataFile.modified`.
    """

    path: str
    sha256: _Hex
    size: _Natural
    pack: _Natural
    offset: _Natural
    modified: _Digits


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Entry)


def encode(entries: Iterable[Entry]) -> bytes:
    """Return a manifest's bytes: each entry as a JSON array on a line of its own.

    Args:
        entries: Sorted by path, no path twice.
    """
    return _encoder.encode_lines(entries)


def decode(tree: Tree, data: bytes) -> list[Entry]:
    """Read a manifest and check everything in it that could do harm.

    Args:
        tree: Whose; hostile as well.
        data: The manifest's bytes, which match their digest; hostile until they pass.

    Returns:
        The entries.

    Raises:
        Hostile: When a name could lead out of the folder.
        Corrupt: When it is not what we write: another encoding, another number
            of files, a name twice, places outside of a pack or over each other.
    """
    # Before it is decoded: a record that says a thousand files does not make us hold ten million.
    if len(data) > LARGEST or data.count(b"\n") != tree.files:
        raise _corrupt(tree, f"it does not name {tree.files:,} files")
    try:
        entries = _decoder.decode_lines(data)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise _corrupt(tree, str(error)) from error
    if encode(entries) != data:
        raise _corrupt(tree, "it is not in canonical form")
    _check_names(tree, entries)
    _check_places(tree, entries)
    if sum(entry.size for entry in entries) != tree.size:
        raise _corrupt(tree, f"its files are not {tree.size:,} bytes together")
    return entries


def join(folder: str, path: str) -> str:
    """Return the path of something below a folder; an empty folder adds nothing."""
    return f"{folder.rstrip('/')}/{path}" if folder else path


def _check_names(tree: Tree, entries: Sequence[Entry]) -> None:
    before, folders, files = "", set[str](), {entry.path for entry in entries}
    for entry in entries:
        path = entry.path
        # One search instead of a split: there are many of them, and nearly all are plain.
        if "/" in path or path in {"", ".", ".."}:
            folder = path.rpartition("/")[0]
            if folder not in folders:
                _check_folder(tree, path, folder, files)
                folders.add(folder)
            if path.rpartition("/")[2] in {"", ".", ".."}:
                raise _hostile(tree, path)
        if "\0" in path:
            raise _hostile(tree, path)
        if path <= before:
            raise _corrupt(tree, f"{path!r} is there twice, or not in its order")
        before = path


def _check_folder(tree: Tree, path: str, folder: str, files: set[str]) -> None:
    parts = folder.split("/")
    if not {"", ".", ".."}.isdisjoint(parts):
        raise _hostile(tree, path)
    above = {"/".join(parts[:end]) for end in range(1, len(parts) + 1)}
    if found := above & files:
        raise _corrupt(tree, f"{min(found)!r} is both a file and a folder")


def _check_places(tree: Tree, entries: Iterable[Entry]) -> None:
    """Two files may lie at the very same place, being equal; otherwise none may overlap."""
    places = sorted({(entry.pack, entry.offset, entry.size, entry.sha256) for entry in entries})
    pack, end = -1, 0
    for number, offset, size, digest in places:
        if number >= len(tree.packs) or offset + size > tree.packs[number].size:
            raise _corrupt(tree, f"{digest[:12]} lies beyond its pack")
        if number == pack and offset < end:
            raise _corrupt(tree, f"{digest[:12]} lies over another file")
        pack, end = number, offset + size


def _hostile(tree: Tree, path: str) -> Hostile:
    return Hostile(
        f"The record says that {tree.folder} holds a file called {path!r}.",
        hint="Do not use this snapshot; ask its author where it came from.",
    )


def _corrupt(tree: Tree, why: str) -> Corrupt:
    return Corrupt(
        f"The manifest of {tree.folder} cannot be used: {why}.",
        hint="Run `mlops verify` to see what else is damaged, and restore the object from a "
        "backup or from the bundle it came with.",
    )
