"""What happens to the ledger's tables within one transaction: look, compare, append, move."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import (
    CompoundSelect,
    Connection,
    RowMapping,
    bindparam,
    case,
    delete,
    func,
    literal,
    select,
    union_all,
    update,
)

from py_mlops.errors import Corrupt, HeadMoved, InputError
from py_mlops.records import LogSignature, is_digest
from py_mlops.store.base import Entry, Move, Row, Sign
from py_mlops.store.ledger import merkle
from py_mlops.store.ledger.notices import NOTICE
from py_mlops.store.ledger.revisions import check_format
from py_mlops.store.ledger.schema import (
    DAMAGED,
    from_columns,
    head,
    log,
    meta,
    node,
    signature,
    to_columns,
)

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
    select(func.max(_moves.c.seq)).scalar_subquery().label("last"),
    log,
).select_from(
    _moved.outerjoin(head, head.c.name == bindparam("of")).outerjoin(log, log.c.seq == head.c.seq)
)
"""The same of one head, in one row also when there is none, and the log's last position."""

_HOLD = (
    select(meta)
    .where(meta.c.key.in_(("format", "size")))
    .order_by(meta.c.key)
    .with_for_update()
)  # fmt: skip
_PRESENT = select(log).where(log.c.record.in_(bindparam("ids", expanding=True)))
_LAST = select(func.max(log.c.seq))
_SIZE_AND_ROOT = (
    update(meta)
    .where(meta.c.key.in_(("size", "root")))
    .values(value=case((meta.c.key == "size", bindparam("size")), else_=bindparam("root")))
)
_SIZE_AND_ROOT_TOLD = _SIZE_AND_ROOT.returning(NOTICE)
"""The same, and whoever listens at the server is told once it is committed."""

_MOVE = (
    update(head)
    .where(head.c.name == bindparam("of"))
    .values(record=bindparam("to"), seq=bindparam("at"))
)


def append(
    connection: Connection, entries: Sequence[Entry], move: Move | None, sign: Sign | None = None
) -> list[Row]:
    """Append what the log lacks of some entries, and move a head with the last of them.

    Args:
        connection: In a writing transaction that holds `hold`'s lock.
        entries: Checked with `check`.
        move: The head's move.
        sign: Signs the log as it then is.

    Returns:
        The row of each entry.

    Raises:
        HeadMoved: When the head does not point at ``move.previous``.
        InputError: When the head would move without a new row that records it.
        Corrupt: When what is there is not what was appended.
    """
    present = _present(connection, entries)
    unique = {entry.record: entry for entry in entries}
    fresh = [entry for entry in unique.values() if entry.record not in present]
    if fresh:
        size = _check_head(connection, move) if move else size_of(connection)
        rows = _extend(connection, size, fresh, move, sign)
        if move:
            _move_head(connection, move, rows[-1].seq)
        present |= {row.record: row for row in rows}
    elif move:
        _check_repeated(move, present.values())
    return [present[entry.record] for entry in entries]


def hold(connection: Connection) -> None:
    """Wait until no other writer appends, and see from then on all that others have.

    SQLite's writers are alone from the beginning of their transactions; in
    PostgreSQL it is the lock on these rows.

    Raises:
        StoreFormat: When a newer version has changed the tables meanwhile.
    """
    rows = connection.execute(_HOLD)
    check_format({key: value for key, value in rows}.get("format"))  # noqa: C416 - rows are no pairs to mypy


class Nodes:
    """Finds complete subtrees in the database and remembers them for one transaction."""

    def __init__(self, connection: Connection) -> None:
        """Look for them in a connection's transaction."""
        self._connection = connection
        self._found: dict[tuple[int, int], bytes] = {}

    def __call__(self, level: int, index: int) -> bytes:
        """Return one's hash."""
        if (level, index) not in self._found:
            self.fetch([(level, index)])
        return self._found[level, index]

    def __setitem__(self, place: tuple[int, int], digest: bytes) -> None:
        """Remember one that was just completed."""
        self._found[place] = digest

    def fetch(self, places: Sequence[tuple[int, int]]) -> None:
        """Look several up at once."""
        query = _subtrees(tuple(level == 0 for level, _ in places))
        values = {
            f"{name}_{number}": value
            for number, place in enumerate(places)
            for name, value in zip(("level", "index"), place, strict=True)
            if name == "index" or place[0]
        }
        for level, index, digest in self._connection.execute(query, values):
            self._found[level, index] = digest
        for level, index in places:
            if (level, index) not in self._found:
                raise Corrupt(
                    f"The ledger lacks subtree {index} of level {level}.",
                    hint=DAMAGED,
                )


