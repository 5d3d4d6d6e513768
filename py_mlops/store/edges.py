"""What went into what, as one record tells it: files into programs, programs into files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple

from py_mlops.records import (
    AnyRecord,
    Author,
    Blob,
    Distribution,
    Reproduction,
    Snapshot,
    Tree,
    is_digest,
)

Kind = Literal[
    "snapshot", "act", "file", "folder-read", "folder-made", "wheels", "origin", "person"
]
"""``act``: a record that is no snapshot; a folder is a tree's manifest, an origin an address."""

Role = Literal[
    "read",
    "made",
    "model",
    "code",
    "notebook",
    "member",
    "environment",
    "asked",
    "reached",
    "rerun",
    "did",
]
"""What the source was to the target: data it read, a file it made, its model, a module, …"""

_NAME = 400


class Point(NamedTuple):
    """One end of a link.

    Attributes:
        kind: What it is.
        key: 32 bytes: the sha256 that names it.
    """

    kind: Kind
    key: bytes


class Link(NamedTuple):
    """Something that went into something.

    Attributes:
        source: What went in.
        target: What came out.
        role: What the source was to it.
        name: By what name, for people; may be empty.
    """

    source: Point
    target: Point
    role: Role
    name: str


def key_of(digest: str) -> bytes:
    """Return a digest's 32 bytes."""
    return bytes.fromhex(digest.removeprefix("sha256:"))


def person(name: str) -> Point:
    """Return the point of a person, by their name or address."""
    return Point("person", hashlib.sha256(name.strip().casefold().encode()).digest())


def origin(address: str) -> Point:
    """Return the point of a database or server, by its address without credentials."""
    return Point("origin", hashlib.sha256(address.strip().encode()).digest())


def file(digest: str) -> Point:
    """Return the point of some bytes."""
    return Point("file", key_of(digest))


def links_of(
    record: AnyRecord,
    identifier: str,
    members: Callable[[Tree], Iterable[str] | None],
) -> list[Link]:
    """Return what one record links.

    Empty files link nothing: they are all the same, and say nothing of where they came from.

    Args:
        record: The record; everything in it may be hostile.
        identifier: Its id.
        members: Gets a tree, and returns the digests of its files that are not
            empty; ``None`` when its members are linked already.

    Returns:
        The links, each once; what went in by several names has the first of them.
    """
    links: dict[tuple[Point, Point, Role], Link] = {}
    for link in _links(record, identifier, members):
        links.setdefault((link.source, link.target, link.role), link)
    return list(links.values())


def _links(
    record: AnyRecord, identifier: str, members: Callable[[Tree], Iterable[str] | None]
) -> Iterator[Link]:
    me = Point("snapshot" if isinstance(record, Snapshot) else "act", key_of(identifier))
    author = getattr(record, "author", None)
    if isinstance(author, Author):
        yield from _people(author, me)
    if isinstance(record, Reproduction) and record.notebook is not None:
        yield from _made(me, [record.notebook], "rerun", "")
    if isinstance(record, Snapshot):
        yield from _data(record, me)
        for tree in record.trees:
            yield from _tree(tree, me, members)
        yield from _program(record, me)
        yield from _environment(record.environment.distributions, me)
        yield from _elsewhere(record, me)
        if record.model is not None:
            for artifact in record.model.artifacts:
                yield from _made(me, [artifact.blob], "model", artifact.format)


def _people(author: Author, me: Point) -> Iterator[Link]:
    for name in (author.name, author.email or ""):
        if name.strip():
            yield Link(person(name), me, "did", _short(name))


def _data(snapshot: Snapshot, me: Point) -> Iterator[Link]:
    for one in snapshot.data:
        if one.role == "input":
            yield from _read(me, one.blobs, "read", one.requested)
        else:
            yield from _made(me, one.blobs, "made", one.requested)


def _tree(tree: Tree, me: Point, members: Callable[[Tree], Iterable[str] | None]) -> Iterator[Link]:
    listed = members(tree)
    name = _short(tree.requested or tree.folder)
    if tree.role == "input":
        folder = Point("folder-read", key_of(tree.manifest.digest))
        yield Link(folder, me, "read", name)
        yield from (Link(file(one), folder, "member", "") for one in listed or ())
    else:
        folder = Point("folder-made", key_of(tree.manifest.digest))
        yield Link(me, folder, "made", name)
        yield from (Link(folder, file(one), "member", "") for one in listed or ())


def _program(snapshot: Snapshot, me: Point) -> Iterator[Link]:
    program = snapshot.program
    if program.saved is not None:
        yield from _read(me, [program.saved], "notebook", program.notebook or "")
    for module in program.modules:
        yield from _read(me, [module.blob], "code", module.path)


def _environment(distributions: Iterable[Distribution], me: Point) -> Iterator[Link]:
    """Link wheels through the set of them, which many snapshots share."""
    wheels = set()
    for one in distributions:
        digest = one.kept.blob.digest if one.kept else f"sha256:{one.sha256}"
        if is_digest(digest):
            wheels.add(key_of(digest))
    if wheels:
        together = Point("wheels", hashlib.sha256(b"".join(sorted(wheels))).digest())
        yield Link(together, me, "environment", "")
        yield from (Link(Point("file", key), together, "member", "") for key in sorted(wheels))


def _elsewhere(snapshot: Snapshot, me: Point) -> Iterator[Link]:
    asked = [answer for answer in snapshot.answers if answer.kind != "input"]
    for source in dict.fromkeys(answer.source for answer in asked):
        yield Link(origin(source), me, "asked", _short(source))
    for peer in snapshot.capture.external:
        address = f"{peer.host}:{peer.port}" if peer.port else peer.host
        yield Link(origin(address), me, "reached", _short(address))


def _read(me: Point, blobs: Iterable[Blob], role: Role, name: str) -> Iterator[Link]:
    for blob in blobs:
        if blob.size:
            yield Link(file(blob.digest), me, role, _short(name))


def _made(me: Point, blobs: Iterable[Blob], role: Role, name: str) -> Iterator[Link]:
    for blob in blobs:
        if blob.size:
            yield Link(me, file(blob.digest), role, _short(name))


def _short(name: str) -> str:
    """Return a name that every database can hold."""
    return name.replace("\0", "\\0")[:_NAME]
