"""Compare tables: rows, columns, types and distributions of files that differ."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from py_mlops.commands.comparison.shapes import ColumnChange, TableChange, change_of
from py_mlops.data.contents import Contents
from py_mlops.data.parquet import SUFFIXES
from py_mlops.data.tables import MOST_BYTES, Column, Table, histogram, read_table
from py_mlops.errors import StoreError
from py_mlops.records import DataFile

Sides = tuple[DataFile | None, DataFile | None]
"""A file on the older side and on the newer one."""

_MOST = 20
_LARGEST = 256 * 1024 * 1024
_PATIENCE = 25.0
_ABSENT = "Parquet tables are compared when pyarrow is installed: pip install pyarrow."


class _Said(msgspec.Struct):
    """What the reader of Parquet says of a pair of files."""

    table: TableChange | None
    absent: bool


def compare_tables(
    older: Contents, newer: Contents, differ: Mapping[str, Sides], notes: list[str]
) -> dict[str, TableChange]:
    """Compare the first 20 tables among files that differ.

    Args:
        older: The older snapshot's bytes.
        newer: The newer one's.
        differ: The files by name.
        notes: Gets a sentence for what could not be compared.

    Returns:
        Changes by the files' names; a file that is no table has none.
    """
    found: dict[str, TableChange] = {}
    parquet: dict[str, tuple[DataFile, DataFile]] = {}
    for name, (then, now) in differ.items():
        if then is None or now is None or len(found) + len(parquet) >= _MOST:
            continue
        if now.requested.lower().endswith(SUFFIXES):
            if _is_kept(then, now, notes):
                parquet[name] = then, now
            continue
        try:
            table = _compared(_read(older, then), _read(newer, now))
        except StoreError as error:
            notes.append(f"{now.requested}: {error.message}")
            continue
        if table is not None:
            found[name] = table
    return found | _parquet(older, newer, parquet, notes)


def _is_kept(then: DataFile, now: DataFile, notes: list[str]) -> bool:
    if not (then.blobs and now.blobs):
        return False
    if max(then.blobs[0].size, now.blobs[0].size) > _LARGEST:
        notes.append(f"{now.requested} is too large to be compared as a table.")
        return False
    return True


def _compared(a: Table | None, b: Table | None) -> TableChange | None:
    if a is None or b is None:
        return None
    before, after = ({column.name: column for column in side.columns} for side in (a, b))
    names = [*before, *(name for name in after if name not in before)]
    return TableChange(
        rows_a=a.rows,
        rows_b=b.rows,
        columns=[_column(name, before.get(name), after.get(name)) for name in names],
        cut=a.cut or b.cut,
    )


def _read(contents: Contents, file: DataFile) -> Table | None:
    if not file.blobs:
        return None
    with contents.open(file.blobs[0].digest) as stream:
        data = stream.read(MOST_BYTES)
        return read_table(file.requested, data, more=bool(stream.read(1)))


def _column(name: str, then: Column | None, now: Column | None) -> ColumnChange:
    edges, counts_a, counts_b = histogram(then.numbers if then else [], now.numbers if now else [])
    kinds = (then.type if then else None), (now.type if now else None)
    return ColumnChange(
        name=name,
        change=change_of(*kinds),
        a=kinds[0],
        b=kinds[1],
        edges=edges,
        counts_a=counts_a,
        counts_b=counts_b,
    )


def _parquet(
    older: Contents,
    newer: Contents,
    pairs: Mapping[str, tuple[DataFile, DataFile]],
    notes: list[str],
) -> dict[str, TableChange]:
    """Compare Parquet files in one process of its own, which may crash or take too long."""
    if not pairs:
        return {}
    with tempfile.TemporaryDirectory(prefix="mlops-", ignore_cleanup_errors=True) as held:
        asked: dict[str, list[str]] = {}
        for place, (name, sides) in enumerate(pairs.items()):
            paths = [Path(held) / f"{place}{side}" for side in "ab"]
            try:
                for contents, file, path in zip((older, newer), sides, paths, strict=True):
                    contents.copy_to(file.blobs[0].digest, path)
            except StoreError as error:
                notes.append(f"{sides[1].requested}: {error.message}")
                continue
            asked[name] = [str(path) for path in paths]
        said = _asked(list(asked.values()))
    if any(one.absent for one in said):
        notes.append(_ABSENT)
        return {}
    answers = dict(zip(asked, said, strict=False))
    notes += [
        f"{pairs[name][1].requested} could not be read as a table."
        for name in asked
        if name not in answers or answers[name].table is None
    ]
    return {name: one.table for name, one in answers.items() if one.table is not None}


def _asked(paths: list[list[str]]) -> list[_Said]:
    """Return what the process said of each pair, as far as it came."""
    own = {**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryFile() as output:
        # Where it is ended, what it has said so far counts.
        with suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(
                [sys.executable, "-m", "py_mlops.data.parquet"],
                input=json.dumps(paths).encode(),
                stdout=output,
                stderr=subprocess.DEVNULL,
                env=own,
                timeout=_PATIENCE,
                check=False,
            )
        output.seek(0)
        lines = output.read().split(b"\n")[:-1]
    said = []
    for line in lines:
        try:
            said.append(msgspec.json.decode(line, type=_Said))
        except msgspec.MsgspecError:
            break
    return said
