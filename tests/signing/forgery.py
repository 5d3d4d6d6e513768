"""A forger who knows the format: alters rows and makes everything fit again, but the signatures."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from py_mlops.records import canonical, decode, encode
from py_mlops.store import Row, open_store
from py_mlops.store.checkpoints import export
from py_mlops.store.merkle import EMPTY
from py_mlops.store.store import Act, entry_of, move_of

Change = Callable[[list[Row]], list[Row]]


def change_rows(folder: Path, change: Change, *, drop: str = "") -> None:
    """Rewrite the log of a closed store with other rows, its tree, heads and checkpoints too.

    Args:
        folder: The store's.
        change: Returns the rows that are to be there.
        drop: SQL that removes signatures.
    """
    store = open_store(folder)
    rows = change(list(store.ledger.rows()))
    store.close()
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for table in ("head", "log", "node", "checkpoint"):
            connection.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
        connection.execute("UPDATE meta SET value = '0' WHERE key = 'size'")
        connection.execute("UPDATE meta SET value = ? WHERE key = 'root'", (EMPTY.hex(),))
        if drop:
            connection.execute(drop)
    store = open_store(folder)
    heads: dict[str, str] = {}
    for row in rows:
        entry = {name: value for name, value in vars(row).items() if name not in {"seq", "move"}}
        move = row.move
        if move:
            move = dataclasses.replace(move, previous=heads.get(move.head))
            heads[move.head] = move.target
        store.ledger.append([Row(**entry, seq=0)], move)
    export(store.blobs, store.ledger)
    store.close()


def change_record(folder: Path, identifier: str, edit: Callable[[dict[str, Any]], None]) -> str:
    """Put another record in a record's place, everywhere in the log.

    Args:
        folder: The store's, closed.
        identifier: The record's id.
        edit: Changes its plain value.

    Returns:
        The other one's id.
    """
    store = open_store(folder)
    plain = msgspec.to_builtins(store.get(identifier))
    edit(plain)
    record: Act = decode(canonical(plain))  # type: ignore[assignment]  # it has a row
    other = store.blobs.put_bytes(encode(record)).digest
    store.close()

    def swap(rows: list[Row]) -> list[Row]:
        return [
            Row(**vars(entry_of(record, other)), seq=row.seq, move=move_of(record))
            if row.record == identifier
            else row
            for row in rows
        ]

    change_rows(folder, swap)
    return other
