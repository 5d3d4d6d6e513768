"""Alters a signed store in every field and every way: all of it is named, and nothing else is.

Every field of every record, bytes of every object, rows and cells of every table in SQLite and
PostgreSQL, signatures exchanged, clocks set back, history made anew with all its hashes, and cut
off with all its signatures. Run it with ``python -m campaigns.alterations [ALTERATIONS]``.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
from sqlalchemy import Column, Integer, LargeBinary, delete, insert, update

from campaigns.altered import ANN, TABLES, Rig, build
from campaigns.forger import replace_record, rewrite
from campaigns.prepared import prepare
from py_mlops.errors import MlopsError
from py_mlops.records import HeadMove, canonical, decode
from py_mlops.store.ledger.schema import log, signature
from tests.postgresql import PostgreSQL, postgresql

Do = Callable[[Rig, random.Random], object]
_EARLIER = ("2026-01-01T00:00:00.000000Z", "1999-12-31T23:59:59.999999Z")
_INDEX = {"checkpoint"}
"""Tables of which a row that is missing is an index entry that the next append makes anew."""


@dataclass(frozen=True)
class Alteration:
    """Something done to a store.

    Attributes:
        kind: Of which kind it is.
        what: What is done, in words.
        do: Does it.
        names: What some sentence about it must hold; empty for any sentence.
        against: Whether it needs the witnessed checkpoint to be seen.
    """

    kind: str
    what: str
    do: Do
    names: str = ""
    against: bool = False


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each field in a record, and to one item of each list."""
    if isinstance(value, dict):
        for key in value:
            yield from paths(value[key], (*path, key))
            if not value[key]:
                yield (*path, key)
    elif isinstance(value, list) and value:
        yield from paths(value[0], (*path, 0))
        yield path
    elif not isinstance(value, list):
        yield path


