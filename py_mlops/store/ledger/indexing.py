"""Fills the index of lineage from the records of the log, a batch of rows at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from py_mlops.errors import Hostile, StoreError
from py_mlops.progress import Progress, Report, silent
from py_mlops.records import AnyRecord, Snapshot, Tree, is_digest
from py_mlops.records.manifest import LARGEST, decode
from py_mlops.store.base import Blobs, Row
from py_mlops.store.edges import Kind, Link, Point, key_of, links_of
from py_mlops.store.ledger.database import Database
from py_mlops.store.ledger.schema import (
    as_it_stands,
    lineage_edge,
    lineage_gap,
    lineage_node,
    log,
    meta,
)

KEEPING_UP = 64
"""Every so many rows a writer indexes what is new, when it is no more than four times that."""

_ROWS = 250
_LINKS = 50_000
_EASY = 5_000
_RETRIED = 20
_VARIABLES = 500

_decoder = msgspec.json.Decoder(AnyRecord)
_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@dataclass
class Batch:
    """What some rows of the log link.

    Attributes:
        start: The first row.
        end: The row after the last one.
        last: The last row's record.
        acts: The rows of the records among the points.
        links: Their links.
        gaps: A sentence for each row that is not linked as a whole.
        folders: Keys of the folders whose members are among the links, or were before.
    """

    start: int
    end: int = 0
    last: str = ""
    acts: dict[Point, int] = field(default_factory=dict)
    links: set[Link] = field(default_factory=set)
    gaps: dict[int, str] = field(default_factory=dict)
    folders: set[bytes] = field(default_factory=set)


class _TooMuch(Exception):  # noqa: N818 - no error: it says when to stop
    """A folder has more files than a writer should wait for."""


class Indexer:
    """Reads records and enters what they link."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        """Remember where the index and the records are."""
        self._database = database
        self._blobs = blobs

    def catch_up(self, *, hurried: bool = False, report: Report = silent) -> None:
        """Enter all rows that are not entered yet; others may do the same meanwhile.

        Args:
            hurried: Only if that is little work.
            report: Told about progress.
        """
        start, size = self._begin()
        if hurried and size - start > 4 * KEEPING_UP:
            return
        if not hurried:
            self._retry()
        while start < size:
            if size - start > _ROWS:
                report(Progress("lineage", "indexing what the records link", start, size))
            batch = self._read(start, hurried=hurried)
            if batch.end == start:
                return
            self._database.run("Writing", partial(_enter, batch=batch), writing=True)
            start, size = self._begin()

    def _begin(self) -> tuple[int, int]:
        start, size = self._database.run("Reading", _extent)
        if start < 0:
            self.forget()
        return max(start, 0), size

    def forget(self) -> None:
        """Empty the index."""
        self._database.run("Writing", _forget, writing=True)

    def batches(self, size: int) -> Iterator[Batch]:
        """Read the first rows anew, for those who compare; no link comes twice.

        Args:
            size: How many.
        """
        batch = Batch(0)
        while batch.end < size:
            start = batch.end
            batch = self._read(start, anew=batch.folders, limit=size - start)
            if batch.end == start:
                return
            yield batch

    def _read(
        self,
        start: int,
        *,
        hurried: bool = False,
        anew: set[bytes] | None = None,
        limit: int = _ROWS,
    ) -> Batch:
        """Read the records of a batch of rows.

        Args:
            start: The first row.
            hurried: Stop before a folder that takes long.
            anew: Folders read before; what the database knows does not count then.
            limit: Not more rows than these.
        """
        query = select(log).where(log.c.seq >= start).order_by(log.c.seq).limit(min(_ROWS, limit))
        found = self._database.run(
            "Reading", lambda connection: connection.execute(query).mappings().all()
        )
        batch = Batch(start, start, folders=set() if anew is None else anew)
        for columns in found:
            row = as_it_stands(columns)
            try:
                self._add(batch, row, hurried=hurried, anew=anew is not None)
            except _TooMuch:
                break
            batch.end, batch.last = row.seq + 1, str(row.record)
            if len(batch.links) > _LINKS:
                break
        return batch

    def _add(self, batch: Batch, row: Row, *, hurried: bool = False, anew: bool = False) -> None:
        if not is_digest(row.record):
            batch.gaps[row.seq] = f"Row {row.seq} of the log was altered and leads to no record."
            return

        def members(tree: Tree) -> Iterable[str] | None:
            key = key_of(tree.manifest.digest)
            if key in batch.folders or (not anew and self._is_known(key)):
                return None
            if hurried and tree.files > _EASY:
                raise _TooMuch
            try:
                found = _members(self._blobs, tree)
            except (StoreError, Hostile) as error:
                batch.gaps[row.seq] = f"Row {row.seq} of the log: {error.message}"
                return None
            batch.folders.add(key)
            return found

        try:
            record: AnyRecord = _decoder.decode(self._blobs.read(row.record))
        except StoreError as error:
            batch.gaps[row.seq] = f"Row {row.seq} of the log: {error.message}"
            return
        except (msgspec.DecodeError, RecursionError, ValueError):
            batch.gaps[row.seq] = f"Row {row.seq} of the log: {row.record} is no record."
            return
        links = links_of(record, row.record, members)
        known = {one.target.key for one in links if one.target.kind == "wheels"} & batch.folders
        batch.links.update(one for one in links if one.target.key not in known)
        batch.folders.update(one.source.key for one in links if one.source.kind == "wheels")
        kind: Kind = "snapshot" if isinstance(record, Snapshot) else "act"
        batch.acts[Point(kind, key_of(row.record))] = row.seq

    def _is_known(self, key: bytes) -> bool:
        query = select(lineage_node.c.id).where(
            lineage_node.c.key == key, lineage_node.c.kind.in_(("folder-read", "folder-made"))
        )
        return self._database.run("Reading", lambda at: at.scalar(query.limit(1))) is not None

    def _retry(self) -> None:
        """Read again what could not be read; it may have been brought back since."""
        query = (
            select(log)
            .join(lineage_gap, lineage_gap.c.seq == log.c.seq)
            .order_by(log.c.seq)
            .limit(_RETRIED)
        )
        rows = self._database.run("Reading", lambda at: at.execute(query).mappings().all())
        for columns in rows:
            row = as_it_stands(columns)
            batch = Batch(row.seq, row.seq + 1, str(row.record))
            self._add(batch, row, anew=True)
            if not batch.gaps:
                self._database.run("Writing", partial(_heal, batch=batch), writing=True)


def _members(blobs: Blobs, tree: Tree) -> list[str]:
    if tree.manifest.size > LARGEST:
        return []
    entries = decode(tree, blobs.read(tree.manifest.digest))
    return [f"sha256:{entry.sha256}" for entry in entries if entry.size]


def _extent(connection: Connection) -> tuple[int, int]:
    """Return how many rows are indexed and how many there are; -1 when the index is another's."""
    newest = connection.scalar(select(func.max(log.c.seq)))
    size = 0 if newest is None else int(newest) + 1
    return mark(connection), size