@lru_cache(maxsize=256)
def _subtrees(leaves: tuple[bool, ...]) -> CompoundSelect[Any]:
    """Return the question for some subtrees; for each, whether it is a leaf."""
    # A condition for each: SQLite uses no index for `(level, index) IN (…)`.
    leaf = select(literal(0), log.c.seq, log.c.leaf)
    inner = select(node.c.level, node.c.index, node.c.hash)
    return union_all(
        *(
            leaf.where(log.c.seq == bindparam(f"index_{number}"))
            if is_leaf
            else inner.where(
                node.c.level == bindparam(f"level_{number}"),
                node.c.index == bindparam(f"index_{number}"),
            )
            for number, is_leaf in enumerate(leaves)
        )
    )


def check(entries: Sequence[Entry], move: Move | None) -> None:
    """Refuse what no ledger can hold.

    Raises:
        InputError: When an id is no digest, or a head's name no text.
    """
    digests = [entry.record for entry in entries]
    digests += [move.target, move.previous or move.target] if move else []
    for digest in digests:
        if not is_digest(digest):
            raise InputError(
                f"{str(digest)[:80]!r} is not a record's id.",
                hint="An id is `sha256:` and 64 hexadecimal digits.",
            )
    if move and "\0" in move.head:
        raise InputError("A head's name holds a NUL character.", hint="Name it in plain text.")


def _present(connection: Connection, entries: Sequence[Entry]) -> dict[str, Row]:
    ids = [entry.record for entry in entries]
    found = {}
    for start in range(0, len(ids), _VARIABLES):
        some = {"ids": ids[start : start + _VARIABLES]}
        for columns in connection.execute(_PRESENT, some).mappings():
            found[columns["record"]] = from_columns(columns)
    return found


def _check_repeated(move: Move, present: Iterable[Row]) -> None:
    """Accept an append that the log holds already: its answer was lost."""
    if all(row.move != move for row in present):
        raise InputError(
            f"{move.head} cannot move without a new record that says so.",
            hint="Append a head-move record together with the move.",
        )


def _check_head(connection: Connection, move: Move) -> int:
    """Refuse when a head does not point where its mover says; return the log's size."""
    current, size = point(connection, move.head)
    if current != move.previous:
        raise HeadMoved(
            f"{move.head} points at {current or 'nothing'}, not at {move.previous or 'nothing'}.",
            hint="Someone else moved it meanwhile: look at `mlops log` and try again.",
        )
    return size


def _extend(
    connection: Connection,
    size: int,
    fresh: Sequence[Entry],
    move: Move | None,
    sign: Sign | None,
) -> list[Row]:
    """Append rows, the subtrees they complete, the new size and root, and a signature over them."""
    nodes = Nodes(connection)
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
    root = merkle.root(size, nodes)
    told = connection.dialect.name == "postgresql"  # who waits for SQLite watches its file
    become = _SIZE_AND_ROOT_TOLD if told else _SIZE_AND_ROOT
    connection.execute(become, {"size": str(size), "root": root.hex()})
    if sign is not None:
        name = connection.scalar(select(meta.c.value).where(meta.c.key == "store"))
        enter(connection, [sign(str(name), size, root, len(rows))])
    return rows


def enter(connection: Connection, signatures: Iterable[LogSignature | None]) -> None:
    """Enter signatures over the log, as far as there are any."""
    for one in signatures:
        if one is not None:
            connection.execute(delete(signature).where(signature.c.size == one.size))
            connection.execute(signature.insert().values(msgspec.structs.asdict(one)))


def _columns(row: Row) -> Mapping[str, Any]:
    try:
        return to_columns(row)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{row.record} cannot be entered in the ledger: {error}.",
            hint="Kind, subject, author and time must be text.",
        ) from error


def _move_head(connection: Connection, move: Move, seq: int) -> None:
    if move.previous is None:
        connection.execute(head.insert(), {"name": move.head, "record": move.target, "seq": seq})
    else:
        connection.execute(_MOVE, {"of": move.head, "to": move.target, "at": seq})


def point(connection: Connection, name: str) -> tuple[str | None, int]:
    """Return what one head points at, checked as in `points`, and the log's size; one question."""
    columns = connection.execute(_HEAD, {"of": name}).mappings().one()
    size = 0 if columns["last"] is None else int(columns["last"]) + 1
    if columns["name"] is not None:
        return _checked(columns), size
    if columns["newest"] is not None:
        raise _missing(name, columns["newest"])
    return None, size


def points(connection: Connection) -> dict[str, str]:
    """Return all heads, each checked against the newest row of the log that moved it."""
    rows = connection.execute(_HEADS).mappings()
    found = {str(columns["name"]): _checked(columns) for columns in rows}
    moves = select(log.c.head, func.max(log.c.seq)).where(log.c.head.is_not(None))
    for moved, seq in connection.execute(moves.group_by(log.c.head)):
        if moved not in found:
            raise _missing(moved, seq)
    return found


def _checked(columns: RowMapping) -> str:
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
    newest = connection.scalar(_LAST)
    return 0 if newest is None else int(newest) + 1
