"""Small real snapshots that read and write files, for tests of what they link."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence

from msgspec.structs import replace

from py_mlops.records import (
    Answer,
    Blob,
    CodeFile,
    DataFile,
    Distribution,
    Snapshot,
    Tree,
    record_id,
)
from py_mlops.records.manifest import Entry, encode
from py_mlops.store import Blobs, Store
from tests.store.samples import ANN, snapshot

_numbers = itertools.count()


def blob_of(text: str) -> Blob:
    """Return the name of a text's bytes, which no store needs to hold."""
    data = text.encode()
    return Blob(digest="sha256:" + hashlib.sha256(data).hexdigest(), size=len(data))


def data_file(name: str, role: str, content: str) -> DataFile:
    """Return a file that a snapshot read or made."""
    return DataFile(
        path=f"/data/{name}",
        requested=name,
        role="input" if role == "input" else "output",
        rewritten=False,
        cell=1,
        observed="audit-hook",
        process="",
        modified="1",
        executable=False,
        blobs=[blob_of(content)],
    )


def folder(blobs: Blobs, role: str, files: dict[str, str], name: str = "images") -> Tree:
    """Return a folder of files that a snapshot read or made; its manifest and pack are stored."""
    entries, pack = [], b""
    for path, content in sorted(files.items()):
        data = content.encode()
        sha256 = hashlib.sha256(data).hexdigest()
        entries.append(Entry(path, sha256, len(data), 0, len(pack), "1" if role == "input" else ""))
        pack += data
    return Tree(
        folder=f"/data/{name}",
        requested=name,
        role="input" if role == "input" else "output",
        cell=1,
        observed="audit-hook",
        process="",
        executable=False,
        files=len(files),
        size=len(pack),
        manifest=blobs.put_bytes(encode(entries)),
        packs=[blobs.put_bytes(pack)],
    )


def made_of(
    name: str,
    reads: Sequence[str] = (),
    makes: Sequence[str] = (),
    *,
    trees: Sequence[Tree] = (),
    code: Sequence[str] = (),
    **changed: object,
) -> Snapshot:
    """Return a snapshot that read and made some contents, each in a file of that name."""
    first = snapshot(name, history=blob_of("history"), lock=blob_of("lock"))
    modules = [
        CodeFile(
            path=f"/data/{one}.py", module=one, executable=False, blob=blob_of(one), versions=[]
        )
        for one in code
    ]
    return replace(
        first,
        data=[data_file(f"{one}.csv", "input", one) for one in reads]
        + [data_file(f"{one}.csv", "output", one) for one in makes],
        trees=list(trees),
        program=replace(first.program, modules=modules),
        metrics={"number": float(next(_numbers))},
        **changed,
    )


def wheel(name: str) -> Distribution:
    """Return an installed distribution whose wheel has the name's bytes."""
    return Distribution(
        name=name,
        version="1.0",
        source="index",
        wheel=f"{name}-1.0-py3-none-any.whl",
        sha256=blob_of(name).digest[7:],
        origin="",
        kept=None,
        tree=None,
        loaded="",
    )


def asked(source: str) -> Answer:
    """Return an answer of a database."""
    return Answer(
        kind="sql",
        source=source,
        request="SELECT 1",
        key="0" * 64,
        occurrence=0,
        cell=1,
        blob=blob_of("answer"),
    )


def add(store: Store, *snapshots: Snapshot) -> list[str]:
    """Add snapshots to a store, though it lacks most bytes they name; return their ids."""
    for one in snapshots:
        store.add(one)
    return [record_id(one) for one in snapshots]


ADDRESS = ANN.email or ""