def mark(connection: Connection, *, locked: bool = False) -> int:
    """Return how many rows are indexed; -1 when the index is of another log.

    Args:
        connection: In a transaction.
        locked: Keep other writers from indexing until its end.
    """
    query = select(meta.c.value).where(meta.c.key == "lineage")
    found = connection.scalar(query.with_for_update() if locked else query) or ""
    count, _, last = found.partition(" ")
    if not count.isdecimal():
        return -1
    if int(count) == 0:
        return 0
    record = connection.scalar(select(log.c.record).where(log.c.seq == int(count) - 1))
    return int(count) if record == last else -1


def _forget(connection: Connection) -> None:
    for table in (lineage_edge, lineage_node, lineage_gap):
        connection.execute(delete(table))
    connection.execute(delete(meta).where(meta.c.key == "lineage"))
    connection.execute(meta.insert().values(key="lineage", value="0"))


def _enter(connection: Connection, batch: Batch) -> None:
    """Enter a batch, unless someone else did meanwhile."""
    if mark(connection, locked=True) != batch.start:
        return
    _insert(connection, batch)
    if batch.gaps:
        gaps = [{"seq": seq, "text": text[:1000]} for seq, text in batch.gaps.items()]
        _insert_new(connection, lineage_gap, gaps)
    value = f"{batch.end} {batch.last}"
    connection.execute(update(meta).where(meta.c.key == "lineage").values(value=value))


def _heal(connection: Connection, batch: Batch) -> None:
    if mark(connection, locked=True) >= batch.end:
        _insert(connection, batch)
        connection.execute(delete(lineage_gap).where(lineage_gap.c.seq == batch.start))


def _insert(connection: Connection, batch: Batch) -> None:
    points = {point for link in batch.links for point in link[:2]} | batch.acts.keys()
    ids = _numbered(connection, sorted(points), batch.acts)
    rows = [
        {"source": ids[one.source], "target": ids[one.target], "role": one.role, "name": one.name}
        for one in batch.links
    ]
    _insert_new(
        connection, lineage_edge, sorted(rows, key=lambda row: (row["source"], row["target"]))
    )


def _insert_new(connection: Connection, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        insert = _INSERTS[connection.dialect.name](table).on_conflict_do_nothing()
        connection.execute(insert, rows)


def _numbered(
    connection: Connection, points: Sequence[Point], acts: dict[Point, int]
) -> dict[Point, int]:
    """Return the number of each point, new ones entered."""
    ids: dict[Point, int] = {}
    columns = lineage_node.c
    query = select(columns.id, columns.kind, columns.key)
    for begin in range(0, len(points), _VARIABLES):
        keys = [point.key for point in points[begin : begin + _VARIABLES]]
        for number, kind, key in connection.execute(query.where(columns.key.in_(keys))):
            ids[Point(kind, bytes(key))] = number
    fresh = [point for point in points if point not in ids]
    first = (connection.scalar(select(func.max(columns.id))) or 0) + 1
    ids |= {point: number for number, point in enumerate(fresh, first)}
    if fresh:
        connection.execute(
            lineage_node.insert(),
            [
                {"id": ids[one], "kind": one.kind, "key": one.key, "seq": acts.get(one)}
                for one in fresh
            ],
        )
    return ids
