"""Takes groups of small files into packs: only what no pack holds yet is read and written."""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

import msgspec

from py_mlops.data.contents import entries_of
from py_mlops.data.groups import Group, Member
from py_mlops.data.judge import Finding
from py_mlops.errors import Hostile, StoreError
from py_mlops.progress import Progress, Report, silent
from py_mlops.records import Blob, Tree
from py_mlops.records.manifest import Entry, encode, join
from py_mlops.store import Blobs, BlobWriter, StatCache
from py_mlops.store.blobs.intake import Look, identity
from py_mlops.store.blobs.touching import touch_all

PACK = 256 << 20
"""Bytes after which the next pack is begun."""

MOST_PACKS = 32
"""Older packs that a snapshot refers to; what lies in further ones is packed anew."""

_EVERY = 256
_UNSURE = (-1, -1, -1, -1, -1)
_RACY = 2_000_000_000


class _Place(NamedTuple):
    pack: Blob
    offset: int


@dataclass
class _Shelf:
    """What older packs hold.

    Attributes:
        places: By digest: where its bytes lie.
        unchanged: By path: how the file looked when it had a digest, and that digest.
        likely: By path and size, or name and size: a digest that the file probably has.
    """

    places: dict[str, _Place] = field(default_factory=dict)
    unchanged: dict[str, tuple[Look, str]] = field(default_factory=dict)
    likely: dict[tuple[str, int], str] = field(default_factory=dict)

    def add(self, tree: Tree, seen: Sequence[Look], blobs: Blobs) -> None:
        """Learn a tree, as far as the store still has it."""
        there = touch_all(blobs, [pack.digest for pack in tree.packs])
        held = [there.get(pack.digest) == pack for pack in tree.packs]
        entries = entries_of(tree, blobs)
        for number, entry in enumerate(entries):
            path = join(tree.folder, entry.path)
            if held[entry.pack]:
                place = _Place(tree.packs[entry.pack], entry.offset)
                self.places.setdefault(entry.sha256, place)
                for name in (path, path.rpartition("/")[2]):
                    self.likely.setdefault((name, entry.size), entry.sha256)
            if len(seen) == len(entries):
                self.unchanged.setdefault(path, (seen[number], entry.sha256))

    def keep_worthwhile(self, groups: Sequence[Group]) -> None:
        """Forget packs of which these files are less than half, and all but the fullest ones.

        A snapshot stands on whole packs: a bundle must not carry a folder of
        which one file was read, nor a record name thousands of packs.
        """
        used = {
            digest
            for group in groups
            for member in group.members
            if (digest := self._guess(group, member))
        }
        sizes = {digest: size for (_, size), digest in self.likely.items()}
        live = Counter[Blob]()
        for digest in used:
            live[self.places[digest].pack] += sizes[digest]
        worth = [pack for pack, size in live.most_common() if size * 2 >= pack.size]
        kept = set(worth[:MOST_PACKS])
        self.places = {key: place for key, place in self.places.items() if place.pack in kept}

    def _guess(self, group: Group, member: Member) -> str | None:
        path, size = join(group.folder, member.path), member.size
        return self.likely.get((path, size)) or self.likely.get((path.rpartition("/")[2], size))

    def find(self, group: Group, member: Member) -> str | None:
        """Return the digest of a file that is as it was and that lies in a pack."""
        known = self.unchanged.get(join(group.folder, member.path))
        return known[1] if known and known[0] == member.look and known[1] in self.places else None


def pack(
    groups: Sequence[Group],
    *,
    blobs: Blobs,
    writer: BlobWriter,
    cache: StatCache,
    known: Iterable[Tree] = (),
    report: Report = silent,
) -> tuple[list[Tree], list[Finding]]:
    """Take groups of files into the store.

    A group that is as it was is not read again. Otherwise the files that no
    older pack holds are read, and written into new packs.

    Args:
        groups: The files.
        blobs: The store's blobs.
        writer: Takes the new ones in.
        cache: What is known of files.
        known: Trees of an earlier snapshot, whose packs are likely to hold the files too.
        report: Told about progress.

    Returns:
        A tree for each group, and the files that changed or vanished meanwhile:
        they are in none.

    Raises:
        StoreUnavailable: When the store cannot be written.
    """
    trees = [_as_it_was(group, blobs, cache) for group in groups]
    changed = [group for group, tree in zip(groups, trees, strict=True) if tree is None]
    if not changed:
        return [tree for tree in trees if tree], []
    packing = _Packing(_shelf(changed, blobs, cache, known), report)
    packing.take(changed, writer)
    made = {id(group): packing.tree(group, writer, cache) for group in changed}
    both = (tree or made.get(id(group)) for group, tree in zip(groups, trees, strict=True))
    return [tree for tree in both if tree], packing.refused


def _as_it_was(group: Group, blobs: Blobs, cache: StatCache) -> Tree | None:
    tree = cache.find_tree(_fingerprint(group))
    if tree is None:
        return None
    stands_on = (tree.manifest, *tree.packs)
    held = touch_all(blobs, [blob.digest for blob in stands_on])
    whole = all(held.get(blob.digest) == blob for blob in stands_on)
    return _labelled(group, tree) if whole else None


