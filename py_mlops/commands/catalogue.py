"""Catalogue: follows a store's log, reads each record once, and answers lists without any read."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path

from py_mlops.commands.catalogue_file import VERSION, CatalogueFile, enter, forget
from py_mlops.commands.summaries import (
    HeadSummary,
    MetricHistory,
    MetricPoint,
    ModelPage,
    ModelSummary,
    SnapshotPage,
    SnapshotSummary,
    VerdictSummary,
)
from py_mlops.errors import MlopsError, StoreError, StoreUnavailable
from py_mlops.notebook.cells import cells_of, sources_digest
from py_mlops.notebook.document import parse
from py_mlops.records import Reproduction, Snapshot
from py_mlops.store import Store
from py_mlops.store.base import Row
from py_mlops.workspace import Workspace

_AT_ONCE = 500
"""Rows of the log that are entered in one transaction."""

_READ_AT_ONCE = 20
"""So many new records are read before a list is answered; more are left to `read_more`."""

_WORDS = 8
_LARGEST_NOTEBOOK = 64 * 1024 * 1024
_MAIN = "main"


class Catalogue:
    """Lists of one store.

    What they tell that is not in the log comes from the records, which are
    immutable: each is read once, and the rest is SQL. Nothing in it is the
    truth; deleting its file costs only time.
    """

    def __init__(self, store: Store, folder: Path) -> None:
        """Open the catalogue of a store.

        Args:
            store: The store.
            folder: Where catalogues are kept, in the person's cache.
        """
        self._store = store
        self._file = CatalogueFile(folder / f"{store.ledger.name()}-{VERSION}.sqlite")
        self._turn = threading.Lock()

    def close(self) -> None:
        """Release its file."""
        self._file.close()

    def refresh(self) -> bool:
        """Follow the log to its end, and read the newest records when they are few.

        Returns:
            Whether there was anything new.

        Raises:
            StoreError: When the log cannot be read, or a row of it is damaged;
                the rows before it are entered.
        """
        with self._turn:
            size, last = self._file.place()
            if self._store.ledger.size() == size and not self._changed(size, last):
                return False
            self._follow(size, last)
        if self.unread() <= _READ_AT_ONCE:
            self.read_more(_READ_AT_ONCE)
        return True

    def size(self) -> int:
        """Return how many rows of the log it has."""
        return self._file.place()[0]

    def unread(self) -> int:
        """Return how many records are not read yet."""
        return sum(
            self._file.number(f"SELECT count(*) FROM {table} WHERE complete = 0")  # noqa: S608 - two names
            for table in ("snapshot", "verdict")
        )

    def read_more(self, most: int = 50) -> int:
        """Read records that are not read yet, the newest first.

        Args:
            most: At most so many of each kind.

        Returns:
            How many were read.
        """
        query = "SELECT id, seq FROM {} WHERE complete = 0 ORDER BY seq DESC LIMIT ?"
        waiting = [
            *(("verdict", *row) for row in self._file.ask(query.format("verdict"), (most,))),
            *(("snapshot", *row) for row in self._file.ask(query.format("snapshot"), (most,))),
        ]
        read = [
            (kind, identifier, seq, self._read(identifier)) for kind, identifier, seq in waiting
        ]
        with self._file.writing() as connection:
            for kind, identifier, seq, found in read:
                if isinstance(found, str):
                    self._enter_problem(connection, kind, seq, found)
                elif isinstance(found[0], Snapshot):
                    _enter_details(connection, seq, found[0], found[1])
                elif isinstance(found[0], Reproduction):
                    _enter_verdict(connection, identifier, found[0])
        return len(read)

    def models(self, search: str = "", *, before: int | None = None, limit: int = 50) -> ModelPage:
        """List models, the one with the newest snapshot first.

        Args:
            search: Words that each must be in the name.
            before: Only those whose newest snapshot is before this place.
            limit: At most so many.
        """
        where, values = _containing(("lower(name)",), search)
        if before is not None:
            where.append("newest < ?")
            values.append(before)
        found = self._file.ask(
            f"SELECT * FROM model {_where(where)} ORDER BY newest DESC LIMIT ?",  # noqa: S608 - conditions of this module
            (*values, limit + 1),
        )
        page = found[:limit]
        newest = {item.id: item for item in self._by_seq([row["newest"] for row in page])}
        by_model = {item.model: item for item in newest.values()}
        return ModelPage(
            items=[self._model(row, by_model[row["name"]]) for row in page],
            next=str(page[-1]["newest"]) if len(found) > limit else None,
        )

    def snapshots(
        self,
        search: str = "",
        *,
        model: str | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> SnapshotPage:
        """List snapshots, newest first.

        Args:
            search: Words that each must be in what the list tells of one.
            model: Only this model's.
            before: Only those before this place in the log.
            limit: At most so many.
        """
        where, values = _containing(("words", "level"), search)
        for condition, value in (("model = ?", model), ("seq < ?", before)):
            if value is not None:
                where.append(condition)
                values.append(value)
        found = self._file.ask(
            f"SELECT * FROM snapshot {_where(where)} ORDER BY seq DESC LIMIT ?",  # noqa: S608 - the same
            (*values, limit + 1),
        )
        page = found[:limit]
        return SnapshotPage(
            items=self._summaries(page),
            next=str(page[-1]["seq"]) if len(found) > limit else None,
        )

    def snapshot(self, identifier: str) -> SnapshotSummary | None:
        """Return one snapshot's line; ``None`` when it is not in the log."""
        found = self._summaries(
            self._file.ask("SELECT * FROM snapshot WHERE id = ?", (identifier,))
        )
        return found[0] if found else None

    def verdicts(self, identifier: str, *, limit: int = 50) -> list[VerdictSummary]:
        """Return the newest verdicts on a snapshot, newest first."""
        query = (
            "SELECT * FROM verdict WHERE snapshot = ? AND complete = 1 ORDER BY seq DESC LIMIT ?"
        )
        return [_verdict(row) for row in self._file.ask(query, (identifier, limit))]

    def children(self, identifier: str, *, limit: int = 50) -> list[str]:
        """Return ids of the newest snapshots that follow one."""
        query = (
            "SELECT snapshot.id FROM child JOIN snapshot ON snapshot.seq = child.seq "
            "WHERE child.parent = ? ORDER BY child.seq DESC LIMIT ?"
        )
        return [row["id"] for row in self._file.ask(query, (identifier, limit))]

    def metrics(self, model: str, *, limit: int = 200) -> MetricHistory:
        """Return how a model's metrics went, over its newest snapshots."""
        query = "SELECT * FROM snapshot WHERE model = ? ORDER BY seq DESC LIMIT ?"
        found = self._file.ask(query, (model, limit + 1))
        points = [
            MetricPoint(
                id=row["id"],
                created=row["created"],
                metrics=json.loads(row["metrics"]),
                level=row["level"] or None,
            )
            for row in reversed(found[:limit])
        ]
        names = sorted({name for point in points for name in point.metrics})
        return MetricHistory(model=model, names=names, points=points, earlier=len(found) > limit)

    def of_notebook(self, sources: str, path: str) -> tuple[SnapshotSummary | None, bool]:
        """Return the newest snapshot of a notebook, and whether its cells say the same.

        Args:
            sources: Its `sources_digest`.
            path: Its absolute path on this machine; empty when it has none.
        """
        query = "SELECT * FROM snapshot WHERE {} = ? ORDER BY seq DESC LIMIT 1"
        for column, value in (("sources", sources), ("path", path)):
            if value and (found := self._file.ask(query.format(column), (value,))):
                return self._summaries(found)[0], column == "sources"
        return None, False

    def _changed(self, size: int, last: str) -> bool:
        """Say whether the log is not the one that was followed."""
        row = next(iter(self._store.ledger.rows(size - 1)), None) if size else None
        return bool(size) and (row is None or row.record != last)

    def _follow(self, size: int, last: str) -> None:
        if self._changed(size, last):
            with self._file.writing() as connection:
                forget(connection)
            size = 0
        waiting: list[Row] = []
        try:
            for row in self._store.ledger.rows(size):
                waiting.append(row)
                if len(waiting) == _AT_ONCE:
                    self._enter(waiting)
                    waiting = []
        finally:
            self._enter(waiting)

    def _enter(self, rows: list[Row]) -> None:
        if rows:
            with self._file.writing() as connection:
                enter(connection, rows, rows[-1].seq + 1)

    def _read(self, identifier: str) -> tuple[Snapshot | Reproduction, str] | str:
        """Return a record with the digest of its notebook's sources, or why there is none."""
        try:
            record = self._store.get(identifier)
            if isinstance(record, Snapshot):
                return record, self._sources(record)
            if isinstance(record, Reproduction):
                return record, ""
        except StoreUnavailable:
            raise  # another time
        except StoreError as error:
            return error.message
        return "It is a record of another kind."

    def _sources(self, snapshot: Snapshot) -> str:
        saved = snapshot.program.saved
        if saved is None or saved.size > _LARGEST_NOTEBOOK:
            return ""
        try:
            return sources_digest(cells_of(parse(self._store.blobs.read(saved.digest))))
        except MlopsError:
            return ""  # its record is fine; only the badge of its notebook cannot be told

    @staticmethod
    def _enter_problem(connection: sqlite3.Connection, kind: str, seq: int, why: str) -> None:
        if kind == "snapshot":
            done = "UPDATE snapshot SET complete = 1, problem = ? WHERE seq = ?"
        else:
            done = "UPDATE verdict SET complete = 2, reason = ? WHERE seq = ?"
        connection.execute(done, (why, seq))

    def _by_seq(self, places: list[int]) -> list[SnapshotSummary]:
        return self._summaries(_in(self._file, "SELECT * FROM snapshot WHERE seq IN", places))

    def _summaries(self, rows: list[sqlite3.Row]) -> list[SnapshotSummary]:
        ids = [row["id"] for row in rows]
        heads: dict[str, list[str]] = {}
        for row in _in(self._file, "SELECT name, target FROM head WHERE target IN", ids):
            heads.setdefault(row["target"], []).append(row["name"])
        newest = (
            "SELECT * FROM verdict WHERE seq IN (SELECT max(seq) FROM verdict WHERE complete = 1 "
            "AND snapshot IN {} GROUP BY snapshot)"
        )
        verdicts = {row["snapshot"]: _verdict(row) for row in _in(self._file, newest, ids)}
        return [
            _summary(row, sorted(heads.get(row["id"], ())), verdicts.get(row["id"])) for row in rows
        ]

    def _model(self, row: sqlite3.Row, newest: SnapshotSummary) -> ModelSummary:
        heads = [
            HeadSummary(
                name=head["name"],
                branch=head["branch"],
                target=head["target"],
                moved=head["moved"],
                author=head["author"],
            )
            for head in self._file.ask(
                "SELECT * FROM head WHERE model = ? LIMIT 50", (row["name"],)
            )
        ]
        query = "SELECT * FROM verdict WHERE model = ? AND complete = 1 ORDER BY seq DESC LIMIT 1"
        verdict = next(iter(self._file.ask(query, (row["name"],))), None)
        return ModelSummary(
            name=row["name"],
            count=row["count"],
            newest=newest,
            heads=sorted(heads, key=lambda head: (head.branch != _MAIN, head.branch)),
            verdict=_verdict(verdict) if verdict else None,
            verdict_on=verdict["snapshot"] if verdict else None,
        )


