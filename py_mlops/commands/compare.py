"""Compare: two snapshots side by side, part by part, as values a face can draw."""

from __future__ import annotations

import json
from itertools import zip_longest

from py_mlops.commands.comparison import (
    Change,
    ColumnChange,
    Comparison,
    DataChange,
    EnvironmentChange,
    Figure,
    FigurePair,
    MetricChange,
    PackageChange,
    ParameterChange,
    SignatureChange,
    TableChange,
)
from py_mlops.commands.figures import figures
from py_mlops.commands.inspect import the_snapshot
from py_mlops.data.contents import Contents
from py_mlops.data.tables import MOST_BYTES, Column, Table, histogram, read_table
from py_mlops.environment.compare import machine_changes
from py_mlops.errors import StoreError
from py_mlops.notebook.figures import Image
from py_mlops.records import DataFile, Environment, Snapshot
from py_mlops.workspace import Workspace

_MOST_FILES = 500
_MOST_TABLES = 20
_VALUE = 10_000


def compare(workspace: Workspace, first: str, second: str) -> Comparison:
    """Compare two snapshots without running anything.

    Args:
        workspace: The store.
        first: Whole id of the older one.
        second: Whole id of the newer one.

    Returns:
        What differs, bounded in size.

    Raises:
        UnknownReference: When one is not in the store.
        InputError: When one is another kind of record.
        Corrupt: When one is damaged.
    """
    a, b = (the_snapshot(workspace, item) for item in (first, second))
    notes: list[str] = []
    data, same, more = _data(workspace, a, b, notes)
    return Comparison(
        a=first,
        b=second,
        metrics=_metrics(a, b),
        parameters=_parameters(a, b),
        data=data,
        data_same=same,
        data_cut=more,
        environment=_environment(a.environment, b.environment),
        signature=_signature(a, b),
        figures=_figures(workspace, a, b, notes),
        notes=notes,
    )


def _metrics(a: Snapshot, b: Snapshot) -> list[MetricChange]:
    def one(name: str) -> MetricChange:
        then, now = a.metrics.get(name), b.metrics.get(name)
        delta = None if then is None or now is None else now - then
        return MetricChange(name=name, a=then, b=now, delta=delta)

    return [one(name) for name in sorted({*a.metrics, *b.metrics})]


def _parameters(a: Snapshot, b: Snapshot) -> list[ParameterChange]:
    def one(name: str) -> ParameterChange:
        then, now = (
            json.dumps(side.parameters[name], sort_keys=True, ensure_ascii=False)[:_VALUE]
            if name in side.parameters
            else None
            for side in (a, b)
        )
        return ParameterChange(name=name, change=_change(then, now), a=then, b=now)

    return [one(name) for name in sorted({*a.parameters, *b.parameters})]


def _data(
    workspace: Workspace, a: Snapshot, b: Snapshot, notes: list[str]
) -> tuple[list[DataChange], int, int]:
    with (
        Contents(workspace.store.blobs, a) as older,
        Contents(workspace.store.blobs, b) as newer,
    ):
        before, after = _by_name(older.files), _by_name(newer.files)
        found: list[DataChange] = []
        same = more = tables = 0
        for name in sorted({*before, *after}):
            then, now = before.get(name), after.get(name)
            if then is not None and now is not None and then.blobs == now.blobs:
                same += 1
            elif len(found) >= _MOST_FILES:
                more += 1
            else:
                table = None
                if tables < _MOST_TABLES and then is not None and now is not None:
                    table = _table(older, newer, then, now, notes)
                    tables += table is not None
                found.append(_file(then, now, table))
        return found, same, more


def _by_name(files: list[DataFile]) -> dict[str, DataFile]:
    """Return files by the name that the program used, which is the same on another machine."""
    named: dict[str, DataFile] = {}
    for file in files:
        named[file.path if file.requested in named else file.requested] = file
    return named


def _file(then: DataFile | None, now: DataFile | None, table: TableChange | None) -> DataChange:
    file = now or then
    assert file is not None  # noqa: S101 - one of the two is there
    return DataChange(
        path=file.requested,
        role=file.role,
        change=_change(then, now) or "changed",
        size_a=_size(then),
        size_b=_size(now),
        table=table,
    )


def _size(file: DataFile | None) -> int | None:
    return sum(blob.size for blob in file.blobs) if file is not None and file.blobs else None


def _table(
    older: Contents, newer: Contents, then: DataFile, now: DataFile, notes: list[str]
) -> TableChange | None:
    try:
        a, b = _read(older, then), _read(newer, now)
    except StoreError as error:
        notes.append(f"{now.requested}: {error.message}")
        return None
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
        change=_change(*kinds),
        a=kinds[0],
        b=kinds[1],
        edges=edges,
        counts_a=counts_a,
        counts_b=counts_b,
    )


def _environment(a: Environment, b: Environment) -> EnvironmentChange:
    before, after = ({one.name: one.version for one in side.distributions} for side in (a, b))
    names = sorted({*before, *after})
    changed = [
        PackageChange(name=name, change=change, a=before.get(name), b=after.get(name))
        for name in names
        if (change := _change(before.get(name), after.get(name))) is not None
    ]
    return EnvironmentChange(
        python_a=a.interpreter.version,
        python_b=b.interpreter.version,
        platform_a=a.interpreter.platform,
        platform_b=b.interpreter.platform,
        packages=changed,
        same=len(names) - len(changed),
        machine=machine_changes(a, b),
    )


def _signature(a: Snapshot, b: Snapshot) -> list[SignatureChange]:
    before, after = _told(a), _told(b)
    names = [*before, *(name for name in after if name not in before)]
    return [
        SignatureChange(
            name=name,
            a=before.get(name, ""),
            b=after.get(name, ""),
            same=before.get(name) == after.get(name),
        )
        for name in names
    ]


def _told(snapshot: Snapshot) -> dict[str, str]:
    told: dict[str, str] = {}
    if snapshot.model is not None:
        told["type"] = snapshot.model.type
        told["formats"] = ", ".join(item.format for item in snapshot.model.artifacts)
    held = snapshot.holdout
    if held is not None:
        told["inputs"] = _array(held.spec.shape, held.spec.dtype)
        if held.spec.columns:
            told["columns"] = ", ".join(held.spec.columns)[:_VALUE]
        for one in held.predictions:
            told[one.method] = _array(one.spec.shape, one.spec.dtype)
    return told


def _array(shape: list[int], dtype: str) -> str:
    return f"{' × '.join(map(str, shape)) or 'one'} {dtype}"


def _figures(workspace: Workspace, a: Snapshot, b: Snapshot, notes: list[str]) -> list[FigurePair]:
    sides: list[list[Image]] = []
    for snapshot in (a, b):
        if snapshot.program.saved is None:
            notes.append(f"{snapshot.created[:10]}: no saved notebook, so no figures.")
        sides.append(figures(workspace, snapshot))
    return [
        FigurePair(
            a=_figure(then),
            b=_figure(now),
            same=then is not None and now is not None and then.data == now.data,
        )
        for then, now in zip_longest(*sides)
    ]


def _figure(image: Image | None) -> Figure | None:
    if image is None:
        return None
    return Figure(digest=image.digest, mime=image.mime, cell=image.cell, size=len(image.data))


def _change(then: object, now: object) -> Change | None:
    if then is None:
        return None if now is None else "added"
    if now is None:
        return "removed"
    return None if then == now else "changed"
