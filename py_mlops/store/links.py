"""What the index of lineage answers, stated as a contract."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from py_mlops.progress import Report, silent
from py_mlops.store.edges import Point, Role


@dataclass(frozen=True)
class Maker:
    """Who made some bytes.

    Attributes:
        seq: The row of the first snapshot that made them.
        count: How many snapshots made the very same bytes.
    """

    seq: int
    count: int


@dataclass(frozen=True)
class Use:
    """How a record is linked with something.

    Attributes:
        seq: The record's row.
        role: What it is linked as.
        name: By what name; of a file in a folder the folder's.
        folder: Digest of the folder's manifest; empty for a file by itself.
    """

    seq: int
    role: Role
    name: str
    folder: str = ""


@dataclass(frozen=True)
class Consumer:
    """A snapshot that read what something made.

    Attributes:
        seq: The snapshot's row.
        files: How many different files it read of it.
        example: Digest of one of them.
    """

    seq: int
    files: int
    example: str


class Lineage(Protocol):
    """What the records link, indexed; it follows from them, and only finds: they prove."""

    def catch_up(self, *, report: Report = silent) -> None:
        """Index every row of the log that is not indexed yet.

        Raises:
            StoreUnavailable: When database or blobs do not answer.
        """
        ...

    def keep_up(self) -> None:
        """Index the newest rows if that is little work; else leave it to `catch_up`."""
        ...

    def forget(self) -> None:
        """Empty the index, so that it is made anew."""
        ...

    def gaps(self) -> list[str]:
        """Return a sentence for each record that could not be indexed as a whole."""
        ...

    def makers(self, digests: Sequence[str]) -> dict[str, Maker]:
        """Return who made each of some bytes, by digest; bytes that nobody made are left out."""
        ...

    def folder_makers(self, manifest: str, limit: int) -> list[tuple[int, int]]:
        """Return who made the files of a folder that was read: rows, and how many files each."""
        ...

    def uses(self, point: Point, limit: int) -> list[Use]:
        """Return the records that something is linked with, either way, the oldest first."""
        ...

    def consumers(self, point: Point, limit: int) -> tuple[int, list[Consumer]]:
        """Return how many snapshots read a file, or a snapshot's outputs; and the first of them."""
        ...

    def upstream(self, point: Point, limit: int) -> list[int]:
        """Return the rows of all snapshots that something came from, however far back."""
        ...

    def downstream(self, point: Point, limit: int) -> list[int]:
        """Return the rows of all snapshots that came from something, however far on."""
        ...

    def differences(self) -> Iterable[str]:
        """Compute the index again and yield a sentence for everything wrong in it."""
        ...
