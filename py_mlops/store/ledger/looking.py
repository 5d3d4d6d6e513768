"""What an append, or one who asks for a head, must know of the ledger's tables first."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, bindparam, func, literal, or_, select
from sqlalchemy.exc import DBAPIError

from py_mlops.errors import Corrupt
from py_mlops.store.base import Entry, Row
from py_mlops.store.failures import not_understood
from py_mlops.store.ledger.revisions import check_format
from py_mlops.store.ledger.schema import DAMAGED, Columns, from_columns, head, log, meta, node
from py_mlops.store.ledger.together import Answer, Question, together

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

_newest = select(func.max(log.c.seq).label("newest")).where(log.c.head == bindparam("of"))
_moved = _newest.subquery()
_HEAD = select(
    head.c.name,
    head.c.record.label("points_at"),
    _moved.c.newest,
    log,
).select_from(
    _moved.outerjoin(head, head.c.name == bindparam("of")).outerjoin(log, log.c.seq == head.c.seq)
)
"""The same of one head, in one row also when there is none."""

_HOLD = (
    select(meta)
    .where(or_(meta.c.key == "format", meta.c.key == "size", meta.c.key == "store"))
    .order_by(meta.c.key)
    .with_for_update()
)
_LAST = select(func.max(log.c.seq).label("seq"))

_whole = select(
    literal(0).label("level"), (func.coalesce(_LAST.scalar_subquery(), -1) + 1).label("count")
).cte("tree", recursive=True)
_tree = _whole.union_all(select(_whole.c.level + 1, _whole.c.count // 2).where(_whole.c.count > 1))
_PEAKS = (
    select(
        _tree.c.level,
        (_tree.c.count - 1).label("index"),
        func.coalesce(node.c.hash, log.c.leaf).label("hash"),
    )
    .outerjoin(node, and_(node.c.level == _tree.c.level, node.c.index == _tree.c.count - 1))
    .outerjoin(log, and_(_tree.c.level == 0, log.c.seq == _tree.c.count - 1))
    .where(_tree.c.count % 2 == 1)
)
"""The complete subtrees that the log consists of: of each level, the last one without a sibling."""

_NODE = select(node.c.hash).where(
    node.c.level == bindparam("level"), node.c.index == bindparam("index")
)
_LEAF = select(log.c.leaf).where(log.c.seq == bindparam("index"))


class Nodes:
    """Finds complete subtrees in the database and remembers them for one transaction."""

    def __init__(
        self, connection: Connection, found: dict[tuple[int, int], bytes] | None = None
    ) -> None:
        """Look for them in a connection's transaction.

        Args:
            connection: The connection.
            found: Those that are known, by level and index.
        """
        self._connection = connection
        self._found = {} if found is None else found

    def __call__(self, level: int, index: int) -> bytes:
        """Return one's hash."""
        if (level, index) not in self._found:
            self._found[level, index] = self._look_up(level, index)
        return self._found[level, index]

    def __setitem__(self, place: tuple[int, int], digest: bytes) -> None:
        """Remember one that was just completed."""
        self._found[place] = digest

    def _look_up(self, level: int, index: int) -> bytes:
        query = _NODE if level else _LEAF
        found = self._connection.scalar(query, {"level": level, "index": index})
        if found is None:
            raise Corrupt(f"The ledger lacks subtree {index} of level {level}.", hint=DAMAGED)
        return bytes(found)


class Look(NamedTuple):
    """What an append finds.

    Attributes:
        store: The store's own name.
        size: How many rows the log has.
        nodes: Its complete subtrees.
        present: The rows of those entries that it has, by their records' ids.
        head: What it says of the head that is to move; empty when none is.
    """

    store: str
    size: int
    nodes: Nodes
    present: dict[str, Row]
    head: Columns


def hold(connection: Connection) -> str:
    """Wait until no other writer appends, and see from then on all that others have.

    SQLite's writers are alone from the beginning of their transactions; in
    PostgreSQL it is the lock on these rows.

    Returns:
        The store's own name.

    Raises:
        StoreFormat: When a newer version has changed the tables meanwhile.
    """
    (rows,) = together(connection, [Question(_HOLD, {})], begins=True)
    return _held(rows)


