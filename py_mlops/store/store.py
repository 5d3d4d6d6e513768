"""A store: blobs and the ledger of the records among them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from py_mlops.errors import InputError, Missing, StoreError
from py_mlops.records import (
    AnyRecord,
    Author,
    Checkpoint,
    HeadMove,
    History,
    Hold,
    Import,
    PredictionSegment,
    PublicKey,
    Record,
    Redaction,
    Reproduction,
    Signature,
    Snapshot,
    decode,
    encode,
    is_digest,
    record_id,
)
from py_mlops.store import checkpoints
from py_mlops.store.base import Blobs, Entry, Ledger, Move, Row, Signer
from py_mlops.store.blobs.statcache import StatCache
from py_mlops.store.ledger.indexing import KEEPING_UP
from py_mlops.store.links import Lineage
from py_mlops.store.reach import reachable
from py_mlops.store.reference import resolve

R = TypeVar("R", bound=Record)

Act = (
    Snapshot
    | Reproduction
    | HeadMove
    | Import
    | PublicKey
    | Signature
    | PredictionSegment
    | Redaction
    | Hold
)
"""The records that have a row in the ledger; a `History` is only a blob of its snapshot."""


@dataclass(frozen=True)
class Store:
    """Blobs, ledger and stat cache that belong together.

    Attributes:
        blobs: Bytes by digest.
        ledger: The log of records, and the heads.
        stat_cache: Digests of files that have not changed.
        folder: Its folder on this machine: all of a folder's store, and of a
            team's the stat cache.
        signer: Signs what is added; ``None`` when nothing is to be signed.
    """

    blobs: Blobs
    ledger: Ledger
    stat_cache: StatCache
    folder: Path
    signer: Signer | None = None

    def add(
        self,
        record: Act,
        *,
        after: Sequence[Import] = (),
        head: str | None = None,
        previous: str | None = None,
        author: Author | None = None,
        created: str | None = None,
        reason: str = "",
    ) -> Row:
        """Add a record, and in the same act what brought it here and a head's move to it.

        Bytes come first and rows last, so a crash leaves unreferenced bytes and
        never a record without its bytes. Adding a record again is free. A
        `HeadMove` moves the head it is about.

        Args:
            record: The record; every blob it names is in the store already.
            after: Imports that brought it here; the log has them before it, and
                all of them or none.
            head: Head to move to it, ``digits@main``.
            previous: What the caller saw the head point at; ``None`` when new.
            author: Who moves the head; the record's author by default.
            created: When the head moves; when the record was made by default.
            reason: Why the head moves; the record's kind by default.

        Returns:
            The record's row.

        Raises:
            HeadMoved: When the head does not point at ``previous``; nothing was
                entered.
            StoreUnavailable: When the store cannot be written.
        """
        acts: list[Act] = [*after, record]
        if head is not None:
            acts.append(
                HeadMove(
                    head=head,
                    previous=previous,
                    target=record_id(record),
                    created=created or record.created,
                    author=author or record.author,
                    reason=reason or kind_of(record),
                )
            )
        if isinstance(record, HeadMove):
            self._check_target(record)
        acts = [*self._signed(acts[-1]), *acts]
        with self.blobs.batch() as writer:
            entries = [entry_of(act, writer.put_bytes(encode(act)).digest) for act in acts]
        sign = self.signer.sign_log if self.signer is not None else None
        rows = self.ledger.append(entries, move_of(acts[-1]), sign)
        row = rows[acts.index(record)]
        with suppress(StoreError):  # the record is safe in the ledger; the next add makes up for it
            checkpoints.export(self.blobs, self.ledger)
            if row.seq % KEEPING_UP < len(acts):
                self.lineage.keep_up()
        return row

    @property
    def lineage(self) -> Lineage:
        """The index of what its records link."""
        return self.ledger.lineage(self.blobs)

    def get(self, identifier: str) -> AnyRecord:
        """Return a record, its bytes verified and strictly decoded.

        Raises:
            Missing: When the store does not hold it.
            Corrupt: When the bytes are damaged or no record.
        """
        return decode(self.blobs.read(identifier))

    def get_as(self, identifier: str, kind: type[R]) -> R:
        """Return a record of one kind.

        Raises:
            InputError: When it is a record of another kind.
            Missing, Corrupt: As for `get`.
        """
        record = self.get(identifier)
        if not isinstance(record, kind):
            raise InputError(
                f"{identifier} is of kind {kind_of(record)}, not {kind.__struct_config__.tag}.",
                hint="Look at it with `mlops show`, or name another record.",
            )
        return record

    def resolve(self, reference: str, kinds: Collection[str] = ("snapshot",)) -> str:
        """Return the id of the record a reference names, see `reference.resolve`.

        Raises:
            UnknownReference: When nothing or more than one record goes by it.
        """
        return resolve(self.ledger, reference, kinds)

    def reachable(self, identifier: str) -> set[str]:
        """Return the digest of every blob a record names, and their records, and so on.

        See `reach.reachable`; the record's own id is among them.
        """
        return reachable(self.blobs, [identifier])

    def verify(self) -> Iterator[str]:
        """Yield a sentence for everything wrong in the log and in the records it names.

        An altered row hides nothing: the record it still names is checked as well.
        """
        yield from self.ledger.verify()
        yield from checkpoints.check(self.blobs, self.ledger)
        checked = 0
        try:
            for row, intact in self.ledger.salvage():
                yield from self._verify_record(row, intact=intact)
                checked += 1
        except StoreError:
            yield f"The records from row {checked} on were not checked: heal the log first."
            return
        try:
            yield from self.lineage.differences()
        except StoreError as error:
            yield f"The index of lineage cannot be read: {error.message}"

    def close(self) -> None:
        """Release database and cache."""
        self.ledger.close()
        self.stat_cache.close()

    def _verify_record(self, row: Row, *, intact: bool) -> Iterator[str]:
        if not intact and not is_digest(row.record):
            return  # the ledger has said that the row was altered, and it leads nowhere
        try:
            record = self.get(row.record)
        except StoreError as error:
            yield f"Row {row.seq} of the log: {error.message}"
            return
        if intact and (isinstance(record, History | Checkpoint) or not _describes(row, record)):
            yield f"Row {row.seq} of the log does not describe its record {row.record}."

    def _signed(self, last: Act) -> list[Act]:
        """Return what goes before an act so that it is signed: keys not announced, a signature."""
        signer = self.signer
        if signer is None or self.ledger.find(record_id(last).removeprefix("sha256:"), 1):
            return []
        acts: list[Act] = []
        key = signer.log_key(last.created)
        if key is not None and not self._is_announced(key):
            acts.append(key)
        signed = signer.sign_act(encode(last), last.created) if isinstance(last, HeadMove) else None
        if signed is not None:
            key, signature = signed
            acts += [signature] if self._is_announced(key) else [key, signature]
        return acts

    def _is_announced(self, key: PublicKey) -> bool:
        rows = self.ledger.newest(kind="public-key", subject=key.key)
        said = (self.get_as(row.record, PublicKey) for row in rows)
        return any(
            (one.use, one.name, one.author) == (key.use, key.name, key.author) for one in said
        )

    def _check_target(self, move: HeadMove) -> None:
        if not self.ledger.find(move.target.removeprefix("sha256:"), 1):
            raise Missing(
                f"{move.head} cannot point at {move.target}: the store has no such record.",
                hint="Add that record first, or import it from a bundle.",
            )


def kind_of(record: Record) -> str:
    """Return a record's kind, the value of its ``kind`` field."""
    return str(record.__struct_config__.tag)


def entry_of(act: Act, identifier: str) -> Entry:
    """Return the row that a record has in the ledger, without its place."""
    match act:
        case Snapshot():
            subject = act.request.name
        case Reproduction() | Import():
            subject = act.snapshot
        case HeadMove():
            subject = act.head
        case PublicKey():
            subject = act.key
        case Signature():
            subject = act.record
        case PredictionSegment():
            subject = act.log
        case Redaction():
            subject = act.segment
        case Hold():
            subject = act.target
    return Entry(identifier, kind_of(act), subject, act.author.name, act.created)


def _describes(row: Row, act: Act) -> bool:
    entry = Entry(row.record, row.kind, row.subject, row.author, row.time)
    return entry_of(act, row.record) == entry and move_of(act) == row.move


def move_of(act: Act) -> Move | None:
    """Return the move of a head that a record is, if it is one."""
    return Move(act.head, act.previous, act.target) if isinstance(act, HeadMove) else None
