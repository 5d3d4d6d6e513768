"""The ledger in an SQL database: an append-only Merkle log of records, and the heads."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    RowMapping,
    Select,
    func,
    literal,
    select,
    union_all,
    update,
)

from py_mlops.errors import Corrupt, HeadMoved, InputError, StoreError
from py_mlops.records import is_digest
from py_mlops.store import merkle
from py_mlops.store.audit import audit
from py_mlops.store.base import Entry, Move, Row
from py_mlops.store.failures import database_failures
from py_mlops.store.schema import (
    as_it_stands,
    connect,
    from_columns,
    head,
    is_ledger,
    log,
    make_tables,
    meta,
    node,
    to_columns,
)

_PAGE = 1000
_VARIABLES = 500
"""Values in one ``IN (…)``; SQLite once allowed no more than 999."""

_moves = log.alias()
_HEADS = select(
    head.c.name,
    head.c.record.label("points_at"),
    select(func.max(_moves.c.seq))
    .where(_moves.c.head == head.c.name)
    .scalar_subquery()
    .label("newest"),
    log,
).outerjoin(log, log.c.seq == head.c.seq)
"""Every head, the row that moved it, and the position of the newest row that moved it."""


class SqlLedger:
    """The ledger on SQLAlchemy Core; SQLite in WAL mode, durable at every commit."""

    def __init__(self, url: str | URL) -> None:
        """Open the ledger, making its tables in an empty database.

        Args:
            url: SQLAlchemy's URL, ``sqlite:////folder/ledger.sqlite``.

        Raises:
            StoreFormat: When the database is not a ledger we can read.
            StoreUnavailable: When it cannot be opened.
        """
        self._engine: Engine = connect(url)
        with self._transaction("Opening") as connection:
            ready = is_ledger(connection)
        if not ready:
            with self._transaction("Making", writing=True) as connection:
                make_tables(connection)

    def append(self, entries: Sequence[Entry], move: Move | None = None) -> list[Row]:
        """Append rows and move a head, all or nothing, see `Ledger`.

        The move is part of the last row it is appended with, so that the log
        alone proves where every head pointed at any time.

        Raises:
            InputError: When an entry's record is no digest, or when the head
                would move without a new row that records it.
        """
        _check(entries, move)
        with self._transaction("Writing", writing=True) as connection:
            present = _present(connection, entries)
            unique = {entry.record: entry for entry in entries}
            fresh = [entry for entry in unique.values() if entry.record not in present]
            if fresh:
                if move:
                    _check_head(connection, move)
                rows = _extend(connection, fresh, move)
                if move:
                    _move_head(connection, move, rows[-1].seq)
                present |= {row.record: row for row in rows}
            elif move:
                _check_repeated(move, present.values())
            return [present[entry.record] for entry in entries]

    def head(self, name: str) -> str | None:
        """Return what a head points at, see `Ledger`.

        Raises:
            Corrupt: When that is not what the log says.
        """
        with self._transaction("Reading") as connection:
            return next(iter(_heads(connection, name).values()), None)

    def heads(self) -> dict[str, str]:
        """Return every head and what it points at, see `Ledger`.

        Raises:
            Corrupt: When one does not point where the log says.
        """
        with self._transaction("Reading") as connection:
            return _heads(connection, None)

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
        """Iterate over the whole log from a position on, in pages."""
        while page := self._rows(
            select(log).where(log.c.seq >= start).order_by(log.c.seq).limit(_PAGE)
        ):
            yield from page
            start = page[-1].seq + 1

    def salvage(self) -> Iterator[tuple[Row, bool]]:
        """Iterate over the log as it stands, see `Ledger`."""
        for start in itertools.count(step=_PAGE):
            query = select(log).order_by(log.c.seq).offset(start).limit(_PAGE)
            with self._transaction("Reading") as connection:
                page = connection.execute(query).mappings().all()
            yield from ((as_it_stands(columns), _is_intact(columns)) for columns in page)
            if len(page) < _PAGE:
                return

    def size(self) -> int:
        """Return how many rows the log has."""
        with self._transaction("Reading") as connection:
            return _size(connection)

    def root(self, size: int | None = None) -> bytes:
        """Return the Merkle tree hash of the first ``size`` rows, see `Ledger`."""
        with self._transaction("Reading") as connection:
            return merkle.root(_bounded(connection, size), _Nodes(connection))

    def inclusion(self, seq: int, size: int | None = None) -> list[bytes]:
        """Return the audit path of a row, see `Ledger`."""
        with self._transaction("Reading") as connection:
            size = _bounded(connection, size)
            if not 0 <= seq < size:
                raise _outside(seq, size)
            return merkle.inclusion(seq, size, _Nodes(connection))

    def consistency(self, first: int, second: int | None = None) -> list[bytes]:
        """Return the proof that the log only grew, see `Ledger`."""
        with self._transaction("Reading") as connection:
            second = _bounded(connection, second)
            if not 0 <= first <= second:
                raise _outside(first, second)
            return merkle.consistency(first, second, _Nodes(connection))

    def verify(self) -> Iterable[str]:
        """Recompute the whole log and yield a sentence for everything wrong, see `Ledger`."""
        try:
            with self._transaction("Reading") as connection:
                yield from audit(connection)
        except StoreError as error:
            yield error.message

    def close(self) -> None:
        """Release the database."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self, doing: str, *, writing: bool = False) -> Iterator[Connection]:
        engine = self._engine.execution_options(writing=writing)
        with database_failures(f"{doing} the ledger"), engine.begin() as connection:
            yield connection

    def _rows(self, query: Select[Any]) -> list[Row]:
        with self._transaction("Reading") as connection:
            return [from_columns(columns) for columns in connection.execute(query).mappings()]


