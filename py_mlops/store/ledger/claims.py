"""Leases on objects, and the tombstones of those that nothing needs, in the ledger's database."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, RowMapping, func, literal_column, select, update
from sqlalchemy import delete as delete_from
from sqlalchemy.dialects import postgresql, sqlite

from py_mlops.store.ledger.database import Database
from py_mlops.store.ledger.schema import claim as table

T = TypeVar("T")

DAY = 86400
"""Seconds in which a writer surely comes from its first byte to its row in the ledger."""

_SLICE = 250
_INSERT: dict[str, Callable[..., Any]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}
_LATER: dict[str, Callable[..., ColumnElement[float]]] = {
    "sqlite": func.max,
    "postgresql": func.greatest,
}
_NOW = {
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",
    "postgresql": "extract(epoch FROM clock_timestamp())::float",
}


class Claims:
    """Who may rely on an object being there, and since when nobody may.

    A writer claims the objects it puts before it appends the record that names
    them. The garbage collector buries what nothing reaches and nobody claims;
    a grace period later it removes what is buried still. Claiming digs up.
    """

    def __init__(self, database: Database, clock: Callable[[], float] | None = None) -> None:
        """Use the ledger's database.

        Args:
            database: The ledger's; its tables are there.
            clock: Seconds since 1970; by default the database's own clock,
                so that it does not matter how the writers' clocks go.
        """
        self._database = database
        self._clock = clock

    def claim(self, digests: Collection[str], seconds: float = DAY) -> set[str]:
        """Keep objects from the garbage collector for some time, whether they exist or not.

        Args:
            digests: Their names.
            seconds: For how long.

        Returns:
            Those that were buried: they may have been removed. What one knew
            of them before the call is to be looked up again.

        Raises:
            StoreUnavailable: When the database does not answer.
        """
        ordered = iter(sorted(set(digests)))  # in one order, so that writers do not block in rings

        def work(part: list[str], connection: Connection) -> set[str]:
            buried = select(table.c.digest).where(
                table.c.digest.in_(part), table.c.buried.is_not(None)
            )
            # Waits for a removal that has begun.
            found = set(connection.scalars(buried.order_by(table.c.digest).with_for_update()))
            until = self._now(connection) + seconds
            insert = _INSERT[self._database.dialect](table)
            later = _LATER[self._database.dialect](table.c.until, insert.excluded.until)
            connection.execute(
                insert.on_conflict_do_update(
                    index_elements=["digest"], set_={"until": later, "buried": None}
                ),
                [{"digest": digest, "until": until} for digest in part],
            )
            return found

        found: set[str] = set()
        while part := list(islice(ordered, _SLICE)):
            found |= self._run(partial(work, part))
        return found

    def bury(self, digest: str, grace: float, remove: Callable[[], bool]) -> bool:
        """Bury an object that nothing reaches; remove it when it lay buried long enough.

        Args:
            digest: Its name.
            grace: Seconds that it must have been buried; 0 removes it at once,
                whoever claims it.
            remove: Removes it, and says whether it was there; no writer can
                claim it meanwhile.

        Returns:
            Whether it was removed.
        """

        def work(connection: Connection) -> bool:
            now = self._now(connection)
            if grace and not self._is_due(connection, digest, now, grace):
                return False
            removed = remove()
            mine = table.c.digest == digest
            if removed and grace:
                # A writer that saw the object before shall find this, and look again.
                connection.execute(update(table).where(mine).values(buried=now))
            else:
                connection.execute(delete_from(table).where(mine))
            return removed

        return self._run(work)

    def forget(self, grace: float, is_there: Callable[[str], bool]) -> None:
        """Drop the tombstones of objects that are long gone, and claims that ended long ago."""

        def work(connection: Connection) -> list[str]:
            now = self._now(connection)
            ended = table.c.buried.is_(None) & (table.c.until < now - grace)
            connection.execute(delete_from(table).where(ended))
            query = select(table.c.digest).where(table.c.buried <= now - grace)
            return list(connection.scalars(query))

        for digest in self._run(work):
            if not is_there(digest):
                self.bury(digest, grace, lambda: False)

    def _is_due(self, connection: Connection, digest: str, now: float, grace: float) -> bool:
        mine = table.c.digest == digest
        row: RowMapping | None = (
            connection.execute(select(table).where(mine).with_for_update()).mappings().first()
        )
        if row is None:
            tombstone = _INSERT[self._database.dialect](table).on_conflict_do_nothing()
            connection.execute(tombstone.values(digest=digest, until=0.0, buried=now))
            return False
        if row["buried"] is None:
            if row["until"] < now:
                connection.execute(update(table).where(mine).values(buried=now))
            return False
        return bool(row["buried"] <= now - grace)

    def _now(self, connection: Connection) -> float:
        if self._clock is not None:
            return self._clock()
        now: ColumnElement[float] = literal_column(_NOW[self._database.dialect])
        return float(connection.scalar(select(now)) or 0.0)

    def _run(self, work: Callable[[Connection], T]) -> T:
        return self._database.run("Claiming objects in", work, writing=True)
