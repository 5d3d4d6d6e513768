"""Asks the index of lineage: who made some bytes, who read them, and what came of it all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, TextClause, bindparam, select, text

from py_mlops.errors import StoreUnavailable
from py_mlops.progress import Report, silent
from py_mlops.store.base import Blobs
from py_mlops.store.edges import Link, Point, key_of
from py_mlops.store.failures import is_forbidden
from py_mlops.store.ledger.beside import Beside
from py_mlops.store.ledger.database import Database
from py_mlops.store.ledger.indexing import Batch, Indexer, mark
from py_mlops.store.ledger.schema import lineage_edge, lineage_gap, lineage_node
from py_mlops.store.links import Consumer, Maker, Use

_VARIABLES = 500
_MODULUS = 1 << 256

_MAKERS = text("""
SELECT made, min(seq), count(DISTINCT seq) FROM (
  SELECT f.key AS made, s.seq FROM lineage_node f
  JOIN lineage_edge e ON e.target = f.id JOIN lineage_node s ON s.id = e.source
  WHERE f.key IN :keys AND f.kind = 'file' AND s.kind = 'snapshot'
  UNION ALL
  SELECT f.key AS made, s.seq FROM lineage_node f
  JOIN lineage_edge m ON m.target = f.id JOIN lineage_node g ON g.id = m.source
  JOIN lineage_edge e ON e.target = g.id JOIN lineage_node s ON s.id = e.source
  WHERE f.key IN :keys AND f.kind = 'file' AND g.kind = 'folder-made'
) AS makers GROUP BY made
""").bindparams(bindparam("keys", expanding=True))

_FOLDER_MAKERS = text("""
SELECT seq, count(DISTINCT member) AS files FROM (
  SELECT m.source AS member, s.seq FROM lineage_node h
  JOIN lineage_edge m ON m.target = h.id
  JOIN lineage_edge e ON e.target = m.source JOIN lineage_node s ON s.id = e.source
  WHERE h.key = :key AND h.kind = 'folder-read' AND s.kind = 'snapshot'
  UNION ALL
  SELECT m.source AS member, s.seq FROM lineage_node h
  JOIN lineage_edge m ON m.target = h.id
  JOIN lineage_edge w ON w.target = m.source JOIN lineage_node g ON g.id = w.source
  JOIN lineage_edge e ON e.target = g.id JOIN lineage_node s ON s.id = e.source
  WHERE h.key = :key AND h.kind = 'folder-read' AND g.kind = 'folder-made'
) AS makers GROUP BY seq ORDER BY files DESC, seq LIMIT :most
""")

_USES = text("""
SELECT seq, role, name, folder FROM (
  SELECT a.seq, e.role, e.name, g.key AS folder FROM lineage_node f
  JOIN lineage_edge m ON m.source = f.id JOIN lineage_node g ON g.id = m.target
  JOIN lineage_edge e ON e.source = g.id JOIN lineage_node a ON a.id = e.target
  WHERE f.key = :key AND f.kind = :kind AND a.seq IS NOT NULL
  UNION ALL
  SELECT a.seq, e.role, e.name, g.key AS folder FROM lineage_node f
  JOIN lineage_edge m ON m.target = f.id JOIN lineage_node g ON g.id = m.source
  JOIN lineage_edge e ON e.target = g.id JOIN lineage_node a ON a.id = e.source
  WHERE f.key = :key AND f.kind = :kind AND a.seq IS NOT NULL
  UNION ALL
  SELECT a.seq, e.role, e.name, NULL AS folder FROM lineage_node f
  JOIN lineage_edge e ON e.source = f.id JOIN lineage_node a ON a.id = e.target
  WHERE f.key = :key AND f.kind = :kind AND a.seq IS NOT NULL
  UNION ALL
  SELECT a.seq, e.role, e.name, NULL AS folder FROM lineage_node f
  JOIN lineage_edge e ON e.target = f.id JOIN lineage_node a ON a.id = e.source
  WHERE f.key = :key AND f.kind = :kind AND a.seq IS NOT NULL
) AS uses ORDER BY seq, role, name LIMIT :most
""")

_OUTS = """
WITH start AS (SELECT id, kind FROM lineage_node WHERE key = :key AND kind = :kind),
outs AS (
  SELECT id AS file FROM start WHERE kind <> 'snapshot'
  UNION
  SELECT f.id FROM start JOIN lineage_edge e ON e.source = start.id
  JOIN lineage_node f ON f.id = e.target WHERE start.kind = 'snapshot' AND f.kind = 'file'
  UNION
  SELECT m.target FROM start JOIN lineage_edge e ON e.source = start.id
  JOIN lineage_node g ON g.id = e.target JOIN lineage_edge m ON m.source = g.id
  WHERE start.kind = 'snapshot' AND g.kind = 'folder-made'
),
readers AS (
  SELECT t.seq, outs.file FROM outs JOIN lineage_edge e ON e.source = outs.file
  JOIN lineage_node t ON t.id = e.target WHERE t.kind = 'snapshot'
  UNION
  SELECT t.seq, outs.file FROM outs JOIN lineage_edge m ON m.source = outs.file
  JOIN lineage_node h ON h.id = m.target JOIN lineage_edge e ON e.source = h.id
  JOIN lineage_node t ON t.id = e.target
  WHERE h.kind IN ('folder-read', 'wheels') AND t.kind = 'snapshot'
)
"""

_COUNT_CONSUMERS = text(
    f"""{_OUTS} SELECT count(DISTINCT seq) FROM readers