def open_catalogue(workspace: Workspace) -> Catalogue:
    """Return the catalogue of a workspace's store; close it when done."""
    return Catalogue(workspace.store, workspace.cache / "catalogues")


def _enter_details(
    connection: sqlite3.Connection, seq: int, snapshot: Snapshot, sources: str
) -> None:
    notebook = (snapshot.program.notebook or "").rpartition("/")[2]
    holes = snapshot.capture.holes
    said = " ".join([notebook, *snapshot.metrics]).lower()
    connection.execute(
        "UPDATE snapshot SET words = words || ' ' || ?, notebook = ?, path = ?, sources = ?, "
        "metrics = ?, capture = ?, holes = ?, blocking = ?, complete = 1 "
        "WHERE seq = ? AND complete = 0",
        (
            said,
            notebook,
            snapshot.program.notebook or "",
            sources,
            json.dumps(snapshot.metrics),
            snapshot.capture.level,
            len(holes),
            sum(hole.blocking for hole in holes),
            seq,
        ),
    )
    for parent in snapshot.parents:
        connection.execute("INSERT OR IGNORE INTO child VALUES (?, ?)", (parent, seq))


def _enter_verdict(connection: sqlite3.Connection, identifier: str, record: Reproduction) -> None:
    connection.execute(
        "UPDATE verdict SET level = ?, reason = ?, cause = ?, seconds = ?, complete = 1 "
        "WHERE id = ?",
        (record.level, record.reason, record.cause, record.seconds, identifier),
    )
    connection.execute(
        "UPDATE snapshot SET level = (SELECT level FROM verdict WHERE snapshot = ?1 "
        "AND complete = 1 ORDER BY seq DESC LIMIT 1) WHERE id = ?1",
        (record.snapshot,),
    )


