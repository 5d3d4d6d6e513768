"""A reader made from docs/format.md alone, with json, hashlib and sqlite3, reads what we write."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sqlite3
import typing
import zipfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from py_mlops import records
from py_mlops.commands.transfer.bundle import bundle
from py_mlops.records import answers, base, keys
from py_mlops.workspace import Workspace, open_workspace
from tests.data.folders import images, read_all
from tests.handovers import MODEL, a_project, handover, take

KINDS = {
    "snapshot", "reproduction", "head-move", "import", "public-key", "signature",
    "prediction-segment", "redaction", "hold",
}  # fmt: skip

# The reader. It knows docs/format.md and nothing of ours.


def number(value: float) -> str:
    """Write a number as ECMAScript does (Number::toString)."""
    negative, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    text, point = "".join(map(str, digits)), len(digits) + int(exponent)
    if value == 0:
        return "0"
    if len(text) <= point <= 21:
        text += "0" * (point - len(text))
    elif 0 < point <= 21:
        text = f"{text[:point]}.{text[point:]}"
    elif -6 < point <= 0:
        text = f"0.{'0' * -point}{text}"
    else:
        text = f"{text[0]}{'.' if text[1:] else ''}{text[1:]}e{point - 1:+d}"
    return "-" * negative + text


def jcs(value: Any) -> str:
    """Write JSON in its canonical form (RFC 8785)."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{jcs(key)}:{jcs(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(jcs, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return number(value)


def sha256(data: bytes) -> str:
    """Name bytes by their digest."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def blobs_in(value: Any) -> Iterator[tuple[str, int]]:
    """Find every blob value anywhere in a record."""
    if isinstance(value, dict):
        if set(value) == {"digest", "size"}:
            yield value["digest"], value["size"]
        for item in value.values():
            yield from blobs_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from blobs_in(item)


def read_blob(folder: Path, digest: str) -> bytes:
    """Read a blob and refuse it when it is not what its name says."""
    name = digest.removeprefix("sha256:")
    data = (folder / "objects" / name[:2] / name).read_bytes()
    assert sha256(data) == digest
    return data


def read_record(data: bytes) -> dict[str, Any]:
    """Read a record, which must be canonical and of format 1."""
    record: dict[str, Any] = json.loads(data)
    assert jcs(record).encode() == data
    assert record["format"] == 1
    return record


def merkle(leaves: list[bytes]) -> bytes:
    """Compute the root of the log."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + merkle(leaves[:k]) + merkle(leaves[k:])).digest()


def read_store(folder: Path) -> dict[str, dict[str, Any]]:
    """Read a whole store and check everything that docs/format.md says of it."""
    assert (folder / "format").read_text() == "py-mlops store 1\n"
    database = sqlite3.connect(folder / "ledger.sqlite")
    database.row_factory = sqlite3.Row
    meta = dict(database.execute("SELECT key, value FROM meta").fetchall())
    found: dict[str, dict[str, Any]] = {}
    leaves: list[bytes] = []
    heads: dict[str, str] = {}
    for row in database.execute("SELECT * FROM log ORDER BY seq"):
        assert row["seq"] == len(leaves)
        data = {key: row[key] for key in ("author", "kind", "record", "seq", "subject", "time")}
        move = {key: row[key] for key in ("head", "previous", "target")}
        data["move"] = move if row["head"] is not None else None
        leaf = hashlib.sha256(b"\x00" + jcs(data).encode()).digest()
        assert leaf == row["leaf"]
        leaves.append(leaf)
        if row["head"] is not None:
            assert heads.get(row["head"]) == row["previous"]
            heads[row["head"]] = row["target"]
        record = read_record(read_blob(folder, row["record"]))
        assert record["kind"] == row["kind"]
        assert record["kind"] in KINDS
        assert record["created"] == row["time"]
        assert record["author"]["name"] == row["author"]
        for digest, size in blobs_in(record):
            assert len(read_blob(folder, digest)) == size
        found[row["record"]] = record
    for level, index, digest in database.execute('SELECT level, "index", hash FROM node'):
        assert digest == merkle(leaves[index << level : (index + 1) << level])
    assert re.fullmatch("[0-9a-f]{32}", meta["store"])
    assert read_signatures(database, meta["store"], list(found.values()), leaves) == len(leaves)
    read_checkpoints(folder, database, meta.pop("store"), list(found), leaves)
    assert read_lineage(meta.pop("lineage"), list(found)) <= len(found)
    assert meta == {"format": "1", "size": str(len(leaves)), "root": merkle(leaves).hex()}
    assert heads == dict(database.execute("SELECT name, record FROM head").fetchall())
    database.close()
    return found


