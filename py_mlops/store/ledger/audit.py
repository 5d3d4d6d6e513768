"""Recomputes a ledger from its rows up and says everything that does not fit."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, select

from py_mlops.errors import Corrupt
from py_mlops.store.base import Move
from py_mlops.store.ledger import merkle
from py_mlops.store.ledger.schema import from_columns, head, log, meta, node


def audit(connection: Connection) -> Iterator[str]:
    """Check the rows, the subtrees, size and root, and the heads.

    Args:
        connection: In a transaction, so that the log stands still meanwhile.

    Yields:
        One sentence for each thing that is wrong; nothing when all is well.
    """
    leaves: list[bytes] = []
    heads: dict[str, tuple[str, int]] = {}
    whole = True
    query = select(log).order_by(log.c.seq).execution_options(yield_per=1000)
    with connection.execute(query) as result:
        for columns in result.mappings():
            seq = columns["seq"]
            if seq != len(leaves):
                yield f"Rows {len(leaves)} to {seq - 1} of the log are missing."
                leaves.extend([b""] * (seq - len(leaves)))
                whole = False
            leaves.append(columns["leaf"] if isinstance(columns["leaf"], bytes) else b"")
            try:
                move = from_columns(columns).move
            except Corrupt as error:
                yield error.message
                continue
            if move is not None:
                yield from _follow(heads, move, seq)
    yield from _size(connection, len(leaves))
    if whole:  # else every subtree above the gap would be reported once more
        yield from _tree(connection, leaves)
    yield from _heads(connection, heads)
    if connection.dialect.name == "sqlite":
        yield from _pages(connection)


def _pages(connection: Connection) -> Iterator[str]:
    """Look at what no query above has read, such as the indexes that find a row by its id."""
    for (said,) in connection.exec_driver_sql("PRAGMA integrity_check(10)"):
        if said != "ok":
            yield f"The ledger's file is damaged: {said}."


def _follow(heads: dict[str, tuple[str, int]], move: Move, seq: int) -> Iterator[str]:
    pointed, _ = heads.get(move.head, (None, -1))
    if pointed != move.previous:
        yield (
            f"Row {seq} of the log moves head {move.head} from {move.previous or 'nothing'}, "
            f"but it pointed at {pointed or 'nothing'}."
        )
    heads[move.head] = (move.target, seq)


def _meta(connection: Connection, key: str) -> str | None:
    return connection.scalar(select(meta.c.value).where(meta.c.key == key))


def _size(connection: Connection, size: int) -> Iterator[str]:
    appended = _meta(connection, "size")
    if appended != str(size):
        yield f"The log has {size} rows, but {appended} were appended."


def _tree(connection: Connection, leaves: list[bytes]) -> Iterator[str]:
    levels = [leaves]
    while len(levels[-1]) > 1:
        below = levels[-1]
        pairs = zip(below[::2], below[1::2], strict=False)
        levels.append([merkle.node_hash(left, right) for left, right in pairs])
    for level, hashes in enumerate(levels[1:], start=1):
        yield from _level(connection, level, hashes)
    beyond = select(node).where(node.c.level >= len(levels)).order_by(node.c.level, node.c.index)
    for extra in connection.execute(beyond).mappings():
        yield f"Subtree {extra['index']} of level {extra['level']} covers rows the log lacks."
    root = merkle.root(len(leaves), lambda level, index: levels[level][index])
    if _meta(connection, "root") != root.hex():
        yield "The root hash of the log is not the one it had after its last append."


def _level(connection: Connection, level: int, hashes: list[bytes]) -> Iterator[str]:
    query = select(node.c.index, node.c.hash).where(node.c.level == level)
    stored: dict[int, object] = {row[0]: row[1] for row in connection.execute(query)}
    for index, digest in enumerate(hashes):
        if stored.pop(index, None) != digest:
            rows = f"{index << level} to {((index + 1) << level) - 1}"
            yield f"Subtree {index} of level {level} does not match rows {rows} of the log."
    for index in sorted(stored):
        yield f"Subtree {index} of level {level} covers rows the log lacks."


def _heads(connection: Connection, heads: dict[str, tuple[str, int]]) -> Iterator[str]:
    for name, record, seq in connection.execute(select(head.c.name, head.c.record, head.c.seq)):
        expected = heads.pop(name, None)
        if expected is None:
            yield f"Head {name} exists, but no row of the log made it."
        elif expected != (record, seq):
            yield (
                f"Head {name} points at {record} (row {seq}), "
                f"but the log last moved it to {expected[0]} (row {expected[1]})."
            )
    for name, (record, seq) in heads.items():
        yield f"Head {name} is missing; row {seq} of the log moved it to {record}."