def _held(rows: Answer) -> str:
    found = {row["key"]: row["value"] for row in rows}
    check_format(found.get("format"))
    return str(found.get("store"))


def look(connection: Connection, entries: Sequence[Entry], name: str | None) -> Look:
    """Take `hold`'s lock and find all that an append must know; a server is asked once.

    Args:
        connection: In a writing transaction.
        entries: What is to be appended.
        name: The head that is to move; ``None`` when none is.

    Raises:
        Corrupt: When a row of an entry was altered.
        StoreFormat: When a newer version has changed the tables meanwhile.
    """
    ids = [entry.record for entry in entries]
    parts = [ids[start : start + _VARIABLES] for start in range(0, len(ids), _VARIABLES)]
    questions = [
        Question(_HOLD, {}),
        Question(_LAST, {}),
        Question(_PEAKS, {}),
        asking(name),
        *(
            Question(_present(len(part)), {f"id_{n}": one for n, one in enumerate(part)})
            for part in parts
        ),
    ]
    try:
        held, last, peaks, pointed, *present = together(connection, questions, begins=True)
    except DBAPIError as error:
        if not_understood(error):
            # Tables of a newer version, perhaps: that alone can be asked of any.
            driver: Any = connection.connection.driver_connection
            driver.rollback()
            hold(connection)
        raise
    store = _held(held)
    rows = [from_columns(columns) for some in present for columns in some]
    known = {(one["level"], one["index"]): one["hash"] for one in peaks if one["hash"] is not None}
    return Look(
        store=store,
        size=_size(last[0]["seq"]),
        nodes=Nodes(connection, known),
        present={row.record: row for row in rows},
        head=pointed[0],
    )


@lru_cache(maxsize=32)
def _present(count: int) -> Select[Any]:
    """Return the question for the rows of some records."""
    return select(log).where(log.c.record.in_([bindparam(f"id_{n}") for n in range(count)]))


def asking(name: str | None) -> Question:
    """Return the question for one head, to whose answer of one row goes `pointed_at`."""
    return Question(_HEAD, {"of": name})


def point(connection: Connection, name: str) -> str | None:
    """Return what one head points at, checked as in `points`; one question."""
    ((columns,),) = together(connection, [asking(name)])
    return pointed_at(columns, name)


def pointed_at(columns: Columns, name: str) -> str | None:
    """Return what a head points at by the answer to the question for it."""
    if columns["name"] is not None:
        return _checked(columns)
    if columns["newest"] is not None:
        raise _missing(name, columns["newest"])
    return None


def points(connection: Connection) -> dict[str, str]:
    """Return all heads, each checked against the newest row of the log that moved it."""
    rows = connection.execute(_HEADS).mappings()
    found = {str(columns["name"]): _checked(columns) for columns in rows}
    moves = select(log.c.head, func.max(log.c.seq)).where(log.c.head.is_not(None))
    for moved, seq in connection.execute(moves.group_by(log.c.head)):
        if moved not in found:
            raise _missing(moved, seq)
    return found


def _checked(columns: Columns) -> str:
    moved = from_columns(columns).move if columns["seq"] is not None else None
    agrees = moved and (moved.head, moved.target) == (columns["name"], columns["points_at"])
    if not agrees or columns["newest"] != columns["seq"]:
        raise Corrupt(
            f"Head {columns['name']} was altered: the log does not say "
            f"that it points at {columns['points_at']}.",
            hint=DAMAGED,
        )
    return str(columns["points_at"])


def _missing(name: str, seq: int) -> Corrupt:
    return Corrupt(f"Head {name} is missing; row {seq} of the log moved it.", hint=DAMAGED)


def size_of(connection: Connection) -> int:
    """Return how many rows the log has."""
    return _size(connection.scalar(_LAST))


def _size(last: Any) -> int:
    return 0 if last is None else int(last) + 1
