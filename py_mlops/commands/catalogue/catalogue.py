"""Catalogue: follows a store's log, reads each record once, and answers lists without any read."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from py_mlops.commands.catalogue.file import NEWEST_VERDICT, VERSION, CatalogueFile
from py_mlops.commands.catalogue.follow import Follower
from py_mlops.commands.catalogue.summaries import (
    HeadSummary,
    MetricHistory,
    MetricPoint,
    ModelPage,
    ModelSummary,
    SnapshotPage,
    SnapshotSummary,
    VerdictSummary,
)
from py_mlops.store import Store
from py_mlops.workspace import Workspace

_WORDS = 8
_TOLD = "path != '' AND sources != ''"
_ID_BEGINS = re.compile("(sha256:)?[0-9a-f]{4,64}")
_MAIN = "main"
_NEWEST = f"CAST(substr(max({NEWEST_VERDICT}), -16) AS INTEGER)"
_SOME_HEADS = (
    "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY model "
    "ORDER BY branch != 'main', branch) AS place FROM head WHERE model IN {}) WHERE place <= 50"
)


class Catalogue:
    """Lists of one store.

    What they tell that is not in the log comes from the records, which are
    immutable: each is read once, and the rest is SQL. Nothing in it is the
    truth; deleting its file costs only time.

    Attributes:
        follower: Keeps it as new as the log.
    """

    def __init__(self, store: Store, folder: Path) -> None:
        """Open the catalogue of a store.

        Args:
            store: The store.
            folder: Where catalogues are kept, in the person's cache.
        """
        self._file = CatalogueFile(folder / f"{store.ledger.name()}-{VERSION}.sqlite")
        self.follower = Follower(store, self._file)

    def close(self) -> None:
        """Release its file."""
        self._file.close()

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
        return ModelPage(
            items=self._models(page),
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
        where, values = _containing(("words", "level"), search, "id")
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
            "SELECT * FROM verdict WHERE snapshot = ? AND complete = 1 "  # noqa: S608 - our words
            f"ORDER BY {NEWEST_VERDICT} DESC LIMIT ?"
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

        Snapshots taken at its path come first, those that say the same before
        the newest; without any, it may have been moved or copied here.

        Args:
            sources: Its `sources_digest`.
            path: Its absolute path on this machine; empty when it has none.
        """
        values = {"sources": sources, "path": path}
        for where in ("path = :path AND sources = :sources", "path = :path", "sources = :sources"):
            query = f"SELECT * FROM snapshot WHERE {where} AND {_TOLD} ORDER BY seq DESC LIMIT 1"  # noqa: S608 - words of this module
            if found := self._file.ask(query, values):
                return self._summaries(found)[0], found[0]["sources"] == sources
        return None, False

    def _by_seq(self, places: list[int]) -> list[SnapshotSummary]:
        return self._summaries(_in(self._file, "SELECT * FROM snapshot WHERE seq IN", places))

    def _summaries(self, rows: list[sqlite3.Row]) -> list[SnapshotSummary]:
        ids = [row["id"] for row in rows]
        heads: dict[str, list[str]] = {}
        for row in _in(self._file, "SELECT name, target FROM head WHERE target IN", ids):
            heads.setdefault(row["target"], []).append(row["name"])
        newest = (
            f"SELECT * FROM verdict WHERE seq IN (SELECT {_NEWEST} FROM verdict "  # noqa: S608
            "WHERE complete = 1 AND snapshot IN {} GROUP BY snapshot)"
        )
        verdicts = {row["snapshot"]: _verdict(row) for row in _in(self._file, newest, ids)}
        return [
            _summary(row, sorted(heads.get(row["id"], ())), verdicts.get(row["id"])) for row in rows
        ]

    def _models(self, rows: list[sqlite3.Row]) -> list[ModelSummary]:
        snapshots = {one.model: one for one in self._by_seq([row["newest"] for row in rows])}
        names = [row["name"] for row in rows]
        heads: dict[str, list[HeadSummary]] = {}
        for head in _in(self._file, _SOME_HEADS, names):
            heads.setdefault(head["model"], []).append(_head(head))
        newest = (
            f"SELECT * FROM verdict WHERE seq IN (SELECT {_NEWEST} FROM verdict "  # noqa: S608
            "WHERE complete = 1 AND model IN {} GROUP BY model)"
        )
        verdicts = {row["model"]: row for row in _in(self._file, newest, names)}
        return [
            ModelSummary(
                name=row["name"],
                count=row["count"],
                newest=snapshots[row["name"]],
                heads=sorted(
                    heads.get(row["name"], ()), key=lambda one: (one.branch != _MAIN, one.branch)
                ),
                verdict=_verdict(found) if (found := verdicts.get(row["name"])) else None,
                verdict_on=found["snapshot"] if found else None,
            )
            for row in rows
        ]


def open_catalogue(workspace: Workspace) -> Catalogue:
    """Return the catalogue of a workspace's store; close it when done."""
    return Catalogue(workspace.store, workspace.cache / "catalogues")


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


def _head(row: sqlite3.Row) -> HeadSummary:
    return HeadSummary(
        name=row["name"],
        branch=row["branch"],
        target=row["target"],
        moved=row["moved"],
        author=row["author"],
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


def _containing(
    columns: tuple[str, ...], search: str, identifier: str = ""
) -> tuple[list[str], list[str | int]]:
    """Return conditions that each word be in one of some columns, or begin an id."""
    conditions: list[str] = []
    values: list[str | int] = []
    for word in search.lower().split()[:_WORDS]:
        escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        each = [f"{column} LIKE ? ESCAPE '\\'" for column in columns]
        found = [f"%{escaped}%"] * len(columns)
        if identifier and _ID_BEGINS.fullmatch(word):
            each.append(f"{identifier} LIKE ?")
            found.append(f"sha256:{word.removeprefix('sha256:')}%")
        conditions.append(f"({' OR '.join(each)})")
        values += found
    return conditions, values


def _where(conditions: list[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _in(file: CatalogueFile, query: str, values: Iterable[str | int]) -> list[sqlite3.Row]:
    """Return what a query with a list in it finds; the list stands at ``{}`` or at its end."""
    wanted = list(values)
    marks = f"({', '.join('?' * len(wanted))})"
    whole = query.replace("{}", marks) if "{}" in query else f"{query} {marks}"
    return file.ask(whole, wanted) if wanted else []