def _summary(row: sqlite3.Row, heads: list[str], verdict: VerdictSummary | None) -> SnapshotSummary:
    return SnapshotSummary(
        id=row["id"],
        model=row["model"],
        created=row["created"],
        author=row["author"],
        notebook=row["notebook"],
        metrics=json.loads(row["metrics"]),
        capture=row["capture"],
        holes=row["holes"],
        blocking=row["blocking"],
        verdict=verdict,
        heads=heads,
        complete=bool(row["complete"]),
        problem=row["problem"],
    )


def _verdict(row: sqlite3.Row) -> VerdictSummary:
    return VerdictSummary(
        id=row["id"],
        level=row["level"],
        reason=row["reason"],
        cause=row["cause"],
        created=row["created"],
        author=row["author"],
        seconds=row["seconds"],
    )


def _containing(columns: tuple[str, ...], search: str) -> tuple[list[str], list[str | int]]:
    """Return conditions that each word be in one of some columns, in lower case."""
    conditions: list[str] = []
    values: list[str | int] = []
    for word in search.lower().split()[:_WORDS]:
        escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        conditions.append(
            "(" + " OR ".join(f"{column} LIKE ? ESCAPE '\\'" for column in columns) + ")"
        )
        values += [f"%{escaped}%"] * len(columns)
    return conditions, values


def _where(conditions: list[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _in(file: CatalogueFile, query: str, values: Iterable[str | int]) -> list[sqlite3.Row]:
    """Return what a query with a list in it finds; the list stands at ``{}`` or at its end."""
    wanted = list(values)
    marks = f"({', '.join('?' * len(wanted))})"
    whole = query.replace("{}", marks) if "{}" in query else f"{query} {marks}"
    return file.ask(whole, wanted) if wanted else []
