"""Appends to the ledger's tables within one transaction: look, compare, append, move, sign."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, case, delete, or_, update

from py_mlops.errors import HeadMoved, InputError
from py_mlops.records import LogSignature, is_digest
from py_mlops.store.base import Entry, Move, Row, Sign
from py_mlops.store.ledger import merkle
from py_mlops.store.ledger.looking import Look, look, pointed_at
from py_mlops.store.ledger.notices import NOTICE
from py_mlops.store.ledger.schema import Columns, head, log, meta, node, signature, to_columns
from py_mlops.store.ledger.together import Question, together

_SIZE_AND_ROOT = (
    update(meta)
    .where(or_(meta.c.key == "size", meta.c.key == "root"))
    .values(value=case((meta.c.key == "size", bindparam("size")), else_=bindparam("root")))
)
_SIZE_AND_ROOT_TOLD = _SIZE_AND_ROOT.returning(NOTICE)
"""The same, and whoever listens at the server is told once it is committed."""

_HEAD = (
    update(head)
    .where(head.c.name == bindparam("of"))
    .values(record=bindparam("to"), seq=bindparam("at"))
)
_NEW_HEAD = head.insert().values(name=bindparam("of"), record=bindparam("to"), seq=bindparam("at"))
_ROW, _NODE, _SIGN = log.insert(), node.insert(), signature.insert()
_UNSIGN = delete(signature).where(signature.c.size == bindparam("of"))


def append(
    connection: Connection, entries: Sequence[Entry], move: Move | None, sign: Sign | None = None
) -> list[Row]:
    """Append what the log lacks of some entries, and move a head with the last of them.

    Args:
        connection: In a writing transaction.
        entries: Checked with `check`.
        move: The head's move.
        sign: Signs the log as it then is.

    Returns:
        The row of each entry.

    Raises:
        HeadMoved: When the head does not point at ``move.previous``.
        InputError: When the head would move without a new row that records it.
        Corrupt: When what is there is not what was appended.
        StoreFormat: When a newer version has changed the tables meanwhile.
    """
    found = look(connection, entries, move.head if move else None)
    present = found.present
    unique = {entry.record: entry for entry in entries}
    fresh = [entry for entry in unique.values() if entry.record not in present]
    if fresh:
        if move:
            _check_head(found.head, move)
        rows, root, writes = _extended(found, fresh, move, connection.dialect.name)
        if move:
            writes.append(_moved(move, rows[-1].seq))
        if sign is not None:
            size = found.size + len(rows)
            writes += _signed(sign(found.store, size, root, len(rows)))
        together(connection, writes, ends=True)
        present |= {row.record: row for row in rows}
    elif move:
        _check_repeated(move, present.values())
    return [present[entry.record] for entry in entries]


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


def _check_repeated(move: Move, present: Iterable[Row]) -> None:
    """Accept an append that the log holds already: its answer was lost."""
    if all(row.move != move for row in present):
        raise InputError(
            f"{move.head} cannot move without a new record that says so.",
            hint="Append a head-move record together with the move.",
        )


def _check_head(columns: Columns, move: Move) -> None:
    """Refuse when a head does not point where its mover says."""
    current = pointed_at(columns, move.head)
    if current != move.previous:
        raise HeadMoved(
            f"{move.head} points at {current or 'nothing'}, not at {move.previous or 'nothing'}.",
            hint="Someone else moved it meanwhile: look at `mlops log` and try again.",
        )


def _extended(
    found: Look, fresh: Sequence[Entry], move: Move | None, dialect: str
) -> tuple[list[Row], bytes, list[Question]]:
    """Return new rows, the log's root with them, and what enters them.

    That is the rows, the subtrees they complete, and the log's new size and root.
    """
    size, nodes = found.size + len(fresh), found.nodes
    rows, leaves, subtrees = [], [], []
    for seq, entry in enumerate(fresh, start=found.size):
        row = Row(
            record=entry.record,
            kind=entry.kind,
            subject=entry.subject,
            author=entry.author,
            time=entry.time,
            seq=seq,
            move=move if seq == size - 1 else None,
        )
        columns = _columns(row)
        for level, index, digest in merkle.completed(seq, columns["leaf"], nodes):
            nodes[level, index] = digest
            if level:
                subtrees.append(Question(_NODE, {"level": level, "index": index, "hash": digest}))
        rows.append(row)
        leaves.append(Question(_ROW, columns))
    root = merkle.root(size, nodes)
    # Who waits for SQLite watches its file.
    become = _SIZE_AND_ROOT_TOLD if dialect == "postgresql" else _SIZE_AND_ROOT
    numbers = Question(become, {"size": str(size), "root": root.hex()})
    return rows, root, [*leaves, *subtrees, numbers]


def _moved(move: Move, seq: int) -> Question:
    """Return what moves a head."""
    return Question(
        _NEW_HEAD if move.previous is None else _HEAD,
        {"of": move.head, "to": move.target, "at": seq},
    )


def _signed(one: LogSignature | None) -> list[Question]:
    """Return what enters a signature, in the place of one over a log of the same size."""
    if one is None:
        return []
    return [Question(_UNSIGN, {"of": one.size}), Question(_SIGN, msgspec.structs.asdict(one))]


def enter(connection: Connection, signatures: Iterable[LogSignature]) -> None:
    """Enter signatures over the log."""
    together(connection, [question for one in signatures for question in _signed(one)])


def _columns(row: Row) -> Mapping[str, Any]:
    try:
        return to_columns(row)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{row.record} cannot be entered in the ledger: {error}.",
            hint="Kind, subject, author and time must be text.",
        ) from error
