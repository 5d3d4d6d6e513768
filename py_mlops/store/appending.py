"""What happens to the ledger's tables within one transaction: look, compare, append, move."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    Connection,
    bindparam,
    delete,
    func,
    literal,
    select,
    union_all,
    update,
)

from py_mlops.errors import Corrupt, HeadMoved, InputError
from py_mlops.records import LogSignature, is_digest
from py_mlops.store import merkle
from py_mlops.store.base import Entry, Move, Row, Sign
from py_mlops.store.revisions import check_format
from py_mlops.store.schema import (
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


_META = update(meta).where(meta.c.key == bindparam("of")).values(value=bindparam("to"))


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
        if move:
            _check_head(connection, move)
        rows = _extend(connection, fresh, move, sign)
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
    keys = meta.c.key.in_(("format", "size"))
    rows = connection.execute(select(meta).where(keys).order_by(meta.c.key).with_for_update())
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
                    hint=DAMAGED,
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
    current = points(connection, move.head).get(move.head)
    if current != move.previous:
        raise HeadMoved(
            f"{move.head} points at {current or 'nothing'}, not at {move.previous or 'nothing'}.",
            hint="Someone else moved it meanwhile: look at `mlops log` and try again.",
        )


def _extend(
    connection: Connection, fresh: Sequence[Entry], move: Move | None, sign: Sign | None
) -> list[Row]:
    """Append rows, the subtrees they complete, the new size and root, and a signature over them."""
    size, nodes = size_of(connection), Nodes(connection)
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
    after = [("size", str(size)), ("root", root.hex())]
    connection.execute(_META, [{"of": key, "to": value} for key, value in after])
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
    values = {"record": move.target, "seq": seq}
    if move.previous is None:
        connection.execute(head.insert().values(name=move.head, **values))
    else:
        connection.execute(update(head).where(head.c.name == move.head).values(values))


def points(connection: Connection, name: str | None) -> dict[str, str]:
    """Return one head or all, each checked against the newest row of the log that moved it."""
    query = _HEADS if name is None else _HEADS.where(head.c.name == name)
    found = {}
    for columns in connection.execute(query).mappings():
        moved = from_columns(columns).move if columns["seq"] is not None else None
        agrees = moved and (moved.head, moved.target) == (columns["name"], columns["points_at"])
        if not agrees or columns["newest"] != columns["seq"]:
            raise Corrupt(
                f"Head {columns['name']} was altered: the log does not say "
                f"that it points at {columns['points_at']}.",
                hint=DAMAGED,
            )
        found[columns["name"]] = columns["points_at"]
    if name is None or not found:
        _check_complete(connection, name, found)
    return found


def _check_complete(connection: Connection, name: str | None, found: Mapping[str, str]) -> None:
    """Refuse when the log moved a head that is not there."""
    moves = log.c.head.is_not(None) if name is None else log.c.head == name
    query = select(log.c.head, func.max(log.c.seq)).where(moves).group_by(log.c.head)
    for moved, seq in connection.execute(query):
        if moved not in found:
            raise Corrupt(f"Head {moved} is missing; row {seq} of the log moved it.", hint=DAMAGED)


def size_of(connection: Connection) -> int:
    """Return how many rows the log has."""
    newest = connection.scalar(select(func.max(log.c.seq)))
    return 0 if newest is None else int(newest) + 1
