"""A forger who knows the format: alters rows and makes everything fit again but the signatures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import delete, update

from py_mlops.records import canonical, decode, encode
from py_mlops.store import Move, Row, Store, open_store
from py_mlops.store.checkpoints import export
from py_mlops.store.ledger.ledger import SqlLedger
from py_mlops.store.ledger.merkle import EMPTY
from py_mlops.store.ledger.schema import checkpoint, head, log, meta, node, signature
from py_mlops.store.store import Act, entry_of, move_of

Change = Callable[[list[Row]], list[Row]]
Edit = Callable[[dict[str, Any]], object]


def rewrite(store: Store, change: Change, *, strip: bool = False) -> None:
    """Rewrite the log with other rows; its tree, heads and checkpoints are made anew.

    Args:
        store: The store.
        change: Returns the rows that are to be there.
        strip: Remove every signature.
    """
    ledger = store.ledger
    assert isinstance(ledger, SqlLedger)
    rows = change(list(ledger.rows()))
    with ledger.database.transaction("Forging", writing=True) as connection:
        for table in (head, log, node, checkpoint, *((signature,) if strip else ())):
            connection.execute(delete(table))
        for key, value in (("size", "0"), ("root", EMPTY.hex())):
            connection.execute(update(meta).where(meta.c.key == key).values(value=value))
    heads: dict[str, str] = {}
    for row in rows:
        move = row.move
        if move is not None:
            move = dataclasses.replace(move, previous=heads.get(move.head))
            heads[move.head] = move.target
        ledger.append([row], move)
    export(store.blobs, ledger)


def replace_record(store: Store, identifier: str, edit: Edit, *, strip: bool = False) -> str:
    """Put another record in a record's place, wherever the log names it.

    Args:
        store: The store.
        identifier: The record's id.
        edit: Changes its plain value.
        strip: Remove every signature.

    Returns:
        The other record's id.
    """
    plain = msgspec.to_builtins(store.get(identifier))
    edit(plain)
    record: Act = decode(canonical(plain))  # type: ignore[assignment]  # it has a row
    other = store.blobs.put_bytes(encode(record)).digest

    def swap(rows: list[Row]) -> list[Row]:
        return [
            Row(**vars(entry_of(record, other)), seq=row.seq, move=move_of(record))
            if row.record == identifier
            else dataclasses.replace(row, move=_follow(row.move, identifier, other))
            for row in rows
        ]

    rewrite(store, swap, strip=strip)
    return other


def _follow(move: Move | None, old: str, new: str) -> Move | None:
    """Let a head point at the other record; its own record still says the old one."""
    return move and dataclasses.replace(move, target=new if move.target == old else move.target)


def change_rows(folder: object, change: Change, *, strip: bool = False) -> None:
    """Do `rewrite` to a closed store."""
    store = open_store(str(folder))
    rewrite(store, change, strip=strip)
    store.close()


def change_record(folder: object, identifier: str, edit: Edit) -> str:
    """Do `replace_record` to a closed store."""
    store = open_store(str(folder))
    other = replace_record(store, identifier, edit)
    store.close()
    return other