def edited(record: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    """Change the field that a path leads to: another value of the same type."""
    *way, last = path
    place: Any = record
    for step in way:
        place = place[step]
    value = place[last]
    if isinstance(value, bool):
        place[last] = not value
    elif isinstance(value, int | float):
        place[last] = value + 1
    elif isinstance(value, str):
        place[last] = value[:-1] + ("a" if not value.endswith("a") else "b")
    elif isinstance(value, list) and value:
        place[last] = value[:-1]
    else:
        place[last] = "put in"
    return record


def of_records(rig: Rig) -> Iterator[Alteration]:
    """Change each field of each record: in its place, and forged with all hashes made anew."""
    rows = {row["record"]: row for row in rig.tables["log"]}
    seen = set[tuple[Any, ...]]()
    for digest in rig.objects:
        try:
            record = decode(rig.original(digest))
        except MlopsError:
            continue
        plain = msgspec.to_builtins(record)
        for path in dict.fromkeys(paths(plain)):
            where = f"{plain['kind']} {'.'.join(map(str, path))}"
            in_place = canonical(edited(msgspec.to_builtins(record), path))
            if digest in rows or record.__class__.__name__ in {"History", "Checkpoint"}:
                yield Alteration(
                    "field in place", where, _put(digest, in_place), names=digest[7:19]
                )
            if digest not in rows or path[0] in {"kind", "format"}:
                continue
            try:
                decode(in_place)
            except MlopsError:
                continue  # no record any more: nobody could forge it
            change = _edit(path)
            yield Alteration("field forged", where, _forge(digest, change), names="signed")
            if (plain["kind"], path) not in seen:
                seen.add((plain["kind"], path))
                yield Alteration(
                    "field forged, unsigned", where, _forge(digest, change, strip=True)
                )


def _put(digest: str, data: bytes | None) -> Do:
    return lambda rig, _: rig.overwrite(digest, data)


def _edit(path: tuple[Any, ...]) -> Callable[[dict[str, Any]], object]:
    return lambda plain: edited(plain, path)


def _forge(digest: str, change: Callable[[dict[str, Any]], object], *, strip: bool = False) -> Do:
    def do(rig: Rig, _: random.Random) -> None:
        with rig.store() as store:
            replace_record(store, digest, change, strip=strip)

    return do


def of_objects(rig: Rig) -> Iterator[Alteration]:
    """Flip, cut, lengthen, empty, remove and exchange the bytes of each object."""
    digests = list(rig.objects)
    for digest, other in zip(digests, digests[1:] + digests[:1], strict=True):
        data = rig.original(digest)
        for name, change in {
            "a bit": lambda d, c: _flip(d, c.randrange(max(len(d), 1))),
            "the first byte": lambda d, _: _flip(d, 0),
            "cut": lambda d, c: d[: c.randrange(max(len(d), 1))],
            "longer": lambda d, c: d + c.randbytes(1 + c.randrange(9)),
            "gone": lambda _d, _c: None,
        }.items():
            if not data and name in {"a bit", "the first byte", "cut"}:
                continue
            yield Alteration(
                "object", f"{name} {digest[7:19]}", _change(digest, change), digest[7:19]
            )
        if rig.original(other) != data:
            exchanged = _put(digest, rig.original(other))
            yield Alteration("object", f"exchanged {digest[7:19]}", exchanged, digest[7:19])


def _flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _change(digest: str, change: Callable[[bytes, random.Random], bytes | None]) -> Do:
    return lambda rig, chance: rig.overwrite(digest, change(rig.original(digest), chance))


def of_tables(rig: Rig) -> Iterator[Alteration]:
    """Change each cell, delete each row, exchange rows, put one in, and cut the end off."""
    for table in TABLES:
        rows = rig.tables[table.name]
        keys = [column.name for column in table.primary_key]
        for number, row in enumerate(rows):
            this = [table.c[key] == row[key] for key in keys]
            where = f"{table.name} {' '.join(str(row[key]) for key in keys)}"
            for column in table.columns:
                for value in _values(column, row[column.name], rows):
                    statement = update(table).where(*this).values({column.name: value})
                    yield Alteration(
                        "cell", f"{where}: {column.name}={value!r:.40}", _sql(statement)
                    )
            if table.name not in _INDEX:
                yield Alteration("row deleted", where, _sql(delete(table).where(*this)))
            if number and table is log:
                yield Alteration("rows exchanged", where, _exchange(number - 1, number))
            if number and table is signature:
                yield Alteration("signatures exchanged", where, _exchange_signatures(number))
            if table is log:
                cut = delete(log).where(log.c.seq >= row["seq"])
                yield Alteration("log cut", where, _sql(cut))
    last = rig.tables["log"][-1]
    added = {**last, "seq": last["seq"] + 1, "record": f"sha256:{'0' * 64}"}
    yield Alteration("row put in", "log", _sql(insert(log).values(added)))


def _values(column: Column[Any], value: Any, rows: list[dict[str, Any]]) -> list[Any]:
    """Return other values for a cell, of a type that the column takes."""
    others = [row[column.name] for row in rows if row[column.name] != value][:1]
    if column.unique:
        others = []
    if isinstance(column.type, Integer):
        return [value + 1000]
    if isinstance(column.type, LargeBinary):
        return [_flip(value, len(value) // 2), value[:-1], *others]
    if value is None:
        return ["put in"]
    if column.primary_key:
        return [value + "a"]
    return [value[:-1] + ("a" if not value.endswith("a") else "b"), "", *others]


def _sql(*statements: Any) -> Do:
    def do(rig: Rig, _: random.Random) -> None:
        with rig.connection() as connection:
            for statement in statements:
                connection.execute(statement)

    return do


def _exchange(one: int, other: int) -> Do:
    """Exchange the places of two rows of the log."""
    return _sql(*(
        update(log).where(log.c.seq == start).values(seq=end)
        for start, end in ((one, -1), (other, one), (-1, other))
    ))  # fmt: skip


def _exchange_signatures(number: int) -> Do:
    def do(rig: Rig, chance: random.Random) -> None:
        one, other = rig.tables["signature"][number - 1 : number + 1]
        column = chance.choice(["note", "ssh"])
        _sql(*(
            update(signature).where(signature.c.size == at["size"]).values({column: of[column]})
            for at, of in ((one, other), (other, one))
        ))(rig, chance)  # fmt: skip

    return do


def of_history(rig: Rig) -> Iterator[Alteration]:
    """Cut, reorder and redate the log, every hash made anew, with and without the signatures."""
    size = len(rig.tables["log"])
    for number in range(size):
        for strip in (False, True):
            how = "unsigned" if strip else "signatures kept"
            cut = _rewrite(partial(_cut, number), strip=strip)
            yield Alteration("history cut", f"{number} rows, {how}", cut, against=True)
            left = _rewrite(partial(_without, number), strip=strip)
            yield Alteration("history lacks", f"row {number}, {how}", left, against=True)
            if number:
                moved = _rewrite(partial(_swapped, number), strip=strip)
                yield Alteration("history reordered", f"row {number}, {how}", moved)
    target = next(row["record"] for row in rig.tables["log"] if row["kind"] == "snapshot")
    for number, when in enumerate(_EARLIER * 5):
        yield Alteration("clock set back", f"{when} {number}", _add_dated(when, target, number))


def _cut(number: int, rows: list[Any]) -> list[Any]:
    return rows[:number]


def _without(number: int, rows: list[Any]) -> list[Any]:
    return rows[:number] + rows[number + 1 :]


def _swapped(number: int, rows: list[Any]) -> list[Any]:
    rows[number - 1], rows[number] = rows[number], rows[number - 1]
    return rows


def _rewrite(change: Callable[[list[Any]], list[Any]], *, strip: bool) -> Do:
    def do(rig: Rig, _: random.Random) -> None:
        with rig.store() as store:
            rewrite(store, change, strip=strip)

    return do


def _add_dated(when: str, target: str, number: int) -> Do:
    """Add a row, signed by nobody, that is dated long ago."""
    author = msgspec.structs.replace(ANN, name="Dora")
    move = HeadMove(
        head=f"old@{number}", previous=None, target=target, created=when, author=author,
        reason="approved",
    )  # fmt: skip

    def do(rig: Rig, _: random.Random) -> None:
        with rig.store() as store:
            store.add(move)

    return do


def everything(rig: Rig) -> list[Alteration]:
    """Return all alterations of a folder's store."""
    return [*of_records(rig), *of_objects(rig), *of_tables(rig), *of_history(rig)]


def judge(rig: Rig, alteration: Alteration, chance: random.Random) -> str:
    """Do an alteration, let verify speak, put all back; return what is wrong with what it said."""
    try:
        alteration.do(rig, chance)
        told = rig.told(against=alteration.against)
    finally:
        rig.put_back()
    if not told:
        return "verify says nothing"
    if alteration.names and not any(alteration.names in one for one in told):
        return f"verify does not name it: {told[0]}"
    return ""


@contextmanager
def rig_at(folder: Path, server: PostgreSQL | None = None) -> Iterator[Rig]:
    """Build a store in a folder, or with a server, and give a rig of it."""
    home = folder / "home"
    (home / ".ssh").mkdir(parents=True)
    key = str(home / ".ssh" / "id_ed25519")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    with mock.patch.dict(os.environ, {"HOME": str(home)}):
        prepare(folder)
        blobs = folder / "altered"
        place = str(blobs)
        if server is not None:
            place = server.address(f"altered{os.getpid()}", blobs=str(blobs))
        build(folder, place, home)
        rig = Rig(place, blobs, folder / "witnessed")
        try:
            yield rig
        finally:
            rig.close()


def run(rig: Rig, chosen: list[Alteration], seed: int = 0) -> tuple[Counter[str], list[str]]:
    """Try alterations, and between them that the store as it was is told to be as it was.

    Returns:
        How many of each kind were tried, and a sentence for each failure.
    """
    tried, failures = Counter[str](), []
    for number, alteration in enumerate(chosen):
        tried[alteration.kind] += 1
        wrong = judge(rig, alteration, random.Random(f"{seed} {number}"))
        if wrong:
            failures.append(f"{alteration.kind}, {alteration.what}: {wrong}")
        if number % 20 == 0:
            tried["untouched"] += 1
            failures.extend(f"false alarm: {one}" for one in rig.told(against=True))
    return tried, failures


def main(most: int = 1_000_000) -> int:
    """Try all alterations of a folder's store, and those of tables and history with a server."""
    start, tried, failures = time.monotonic(), Counter[str](), list[str]()
    with tempfile.TemporaryDirectory() as name, rig_at(Path(name)) as rig:
        tried, failures = run(rig, everything(rig)[:most])
    with (
        postgresql() as server, tempfile.TemporaryDirectory() as name,
        rig_at(Path(name), server) as rig,
    ):  # fmt: skip
        more, worse = run(rig, [*of_tables(rig), *of_history(rig)][:most])
        tried.update({f"PostgreSQL: {kind}": count for kind, count in more.items()})
        failures += worse
    for kind, count in sorted(tried.items()):
        print(f"  {kind:36} {count:6}")
    for failure in failures[:50]:
        print(f"  {failure}")
    untouched = sum(count for kind, count in tried.items() if kind.endswith("untouched"))
    alarms = sum(one.startswith("false alarm") for one in failures)
    total = tried.total() - untouched
    named = total - (len(failures) - alarms)
    print(
        f"{total} alterations, {named} named; {untouched} looks at the store as it was, "
        f"{alarms} false alarms; {time.monotonic() - start:.0f} s"
    )
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