def _labelled(group: Group, tree: Tree) -> Tree:
    return Tree(
        folder=group.folder, requested=group.requested, role=group.role, cell=group.cell,
        observed=group.observed, process=group.process, executable=group.executable,
        files=tree.files, size=tree.size, manifest=tree.manifest, packs=tree.packs,
    )  # fmt: skip


def _fingerprint(group: Group) -> str:
    """Return what changes when any file of a group does, or its name."""
    looks = [(member.path, member.look) for member in group.members]
    said = msgspec.msgpack.encode((group.role, group.folder, looks))
    return hashlib.sha256(said).hexdigest()


def _shelf(
    groups: Sequence[Group], blobs: Blobs, cache: StatCache, known: Iterable[Tree]
) -> _Shelf:
    shelf, done = _Shelf(), set[str]()
    near = chain.from_iterable(cache.trees_near(group.folder) for group in groups)
    for tree, seen in chain(near, ((tree, ()) for tree in known)):
        if tree.manifest.digest not in done:
            done.add(tree.manifest.digest)
            with suppress(StoreError, Hostile):  # one that is damaged or gone helps nobody
                shelf.add(tree, seen, blobs)
    shelf.keep_worthwhile(groups)
    return shelf


class _Packing:
    """One pass over the files of all groups."""

    def __init__(self, shelf: _Shelf, report: Report) -> None:
        self.refused: list[Finding] = []
        self._shelf = shelf
        self._report = report
        self._digests: dict[int, list[str | None]] = {}
        self._new: dict[str, tuple[int, int]] = {}
        self._packs: list[Blob] = []
        self._began_ns = time.time_ns()

    def take(self, groups: Sequence[Group], writer: BlobWriter) -> None:
        """Give every file its digest and its place."""
        pieces = self._pieces(groups)
        for first in pieces:
            rest = chain([first], self._until_full(len(first), pieces))
            self._packs.append(writer.put_pieces(rest))

    def tree(self, group: Group, writer: BlobWriter, cache: StatCache) -> Tree | None:
        """Return the tree of a group; ``None`` when none of its files is left."""
        numbers: dict[str, int] = {}
        packs: list[Blob] = []
        entries, stats = [], []
        racy, place = self._began_ns - _RACY, self._place
        dated = group.role == "input"
        for member, digest in zip(group.members, self._digests[id(group)], strict=True):
            if digest is None:
                continue
            pack, offset = place(digest)
            number = numbers.get(pack.digest)
            if number is None:
                number = numbers[pack.digest] = len(packs)
                packs.append(pack)
            look = member.look
            stats.append(_UNSURE if look[1] > racy or look[2] > racy else look)
            seen_ns = member.finding.seen.mtime_ns
            modified = str(seen_ns) if dated and seen_ns > 0 else ""
            entries.append(Entry(member.path, digest, look[0], number, offset, modified))
        if not entries:
            return None
        bare = Tree(
            folder=group.folder, requested="", role=group.role, cell=0, observed="audit-hook",
            process="", executable=False, files=len(entries),
            size=sum(entry.size for entry in entries),
            manifest=writer.put_bytes(encode(entries)), packs=packs,
        )  # fmt: skip
        sure = _UNSURE not in stats and len(entries) == len(group.members)
        cache.remember_tree(_fingerprint(group) if sure else "", bare, stats)
        return _labelled(group, bare)

    def _place(self, digest: str) -> _Place:
        if digest in self._new:
            number, offset = self._new[digest]
            return _Place(self._packs[number], offset)
        return self._shelf.places[digest]

    def _pieces(self, groups: Sequence[Group]) -> Iterator[bytes]:
        """Yield the content of every file that no pack holds yet."""
        total = sum(len(group.members) for group in groups)
        self._offset = done = 0
        new, shelf, sha256 = self._new, self._shelf, hashlib.sha256
        for group in groups:
            digests = self._digests[id(group)] = []
            for member in group.members:
                if done % _EVERY == 0:
                    self._report(Progress("data", group.requested or group.folder, done, total))
                done += 1
                digest = shelf.find(group, member) if shelf.unchanged else None
                data = None if digest else read(member)
                if data is not None:
                    digest = sha256(data).hexdigest()
                digests.append(digest)
                if digest is None:
                    self.refused.append(member.finding)
                    continue
                if data is None or digest in new or digest in shelf.places:
                    continue
                new[digest] = len(self._packs), self._offset
                self._offset += len(data)
                yield data

    def _until_full(self, size: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
        while size < PACK:
            piece = next(pieces, None)
            if piece is None:
                return
            size += len(piece)
            yield piece
        self._offset = 0


def read(member: Member) -> bytes | None:
    """Return a file's content, ``None`` when it is no longer the one that was judged."""
    path = member.finding.seen.path
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            data = _all(file, member.size)
            after = os.fstat(file)
        finally:
            os.close(file)
    except OSError:
        return None
    return data if len(data) == member.size and identity(after) == member.look else None


def _all(file: int, size: int) -> bytes:
    data = os.read(file, size + 1)
    while len(data) < size:
        more = os.read(file, size + 1 - len(data))
        if not more:
            break
        data += more
    return data