def read_checkpoints(
    folder: Path, database: sqlite3.Connection, store: str, ids: list[str], leaves: list[bytes]
) -> None:
    """Read the checkpoints, and compare them with the log."""
    noted = database.execute("SELECT size, record FROM checkpoint ORDER BY size").fetchall()
    assert [size for size, _ in noted] == sorted({*range(256, len(ids), 256), len(ids)})
    previous, start = None, 0
    for size, identifier in noted:
        record = read_record(read_blob(folder, identifier))
        assert (record["kind"], record["store"], record["size"]) == ("checkpoint", store, size)
        assert (record["previous"], record["records"]) == (previous, ids[start:size])
        assert record["root"] == "sha256:" + merkle(leaves[:size]).hex()
        signed = "SELECT * FROM signature WHERE size > ? AND size <= ? ORDER BY size"
        known = [dict(one) for one in database.execute(signed, (start, size))]
        assert record["signatures"] == known
        previous, start = identifier, size


def read_signatures(
    database: sqlite3.Connection, store: str, found: list[dict[str, Any]], leaves: list[bytes]
) -> int:
    """Check every signature over the log, and return how many rows they are of."""
    count = 0
    for one in database.execute("SELECT * FROM signature"):
        root = base64.b64encode(merkle(leaves[: one["size"]])).decode()
        text = f"py-mlops/{store}\n{one['size']}\n{root}\nappended {one['appended']}\n".encode()
        identified = base64.b64decode(one["note"])
        for record in found[: one["size"]]:
            if (record["kind"], record.get("name")) != ("public-key", one["name"]):
                continue
            key = base64.b64decode(record["key"].split()[1])[-32:]
            if hashlib.sha256(one["name"].encode() + b"\n\1" + key).digest()[:4] == identified[:4]:
                Ed25519PublicKey.from_public_bytes(key).verify(identified[4:], text)
                count += one["appended"]
    return count


def read_tree(tree: dict[str, Any], get: Callable[[str], bytes]) -> dict[str, bytes]:
    """Read every file of a tree out of its packs."""
    found = {}
    *lines, rest = get(tree["manifest"]["digest"]).decode().split("\n")
    assert rest == ""
    assert len(lines) == tree["files"]
    packs = [get(pack["digest"]) for pack in tree["packs"]]
    for line in lines:
        path, digest, size, pack, offset, modified = json.loads(line)
        assert line == jcs([path, digest, size, pack, offset, modified])
        assert not {"", ".", ".."} & set(path.split("/"))
        assert modified.isdigit()
        data = packs[pack][offset : offset + size]
        assert sha256(data) == f"sha256:{digest}"
        found[path] = data
    assert list(found) == sorted(found)
    assert sum(map(len, found.values())) == tree["size"]
    return found


# What it reads: records in which every field has a value.


TEXTS = {
    base.Time: "2026-01-31T12:00:00.000001Z",
    answers.KeyDigest: "ab" * 32,
    keys.KeyLine: "ssh-rsa AAAAB3NzaC1yc2E=",
    keys.KeyName: "ada@example.org",
}
PLAIN = {str: 'A "text"\n\u2028\x01 ü', int: 3, float: 1e-7, bool: True, object: 0.1}


def sample(kind: Any, put: Callable[[bytes], records.Blob]) -> Any:
    """Make a value of a type, the fuller the better: lists have an item, nothing is null."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    made: Any
    if kind in TEXTS:
        made = TEXTS[kind]
    elif kind is base.Digest:
        made = put(b"something else").digest
    elif kind is records.Blob:
        made = put("Bytes, schöne.\n".encode())
    elif origin is typing.Literal:
        made = arguments[-1]
    elif origin in {list, tuple}:
        made = origin(sample(one, put) for one in arguments)
    elif origin is dict:
        made = {key: sample(arguments[1], put) for key in ("zwei", "\U0001f600", "\ufb00")}
    elif arguments:  # X or null, or X with a pattern
        made = sample(arguments[0], put)
    elif issubclass(kind, msgspec.Struct):
        hints = typing.get_type_hints(kind, include_extras=True)
        if issubclass(kind, base.Record):
            del hints["format"]
        made = kind(**{name: sample(hint, put) for name, hint in hints.items()})
    else:
        made = PLAIN[kind]
    return made


@pytest.fixture
def workspace(store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """Return a workspace whose store holds every kind of record, in a signed log of 16 rows."""
    monkeypatch.setenv("MLOPS_SIGN", "1")
    opened = open_workspace(store_folder)
    put, previous = opened.store.blobs.put_bytes, None
    for number_of in range(4):
        request = records.Request(name="digits", model="clf", metrics=["a"], holdout=None)
        snapshot = msgspec.structs.replace(
            sample(records.Snapshot, put), request=request, metrics={"a": number_of / 3}
        )
        opened.store.add(snapshot, head="digits@main", previous=previous)
        previous = records.record_id(snapshot)
    move = msgspec.structs.replace(
        sample(records.HeadMove, put), head="other@main", previous=None, target=previous
    )
    kinds: list[Any] = [records.Reproduction, records.Import, records.Signature]
    kinds += [records.PredictionSegment, records.Redaction, records.Hold]
    for record in (*(sample(kind, put) for kind in kinds), move):
        opened.store.add(record)
    put(records.encode(sample(records.History, put)))
    yield opened
    opened.store.close()


def read_lineage(noted: str, records: list[str]) -> int:
    """Return how many rows the index of lineage tells of; it names the last of them."""
    count, _, last = noted.partition(" ")
    assert last == (records[int(count) - 1] if int(count) else "")
    return int(count)


def test_a_store(workspace: Workspace) -> None:
    """A stranger's reader finds every record of a store, all bytes, the root and the heads."""
    found = read_store(workspace.store.folder)
    ours = [row.record for row in workspace.store.ledger.rows()]
    assert list(found) == ours
    assert len(ours) == 16
    assert {record["kind"] for record in found.values()} == KINDS
    for digest, record in found.items():
        assert record == json.loads(msgspec.json.encode(workspace.store.get(digest)))


