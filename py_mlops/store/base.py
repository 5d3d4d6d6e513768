"""What any store can do: the contracts that a folder, a bucket or a database each fulfil."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from py_mlops.records import Blob, LogSignature, PublicKey, Signature
from py_mlops.store.links import Lineage


class BlobWriter(Protocol):
    """Takes bytes in."""

    def put_bytes(self, data: bytes) -> Blob:
        """Store some bytes and return their name; storing them again is free."""
        ...

    def put_pieces(self, pieces: Iterable[bytes]) -> Blob:
        """Store some pieces, one behind the other, as one blob and return its name.

        They are asked for one by one, and never held all at once.
        """
        ...

    def put_file(self, path: Path) -> Blob:
        """Store a copy of a file and return its name.

        The digest is of the copy, so that it is true of what the store holds
        even while someone writes to the file.

        Raises:
            FileGone: When there is no such file.
            FileChanged: When the file changed while it was being copied.
            StoreUnavailable: When the store's disk is full, read-only or failing.
        """
        ...


class Blobs(BlobWriter, Protocol):
    """Bytes under the names of their digests; written once, never changed."""

    def batch(self) -> AbstractContextManager[BlobWriter]:
        """Return a writer whose blobs become durable together when it closes.

        Nothing put through it may be referred to before it has closed.
        """
        ...

    def has(self, digest: str) -> bool:
        """Say whether the store holds these bytes, without reading them."""
        ...

    def open(self, digest: str) -> BinaryIO:
        """Open a blob for reading, unverified; for callers that hash as they go.

        Raises:
            Missing: When the store does not hold it.
        """
        ...

    def read(self, digest: str) -> bytes:
        """Return a blob's bytes, verified against the digest.

        Raises:
            Missing: When the store does not hold it.
            Corrupt: When the bytes are not what the digest says.
        """
        ...

    def copy_to(self, digest: str, target: Path) -> None:
        """Write a verified copy of a blob to a new file.

        Nothing is left at ``target`` when it fails.

        Raises:
            Missing, Corrupt: As for `read`.
        """
        ...

    def __iter__(self) -> Iterator[Blob]:
        """Iterate over every blob, in no order."""
        ...

    def touch(self, digest: str) -> Blob | None:
        """Keep a blob from the garbage collector for another grace period.

        Returns:
            The blob as the store holds it; ``None`` when it does not, or when
            it cannot be kept, so that it must be put again.
        """
        ...

    def stale(self, seconds: float) -> Iterator[Blob]:
        """Iterate over the blobs that were not put or touched for so long."""
        ...

    def delete(self, digest: str, *, idle: float = 0) -> bool:
        """Remove a blob, unless it was put or touched in the last ``idle`` seconds.

        For the garbage collector only.

        Returns:
            Whether it was removed.
        """
        ...

    def sweep_tmp(self, older_than_seconds: float, *, dry_run: bool = False) -> list[str]:
        """Remove what interrupted writers left behind and return its names."""
        ...


@dataclass(frozen=True)
class Entry:
    """A row for the ledger.

    Attributes:
        record: The record's id; its bytes are already in the blobs.
        kind: The record's kind, ``snapshot``.
        subject: What it is about, for lists: a model's name, a snapshot's id,
            a head's name.
        author: The author's name.
        time: The record's ``created``.
    """

    record: str
    kind: str
    subject: str
    author: str
    time: str


@dataclass(frozen=True)
class Row(Entry):
    """An entry in its place in the ledger.

    Attributes:
        seq: Its position, from 0, without gaps.
        move: The head's move that was appended with it, if one was.
    """

    seq: int
    move: Move | None = None


@dataclass(frozen=True)
class Move:
    """A head's move from one record to another.

    Attributes:
        head: Its name, ``digits@main``.
        previous: What the caller saw it point at; ``None`` for a new head.
        target: What it shall point at.
    """

    head: str
    previous: str | None
    target: str


@dataclass(frozen=True)
class Mark:
    """A checkpoint of the log that lies among the blobs.

    Attributes:
        size: How many rows of the log it is of.
        record: Its id.
    """

    size: int
    record: str


Sign = Callable[[str, int, bytes, int], LogSignature | None]
"""Signs what the log has become: the store's name, its size, its root, and how many rows of
it were appended just now."""


class Signer(Protocol):
    """Signs in the name of the person who works with a store."""

    def log_key(self, created: str) -> PublicKey | None:
        """Return what announces their key for the log; ``None`` when they have none."""
        ...

    def sign_log(self, store: str, size: int, root: bytes, appended: int) -> LogSignature | None:
        """Sign what the log has become, see `Sign`."""
        ...

    def sign_act(self, record: bytes, created: str) -> tuple[PublicKey, Signature] | None:
        """Sign one of their acts; ``None`` when they have no key for that."""
        ...


class Ledger(Protocol):
    """The append-only Merkle log (RFC 6962) of records, and the named heads."""

    def append(
        self, entries: Sequence[Entry], move: Move | None = None, sign: Sign | None = None
    ) -> list[Row]:
        """Append rows, move a head and sign, all or nothing, durable on return.

        An entry whose record the log holds already is not appended twice; its
        present row is returned (a repeated write after a lost answer is safe).

        Raises:
            HeadMoved: When the head does not point at ``move.previous``;
                nothing was appended.
            StoreUnavailable: When the database is locked, full or failing.
        """
        ...

    def turn(self, name: str) -> AbstractContextManager[str | None]:
        """Wait for one's turn at a head, so that moving it is not lost to others who wait.

        The block gets what the head then points at, as `head` says it; within
        it, append with a move. Correctness does not depend on it: it spares
        the losers of a race.
        """
        ...

    def listening(self) -> AbstractAsyncContextManager[Callable[[float], Awaitable[bool]]]:
        """Hear when the log has grown, where a server keeps it; who watches a file needs it not.

        Within the block, wait for a message for so many seconds at most. Ask
        now and then all the same: nobody promises that a message arrives.

        Raises:
            StoreUnavailable: When the server takes no listeners, or is gone;
                also while one waits.
        """
        ...

    def head(self, name: str) -> str | None:
        """Return what a head points at, ``None`` when there is no such head."""
        ...

    def heads(self) -> dict[str, str]:
        """Return every head and what it points at, by name."""
        ...

    def find(self, prefix: str, limit: int = 3) -> list[Row]:
        """Return rows whose record id's hex begins with ``prefix``, oldest first."""
        ...

    def newest(
        self,
        *,
        kind: str | None = None,
        subject: str | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> list[Row]:
        """Return a page of rows, newest first.

        Args:
            kind: Only this kind.
            subject: Only this subject.
            before: Only rows before this position: the last page's last ``seq``.
            limit: At most so many.

        Raises:
            Corrupt: When a row is not what was appended.
        """
        ...

    def rows(self, start: int = 0) -> Iterator[Row]:
        """Iterate over the whole log from a position on, in pages.

        Raises:
            Corrupt: When a row is not what was appended.
        """
        ...

    def at(self, seqs: Iterable[int]) -> dict[int, Row]:
        """Return rows of the log by their positions; those that are not there are left out.

        Raises:
            Corrupt: When a row is not what was appended.
        """
        ...

    def moves_to(self, record: str, limit: int = 50) -> list[Row]:
        """Return the heads' moves to a record, the oldest first."""
        ...

    def salvage(self) -> Iterator[tuple[Row, bool]]:
        """Iterate over the log as it stands, for those who look for damage.

        Yields:
            Each row, and whether it is what was appended; the fields of one
            that is not may hold anything.

        Raises:
            Corrupt: When the database does not give the rest.
        """
        ...

    def size(self) -> int:
        """Return how many rows the log has."""
        ...

    def root(self, size: int | None = None) -> bytes:
        """Return the Merkle tree hash of the first ``size`` rows (all by default)."""
        ...

    def inclusion(self, seq: int, size: int | None = None) -> list[bytes]:
        """Return the audit path that proves a row's place in the first ``size`` rows."""
        ...

    def consistency(self, first: int, second: int | None = None) -> list[bytes]:
        """Return the proof that the log of ``second`` rows extends that of ``first``."""
        ...

    def verify(self) -> Iterable[str]:
        """Recompute the whole log and yield a sentence for everything wrong in it."""
        ...

    def signatures(self, above: int = 0) -> list[LogSignature]:
        """Return the signatures over the log of more than ``above`` rows, the smallest first.

        Raises:
            Corrupt: When one is not what any signer writes.
        """
        ...

    def name(self) -> str:
        """Return the store's own name, drawn when its ledger was made."""
        ...

    def marks(self, *, most: int | None = None, limit: int | None = None) -> list[Mark]:
        """Return the checkpoints that were noted, the newest first.

        Args:
            most: Only those of at most so many rows.
            limit: At most so many.
        """
        ...

    def note(self, mark: Mark, *, every: int) -> list[Mark]:
        """Note that a checkpoint lies among the blobs.

        Args:
            mark: The checkpoint; its bytes are durable.
            every: Those of a multiple of so many rows are kept for good.

        Returns:
            Those that are superseded, and forgotten here: older ones, or this
            one when a newer one was noted meanwhile.
        """
        ...

    def lineage(self, blobs: Blobs) -> Lineage:
        """Return the index of what its records link.

        Args:
            blobs: Where the records lie.
        """
        ...

    def close(self) -> None:
        """Release the database."""
        ...
