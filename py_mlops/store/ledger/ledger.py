"""The ledger in an SQL database: an append-only Merkle log of records, and the heads."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from functools import partial
from typing import Any, TypeVar

import msgspec
from sqlalchemy import (
    URL,
    Connection,
    RowMapping,
    Select,
    delete,
    func,
    select,
    update,
)

from py_mlops.errors import Corrupt, InputError, StoreError
from py_mlops.records import LogSignature, is_digest
from py_mlops.store.base import Blobs, Entry, Mark, Move, Row, Sign
from py_mlops.store.ledger import merkle
from py_mlops.store.ledger.appending import append, check, enter
from py_mlops.store.ledger.audit import audit
from py_mlops.store.ledger.beside import Beside
from py_mlops.store.ledger.database import Database
from py_mlops.store.ledger.lineage import SqlLineage
from py_mlops.store.ledger.looking import Nodes, hold, point, points, size_of
from py_mlops.store.ledger.notices import Heard, listening
from py_mlops.store.ledger.revisions import prepare
from py_mlops.store.ledger.schema import (
    DAMAGED,
    as_it_stands,
    checkpoint,
    from_columns,
    log,
    meta,
    signature,
)
from py_mlops.store.ledger.turn import Turns
from py_mlops.store.patience import Patience

T = TypeVar("T")

_PAGE = 1000
_VARIABLES = 500


class SqlLedger:
    """The ledger on SQLAlchemy Core, in SQLite or PostgreSQL, durable at every commit.

    Attributes:
        database: Its database.
    """

    def __init__(
        self,
        url: str | URL,
        *,
        making: Callable[[], None] = lambda: None,
        patience: Patience | None = None,
    ) -> None:
        """Open the ledger, making its tables in an empty database.

        Args:
            url: SQLAlchemy's URL, ``sqlite:////folder/ledger.sqlite`` or
                ``postgresql://host/database``.
            making: Called when the database is empty, before its tables are
                made; what it raises keeps them from being made.
            patience: How long a server is waited for.

        Raises:
            InputError: When the address is none of these.
            StoreFormat: When the database is not a ledger we can read.
            StoreUnavailable: When it cannot be opened.
        """
        self.database = Database(url, patience)
        self._beside = Beside(self.database)
        self._turns = Turns(self.database)
        try:
            prepare(self.database, making)
        except BaseException:
            self.close()
            raise

    def append(
        self, entries: Sequence[Entry], move: Move | None = None, sign: Sign | None = None
    ) -> list[Row]:
        """Append rows, move a head and sign, all or nothing, see `Ledger`.

        The move is part of the last row it is appended with, so that the log
        alone proves where every head pointed at any time.

        Raises:
            InputError: When an entry's record is no digest, or when the head
                would move without a new row that records it.
            StoreFormat: When a newer version has changed the tables meanwhile.
        """
        check(entries, move)
        return self.database.run(
            "Writing",
            lambda connection: append(connection, entries, move, sign),
            brief=True,
            begun=self._turns.take(),
        )

    def listening(self) -> AbstractAsyncContextManager[Heard]:
        """Hear when the log has grown, see `Ledger`."""
        return listening(self.database)

    def turn(self, name: str) -> AbstractContextManager[str | None]:
        """Wait for one's turn at a head, see `Ledger`; an append in the block is part of it."""
        return self._turns.turn(name)

    def head(self, name: str) -> str | None:
        """Return what a head points at, see `Ledger`.

        Raises:
            Corrupt: When that is not what the log says.
        """
        return self._ask(lambda connection: point(connection, name))

    def heads(self) -> dict[str, str]:
        """Return every head and what it points at, see `Ledger`.

        Raises:
            Corrupt: When one does not point where the log says.
        """
        return self.database.run("Reading", points)

    def find(self, prefix: str, limit: int = 3) -> list[Row]:
        """Return rows whose record id's hex begins with ``prefix``, see `Ledger`."""
        if re.fullmatch("[0-9a-f]{0,64}", prefix) is None:
            return []
        low = f"sha256:{prefix}"
        query = select(log).where(log.c.record >= low, log.c.record < f"{low}g")
        return self._rows(query.order_by(log.c.seq).limit(limit))

    def newest(
        self,
        *,
        kind: str | None = None,
        subject: str | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> list[Row]:
        """Return a page of rows, newest first, see `Ledger`."""
        query = select(log)
        for column, wanted in ((log.c.kind, kind), (log.c.subject, subject)):
            if wanted is not None:
                query = query.where(column == wanted)
        if before is not None:
            query = query.where(log.c.seq < before)
        return self._rows(query.order_by(log.c.seq.desc()).limit(limit))

    def rows(self, start: int = 0) -> Iterator[Row]:
        """Iterate over the whole log from a position on, in pages; none may be missing."""
        while page := self.database.run("Reading", partial(_page, start)):
            yield from page
            start = page[-1].seq + 1

    def at(self, seqs: Iterable[int]) -> dict[int, Row]:
        """Return rows by their positions, see `Ledger`."""
        wanted, found = sorted(set(seqs)), dict[int, Row]()
        for begin in range(0, len(wanted), _VARIABLES):
            some = log.c.seq.in_(wanted[begin : begin + _VARIABLES])
            found |= {row.seq: row for row in self._rows(select(log).where(some))}
        return found

    def moves_to(self, record: str, limit: int = 50) -> list[Row]:
        """Return the heads' moves to a record, see `Ledger`."""
        query = select(log).where(log.c.target == record)
        return self._rows(query.order_by(log.c.seq).limit(limit))

    def salvage(self) -> Iterator[tuple[Row, bool]]:
        """Iterate over the log as it stands, see `Ledger`."""
        for start in itertools.count(step=_PAGE):
            query = select(log).order_by(log.c.seq).offset(start).limit(_PAGE)
            page = self._mappings(query)
            yield from ((as_it_stands(columns), _is_intact(columns)) for columns in page)
            if len(page) < _PAGE:
                return

    def size(self) -> int:
        """Return how many rows the log has."""
        return self._ask(size_of)

    def root(self, size: int | None = None) -> bytes:
        """Return the Merkle tree hash of the first ``size`` rows, see `Ledger`."""
        return self.database.run(
            "Reading",
            lambda connection: merkle.root(_bounded(connection, size), Nodes(connection)),
        )

    def inclusion(self, seq: int, size: int | None = None) -> list[bytes]:
        """Return the audit path of a row, see `Ledger`."""

        def work(connection: Connection) -> list[bytes]:
            whole = _bounded(connection, size)
            if not 0 <= seq < whole:
                raise _outside(seq, whole)
            return merkle.inclusion(seq, whole, Nodes(connection))

        return self.database.run("Reading", work)

    def consistency(self, first: int, second: int | None = None) -> list[bytes]:
        """Return the proof that the log only grew, see `Ledger`."""

        def work(connection: Connection) -> list[bytes]:
            whole = _bounded(connection, second)
            if not 0 <= first <= whole:
                raise _outside(first, whole)
            return merkle.consistency(first, whole, Nodes(connection))

        return self.database.run("Reading", work)

    def verify(self) -> Iterable[str]:
        """Recompute the whole log and yield a sentence for everything wrong, see `Ledger`."""
        try:
            self.size()  # finds out whether the connection has been lost since, and makes another
            with self.database.transaction("Reading") as connection:
                yield from audit(connection)
        except StoreError as error:
            yield error.message

    def signatures(self, above: int = 0) -> list[LogSignature]:
        """Return the signatures over the log, see `Ledger`."""
        query = select(signature).where(signature.c.size > above).order_by(signature.c.size)
        try:
            found = [{str(key): one[key] for key in one} for one in self._mappings(query)]
            return [msgspec.convert(one, LogSignature) for one in found]
        except msgspec.ValidationError as error:
            said = f"A signature over the log was altered: {error}."
            raise Corrupt(said, hint=DAMAGED) from error

    def enter(self, signatures: Iterable[LogSignature]) -> None:
        """Enter signatures that a lost ledger had.

        Args:
            signatures: As its checkpoints have them.
        """
        found = list(signatures)
        self.database.run("Writing", lambda connection: enter(connection, found), writing=True)

    def name(self) -> str:
        """Return the store's own name, see `Ledger`."""
        query = select(meta.c.value).where(meta.c.key == "store")
        return self._ask(lambda connection: connection.scalar(query)) or ""

    def marks(self, *, most: int | None = None, limit: int | None = None) -> list[Mark]:
        """Return the checkpoints that were noted, see `Ledger`."""
        query = select(checkpoint.c.size, checkpoint.c.record).order_by(checkpoint.c.size.desc())
        if most is not None:
            query = query.where(checkpoint.c.size <= most)
        found = [Mark(**one) for one in self._mappings(query.limit(limit))]
        for mark in found:
            if not is_digest(mark.record):
                said = f"The ledger's note of a checkpoint of {mark.size} rows was altered."
                raise Corrupt(said, hint=DAMAGED)
        return found

    def note(self, mark: Mark, *, every: int) -> list[Mark]:
        """Note a checkpoint, see `Ledger`."""
        return self.database.run("Writing", partial(_note, mark, every), writing=True)

    def adopt(self, name: str) -> None:
        """Take a lost ledger's name, so that its checkpoints are this one's.

        Args:
            name: The store's own name.
        """

        def work(connection: Connection) -> None:
            connection.execute(update(meta).where(meta.c.key == "store").values(value=name))

        self.database.run("Writing", work, writing=True)

    def lineage(self, blobs: Blobs) -> SqlLineage:
        """Return the index of what its records link, see `Ledger`."""
        return SqlLineage(self._beside, blobs)

    def close(self) -> None:
        """Release the database."""
        self._beside.close()
        self.database.close()

    def _rows(self, query: Select[Any]) -> list[Row]:
        return [from_columns(columns) for columns in self._mappings(query)]

    def _mappings(self, query: Select[Any]) -> Sequence[RowMapping]:
        return self._ask(lambda connection: connection.execute(query).mappings().all())

    def _ask(self, work: Callable[[Connection], T]) -> T:
        """Ask one question, which needs no transaction."""
        return self.database.run("Reading", work, single=True)


def _note(mark: Mark, every: int, connection: Connection) -> list[Mark]:
    """Note a checkpoint unless there is a newer one, and return those that nobody needs then."""
    hold(connection)
    passing = select(checkpoint).where(checkpoint.c.size % every != 0)
    found = connection.execute(passing).mappings().all()
    superseded = [old for old in (Mark(**one) for one in found) if old.size < mark.size]
    for old in superseded:
        connection.execute(delete(checkpoint).where(checkpoint.c.size == old.size))
    newest = connection.scalar(select(func.max(checkpoint.c.size)))
    if newest is not None and newest > mark.size and mark.size % every:
        return [*superseded, mark]
    same = checkpoint.c.size == mark.size
    if connection.scalar(select(checkpoint.c.size).where(same)) is None:
        connection.execute(checkpoint.insert().values(size=mark.size, record=mark.record))
    return superseded


def _page(start: int, connection: Connection) -> list[Row]:
    query = select(log).where(log.c.seq >= start).order_by(log.c.seq).limit(_PAGE)
    found = [from_columns(columns) for columns in connection.execute(query).mappings()]
    for seq, row in enumerate(found, start=start):
        if row.seq != seq:
            raise Corrupt(f"Rows {seq} to {row.seq - 1} of the log are missing.", hint=DAMAGED)
    if len(found) < _PAGE:
        size = connection.scalar(select(meta.c.value).where(meta.c.key == "size")) or ""
        if not size.isdecimal() or start + len(found) < int(size):
            end = start + len(found)
            raise Corrupt(f"The log has {end} rows, but {size} were appended.", hint=DAMAGED)
    return found


def _is_intact(columns: RowMapping) -> bool:
    try:
        from_columns(columns)
    except Corrupt:
        return False
    return True


def _bounded(connection: Connection, size: int | None) -> int:
    present = size_of(connection)
    if size is None:
        return present
    if not 0 <= size <= present:
        raise _outside(size, present)
    return size


def _outside(position: int, size: int) -> InputError:
    return InputError(
        f"The log has no position {position}; its size is {size}.",
        hint="Ask for a position in the log.",
    )