def test_a_history(workspace: Workspace) -> None:
    """A history is a record like any other, though it has no row."""
    history = sample(records.History, workspace.store.blobs.put_bytes)
    data = read_blob(workspace.store.folder, records.record_id(history))
    assert read_record(data) == msgspec.to_builtins(history)


def test_a_bundle(workspace: Workspace, tmp_path: Path) -> None:
    """A stranger's reader finds in a bundle a snapshot and the bytes it stands on, no more."""
    digest = take(workspace, tmp_path / "handover", a_project(tmp_path / "ada"), model=MODEL)
    bundle(workspace, digest, tmp_path / "digits.mlops")
    with zipfile.ZipFile(tmp_path / "digits.mlops") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members["mlops-bundle.json"])
    assert manifest == {"format": 2, "snapshot": digest}
    sealed = members.pop("SHA256SUMS.sig")
    listing = members.pop("SHA256SUMS").decode()
    sums = [f"{sha256(data)[7:]}  {name}\n" for name, data in sorted(members.items())]
    assert listing == "".join(sums)
    objects = {sha256(data): data for name, data in members.items() if name.startswith("objects/")}
    assert all(f"objects/{one[7:9]}/{one[7:]}" in members for one in objects)
    snapshot = read_record(objects.pop(digest))
    assert {(d, len(data)) for d, data in objects.items()} == set(blobs_in(snapshot))
    row = members["proof/row.json"]
    assert json.loads(row)["record"] == digest
    found = hashlib.sha256(b"\0" + row).digest()
    for line in members["proof/inclusion.txt"].decode().splitlines():
        side, other = line.split()
        pair = [bytes.fromhex(other), found] if side == "L" else [found, bytes.fromhex(other)]
        found = hashlib.sha256(b"\1" + b"".join(pair)).digest()
    root = members["proof/checkpoint"].decode().splitlines()[2]
    assert base64.b64decode(root) == found
    assert members["proof/checkpoint.note"].startswith(members["proof/checkpoint"])
    assert sealed.startswith(b"-----BEGIN SSH SIGNATURE-----")
    assert [name for name in members if re.fullmatch(r"keys/[0-9a-f]{64}\.json", name)]


def test_a_tree(workspace: Workspace, tmp_path: Path) -> None:
    """A stranger's reader finds every file of a folder of many in its packs."""
    folder = images(tmp_path / "images")
    odd = folder / 'quote" ü \u2028.png'
    odd.write_bytes(b"odd")
    taken = take(workspace, tmp_path / "handover", handover(tmp_path, *read_all(folder)))
    [tree] = read_record(read_blob(workspace.store.folder, taken))["trees"]
    found = read_tree(tree, lambda digest: read_blob(workspace.store.folder, digest))
    assert (tree["folder"], tree["requested"]) == (str(folder), "images")
    assert found == {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE log SET author = 'Eve' WHERE seq = 2",
        "DELETE FROM log WHERE seq = 10",
        "UPDATE head SET record = (SELECT record FROM log LIMIT 1)",
    ],
)
def test_the_reader_can_fail(workspace: Workspace, damage: str) -> None:
    """A row altered by hand is found by the reader, so its silence on whole stores counts."""
    with sqlite3.connect(workspace.store.folder / "ledger.sqlite") as database:
        database.execute("PRAGMA foreign_keys=OFF")
        database.execute(damage)
    database.close()
    with pytest.raises(AssertionError):
        read_store(workspace.store.folder)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (-0.0, "0"),
        (-12.5, "-12.5"),
        (0.1, "0.1"),
        (2**53 - 1, "9007199254740991"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (1e21, "1e+21"),
        (123456789012345680000.0, "123456789012345680000"),
        (1.5e300, "1.5e+300"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    """Numbers are written as the document says, by the reader and by us."""
    assert number(value) == text
    assert base.canonical(value).decode() == text
