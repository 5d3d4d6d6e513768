"""A snapshot's files and their verified bytes, be they objects of their own or lie in packs."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

from py_mlops.errors import Corrupt, StoreUnavailable
from py_mlops.records import Blob, DataFile, Snapshot, Tree, digest_of
from py_mlops.records.manifest import LARGEST, Entry, decode, join
from py_mlops.store.base import Blobs

_HINT = "Restore it from a backup or from a bundle, or take the snapshot again."


class _Place(NamedTuple):
    pack: str
    offset: int
    size: int
    name: str


class Contents:
    """The files of a snapshot, each as a `DataFile`, and their bytes by digest.

    Close it when done; it keeps the packs open that it read from.

    Attributes:
        files: Those of the record, then those of its trees.
    """

    def __init__(self, blobs: Blobs, snapshot: Snapshot) -> None:
        """Read the manifests, not the packs.

        Args:
            blobs: Where the bytes are.
            snapshot: Whose.

        Raises:
            Hostile, Corrupt, Missing: When a manifest is not what it must be.
        """
        self._blobs = blobs
        self._places: dict[str, _Place] = {}
        self._packs: dict[str, BinaryIO] = {}
        self.files = list(snapshot.data)
        for tree in snapshot.trees:
            for entry in entries_of(tree, blobs):
                file = as_file(tree, entry)
                self.files.append(file)
                pack = tree.packs[entry.pack].digest
                place = _Place(pack, entry.offset, entry.size, file.requested)
                self._places.setdefault(file.blobs[0].digest, place)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the packs."""
        while self._packs:
            _, pack = self._packs.popitem()
            with suppress(OSError):
                pack.close()

    def read(self, digest: str) -> bytes:
        """Return a file's bytes, verified.

        Raises:
            Corrupt: When they are not what the digest says, naming the file.
            Missing: When they are gone.
            StoreUnavailable: When the disk does not give them.
        """
        place = self._places.get(digest)
        if place is None:
            return self._blobs.read(digest)
        data = self._read(place)
        if digest_of(data) != digest:
            raise Corrupt(
                f"{place.name}: its bytes in the pack {place.pack[7:19]} are no longer what their "
                f"digest {digest[:19]}… says.",
                hint=_HINT,
            )
        return data

    def open(self, digest: str) -> BinaryIO:
        """Open a file's bytes, as `Blobs.open`; those of a pack are verified already."""
        if digest in self._places:
            return io.BytesIO(self.read(digest))
        return self._blobs.open(digest)

    def copy_to(self, digest: str, target: Path) -> None:
        """Write a verified copy of a file, as `Blobs.copy_to`."""
        if digest not in self._places:
            self._blobs.copy_to(digest, target)
            return
        data = memoryview(self.read(digest))
        file = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            while data:
                data = data[os.write(file, data) :]
        except BaseException:
            with suppress(OSError):
                target.unlink()
            raise
        finally:
            os.close(file)

    def _read(self, place: _Place) -> bytes:
        try:
            pack = self._packs.get(place.pack)
            if pack is None:
                pack = self._packs[place.pack] = self._blobs.open(place.pack)
            pack.seek(place.offset)
            return pack.read(place.size)
        except OSError as error:
            raise StoreUnavailable(
                f"{place.name} cannot be read from its pack: {error.strerror or error}.",
                hint="Check the disk; restore the object from a backup.",
            ) from error


def entries_of(tree: Tree, blobs: Blobs) -> list[Entry]:
    """Return a tree's files.

    Raises:
        Hostile, Corrupt, Missing: When its manifest is not what it must be.
    """
    if tree.manifest.size > LARGEST:
        raise Corrupt(f"The manifest of {tree.folder} is too large to be one.", hint=_HINT)
    return decode(tree, blobs.read(tree.manifest.digest))


def as_file(tree: Tree, entry: Entry) -> DataFile:
    """Return one file of a tree as a record would have it by itself."""
    return DataFile(
        path=join(tree.folder, entry.path),
        requested=join(tree.requested, entry.path),
        role=tree.role,
        rewritten=False,
        cell=tree.cell,
        observed=tree.observed,
        process=tree.process,
        modified=entry.modified,
        executable=tree.executable,
        blobs=[Blob(digest=f"sha256:{entry.sha256}", size=entry.size)],
    )


def damaged(pack: Blob, trees: Sequence[Tree], blobs: Blobs) -> Iterator[str]:
    """Yield the sentence of every file whose bytes in a damaged pack are not its own.

    Args:
        pack: The pack.
        trees: Trees that may name it.
        blobs: Where it is.
    """
    for tree in trees:
        if pack not in tree.packs:
            continue
        with suppress(Corrupt), blobs.open(pack.digest) as stream:
            for entry in entries_of(tree, blobs):
                if tree.packs[entry.pack] != pack:
                    continue
                stream.seek(entry.offset)
                if digest_of(stream.read(entry.size)) != f"sha256:{entry.sha256}":
                    yield (
                        f"{join(tree.requested, entry.path)} in the pack {pack.digest[7:19]} is "
                        "no longer what its digest says."
                    )