class _Nodes:
    """Finds complete subtrees in the database and remembers them for one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._found: dict[tuple[int, int], bytes] = {}

    def __call__(self, level: int, index: int) -> bytes:
        if (level, index) not in self._found:
            self.fetch([(level, index)])
        return self._found[level, index]

    def __setitem__(self, place: tuple[int, int], digest: bytes) -> None:
        self._found[place] = digest

    def fetch(self, places: Sequence[tuple[int, int]]) -> None:
        """Look several up at once."""
        # A condition for each: SQLite uses no index for `(level, index) IN (…)`.
        leaf = select(literal(0), log.c.seq, log.c.leaf)
        inner = select(node.c.level, node.c.index, node.c.hash)
        query = union_all(
            *(
                inner.where(node.c.level == level, node.c.index == index)
                if level
                else leaf.where(log.c.seq == index)
                for level, index in places
            )
        )
        for level, index, digest in self._connection.execute(query):
            self._found[level, index] = digest
        for level, index in places:
            if (level, index) not in self._found:
                raise Corrupt(
                    f"The ledger lacks subtree {index} of level {level}.",
                    hint="Run `mlops verify` to see everything that is missing, "
                    "and restore the ledger from a backup.",
                )


def _check(entries: Sequence[Entry], move: Move | None) -> None:
    digests = [entry.record for entry in entries]
    digests += [move.target, move.previous or move.target] if move else []
    for digest in digests:
        if not is_digest(digest):
            raise InputError(
                f"{str(digest)[:80]!r} is not a record's id.",
                hint="An id is `sha256:` and 64 hexadecimal digits.",
            )


def _is_intact(columns: RowMapping) -> bool:
    try:
        from_columns(columns)
    except Corrupt:
        return False
    return True


def _present(connection: Connection, entries: Sequence[Entry]) -> dict[str, Row]:
    ids = [entry.record for entry in entries]
    found = {}
    for start in range(0, len(ids), _VARIABLES):
        query = select(log).where(log.c.record.in_(ids[start : start + _VARIABLES]))
        for columns in connection.execute(query).mappings():
            found[columns["record"]] = from_columns(columns)
    return found


def _check_repeated(move: Move, present: Iterable[Row]) -> None:
    """Accept an append that the log holds already: its answer was lost."""
    if all(row.move != move for row in present):
        raise InputError(
            f"{move.head} cannot move without a new record that says so.",
            hint="Append a head-move record together with the move.",
        )


def _check_head(connection: Connection, move: Move) -> None:
    current = _heads(connection, move.head).get(move.head)
    if current != move.previous:
        raise HeadMoved(
            f"{move.head} points at {current or 'nothing'}, not at {move.previous or 'nothing'}.",
            hint="Someone else moved it meanwhile: look at `mlops log` and try again.",
        )


def _extend(connection: Connection, fresh: Sequence[Entry], move: Move | None) -> list[Row]:
    """Append rows, the subtrees they complete, and the new size and root."""
    size, nodes = _size(connection), _Nodes(connection)
    if size:
        nodes.fetch(merkle.peaks(size))
    rows, leaves, subtrees = [], [], []
    for seq, entry in enumerate(fresh, start=size):
        row = Row(
            record=entry.record,
            kind=entry.kind,
            subject=entry.subject,
            author=entry.author,
            time=entry.time,
            seq=seq,
            move=move if seq == size + len(fresh) - 1 else None,
        )
        columns = _columns(row)
        for level, index, digest in merkle.completed(seq, columns["leaf"], nodes):
            nodes[level, index] = digest
            if level:
                subtrees.append({"level": level, "index": index, "hash": digest})
        rows.append(row)
        leaves.append(columns)
    connection.execute(log.insert(), leaves)
    if subtrees:
        connection.execute(node.insert(), subtrees)
    size += len(rows)
    for key, value in (("size", str(size)), ("root", merkle.root(size, nodes).hex())):
        connection.execute(update(meta).where(meta.c.key == key).values(value=value))
    return rows


def _columns(row: Row) -> Mapping[str, Any]:
    try:
        return to_columns(row)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{row.record} cannot be entered in the ledger: {error}.",
            hint="Kind, subject, author and time must be text.",
        ) from error


def _move_head(connection: Connection, move: Move, seq: int) -> None:
    values = {"record": move.target, "seq": seq}
    if move.previous is None:
        connection.execute(head.insert().values(name=move.head, **values))
    else:
        connection.execute(update(head).where(head.c.name == move.head).values(values))


def _heads(connection: Connection, name: str | None) -> dict[str, str]:
    """Return heads, each checked against the newest row of the log that moved it."""
    query = _HEADS if name is None else _HEADS.where(head.c.name == name)
    found = {}
    for columns in connection.execute(query).mappings():
        moved = from_columns(columns).move if columns["seq"] is not None else None
        agrees = moved and (moved.head, moved.target) == (columns["name"], columns["points_at"])
        if not agrees or columns["newest"] != columns["seq"]:
            raise Corrupt(
                f"Head {columns['name']} was altered: the log does not say "
                f"that it points at {columns['points_at']}.",
                hint="Run `mlops verify` to see everything that was altered, "
                "and restore the ledger from a backup.",
            )
        found[columns["name"]] = columns["points_at"]
    return found


def _size(connection: Connection) -> int:
    newest = connection.scalar(select(func.max(log.c.seq)))
    return 0 if newest is None else int(newest) + 1


def _bounded(connection: Connection, size: int | None) -> int:
    present = _size(connection)
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