WHERE seq NOT IN (SELECT seq FROM lineage_node WHERE key = :key AND kind = 'snapshot')"""  # noqa: S608 - our own words
)

_CONSUMERS = text(
    f"""{_OUTS} SELECT found.seq, found.files, n.key FROM (
  SELECT seq, count(DISTINCT file) AS files, min(file) AS one FROM readers
  WHERE seq NOT IN (SELECT seq FROM lineage_node WHERE key = :key AND kind = 'snapshot')
  GROUP BY seq ORDER BY seq LIMIT :most
) AS found JOIN lineage_node n ON n.id = found.one ORDER BY found.seq"""  # noqa: S608 - our own words
)


def _reach(near: str, far: str, leaving_out: str) -> TextClause:
    """Return the query of all snapshots that are reached; a circle ends where it began."""
    return text(f"""
WITH RECURSIVE reached(id) AS (
  SELECT id FROM lineage_node WHERE key = :key AND kind = :kind
  UNION
  SELECT e.{far} FROM reached JOIN lineage_edge e ON e.{near} = reached.id
  WHERE e.role NOT IN ({leaving_out})
)
SELECT n.seq FROM reached JOIN lineage_node n ON n.id = reached.id
WHERE n.kind = 'snapshot' AND NOT (n.key = :key AND n.kind = :kind) LIMIT :most
""")  # noqa: S608 - our own words


_UPSTREAM = _reach("target", "source", "'did', 'environment', 'notebook', 'asked', 'reached'")
_DOWNSTREAM = _reach("source", "target", "'rerun'")


class SqlLineage:
    """The index of lineage beside a ledger, see `Lineage`."""

    def __init__(self, beside: Beside, blobs: Blobs) -> None:
        """Remember where it is; nothing is opened yet."""
        self._beside, self._blobs = beside, blobs
        self._behind = ""

    def catch_up(self, *, report: Report = silent) -> None:
        """Index every row that is not indexed yet, see `Lineage`."""
        self._beside.renew()
        try:
            self._indexer.catch_up(report=report)
        except StoreUnavailable as error:
            if self._beside.instead(error):
                self._indexer.catch_up(report=report)
            elif is_forbidden(error):
                self._behind = f"The newest records are not in the index: {error.message}"
            else:
                raise

    def keep_up(self) -> None:
        """Index the newest rows if that is little work, see `Lineage`."""
        self._indexer.catch_up(hurried=True)

    def forget(self) -> None:
        """Empty the index, see `Lineage`."""
        self._indexer.forget()

    def gaps(self) -> list[str]:
        """Return what could not be indexed, see `Lineage`."""
        query = select(lineage_gap.c.text).order_by(lineage_gap.c.seq)
        known = [str(row[0]) for row in self._ask(query)]
        return [self._behind, *known] if self._behind else known

    def makers(self, digests: Sequence[str]) -> dict[str, Maker]:
        """Return who made each of some bytes, see `Lineage`."""
        found = {}
        for begin in range(0, len(digests), _VARIABLES):
            keys = [key_of(digest) for digest in digests[begin : begin + _VARIABLES]]
            for key, seq, count in self._ask(_MAKERS, keys=keys):
                found[_digest(key)] = Maker(seq, count)
        return found

    def folder_makers(self, manifest: str, limit: int) -> list[tuple[int, int]]:
        """Return who made the files of a folder, see `Lineage`."""
        rows = self._ask(_FOLDER_MAKERS, key=key_of(manifest), most=limit)
        return [(seq, files) for seq, files in rows]

    def uses(self, point: Point, limit: int) -> list[Use]:
        """Return the records that something is linked with, see `Lineage`."""
        rows = self._ask(_USES, key=point.key, kind=point.kind, most=limit)
        return [
            Use(seq, role, name, _digest(folder) if folder else "")
            for seq, role, name, folder in rows
        ]

    def consumers(self, point: Point, limit: int) -> tuple[int, list[Consumer]]:
        """Return who read a file or a snapshot's outputs, see `Lineage`."""
        words = {"key": point.key, "kind": point.kind}
        count = self._ask(_COUNT_CONSUMERS, **words)[0][0]
        rows = self._ask(_CONSUMERS, most=limit, **words)
        return count, [Consumer(seq, files, _digest(key)) for seq, files, key in rows]

    def upstream(self, point: Point, limit: int) -> list[int]:
        """Return the snapshots that something came from, see `Lineage`."""
        return self._reached(_UPSTREAM, point, limit)

    def downstream(self, point: Point, limit: int) -> list[int]:
        """Return the snapshots that came from something, see `Lineage`."""
        return self._reached(_DOWNSTREAM, point, limit)

    def differences(self) -> Iterator[str]:
        """Compute the index again and compare, see `Lineage`."""
        marked, found = self._database.run("Reading", _summed)
        if marked < 0:
            yield "The index of lineage is not of this log; it is made anew when it is next asked."
            return
        if self.gaps():
            return  # what is missing is named where the records are verified
        expected = 0
        for batch in self._indexer.batches(marked):
            if batch.gaps:
                return
            expected += sum(_number(*_told(batch, link)) for link in batch.links)
        if expected % _MODULUS != found:
            yield (
                "The index of lineage was altered: it does not follow from the records. "
                "Make it anew with `mlops verify --rebuild`."
            )

    @property
    def _database(self) -> Database:
        return self._beside.database

    @property
    def _indexer(self) -> Indexer:
        return Indexer(self._database, self._blobs)

    def _reached(self, query: TextClause, point: Point, limit: int) -> list[int]:
        rows = self._ask(query, key=point.key, kind=point.kind, most=limit)
        return sorted(row[0] for row in rows if row[0] is not None)

    def _ask(self, query: Any, **words: Any) -> Sequence[Any]:
        def work(connection: Connection) -> Sequence[Any]:
            if connection.dialect.name == "postgresql":
                # From one thing to its neighbours it is always by index; the planner, which cannot
                # know how few they are, would read whole tables.
                connection.exec_driver_sql("SET LOCAL enable_hashjoin = off")
                connection.exec_driver_sql("SET LOCAL enable_mergejoin = off")
            return connection.execute(query, words).all()

        return self._database.run("Reading", work)


def _summed(connection: Connection) -> tuple[int, int]:
    """Return how many rows are indexed, and a sum over all links, whatever their order."""
    source, target = lineage_node.alias(), lineage_node.alias()
    query = (
        select(
            *(source.c.kind, source.c.key, source.c.seq),
            *(target.c.kind, target.c.key, target.c.seq),
            *(lineage_edge.c.role, lineage_edge.c.name),
        )
        .join_from(lineage_edge, source, source.c.id == lineage_edge.c.source, isouter=True)
        .join(target, target.c.id == lineage_edge.c.target, isouter=True)
    )
    with connection.execute(query.execution_options(yield_per=1000)) as rows:
        total = sum(_number(*row) for row in rows)
    return mark(connection), total % _MODULUS


def _told(batch: Batch, link: Link) -> Iterator[object]:
    for point in (link.source, link.target):
        yield from (point.kind, point.key, batch.acts.get(point))
    yield from (link.role, link.name)


def _number(*told: object) -> int:
    plain = (bytes(one) if isinstance(one, memoryview) else one for one in told)
    return int.from_bytes(hashlib.sha256(repr(tuple(plain)).encode(errors="replace")).digest())


def _digest(key: bytes) -> str:
    return "sha256:" + bytes(key).hex()
