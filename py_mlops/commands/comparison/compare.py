"""Compare: two snapshots side by side, part by part, as values a face can draw."""

from __future__ import annotations

import json
from itertools import zip_longest

from py_mlops.commands.catalogue.inspect import the_snapshot
from py_mlops.commands.comparison.figures import figures
from py_mlops.commands.comparison.shapes import (
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
    change_of,
)
from py_mlops.commands.comparison.tables import Sides, compare_tables
from py_mlops.data.contents import Contents
from py_mlops.environment.compare import machine_changes
from py_mlops.notebook.figures import Image
from py_mlops.records import DataFile, Environment, Snapshot
from py_mlops.workspace import Workspace

_MOST_FILES = 500
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
        return ParameterChange(name=name, change=change_of(then, now), a=then, b=now)

    return [one(name) for name in sorted({*a.parameters, *b.parameters})]


def _data(
    workspace: Workspace, a: Snapshot, b: Snapshot, notes: list[str]
) -> tuple[list[DataChange], int, int]:
    with (
        Contents(workspace.store.blobs, a) as older,
        Contents(workspace.store.blobs, b) as newer,
    ):
        before, after = _by_name(older.files), _by_name(newer.files)
        differ: dict[str, Sides] = {}
        same = more = 0
        for name in sorted({*before, *after}):
            then, now = before.get(name), after.get(name)
            if then is not None and now is not None and then.blobs == now.blobs:
                same += 1
            elif len(differ) >= _MOST_FILES:
                more += 1
            else:
                differ[name] = then, now
        tables = compare_tables(older, newer, differ, notes)
        found = [_file(*sides, tables.get(name)) for name, sides in differ.items()]
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
        change=change_of(then, now) or "changed",
        size_a=_size(then),
        size_b=_size(now),
        table=table,
    )


def _size(file: DataFile | None) -> int | None:
    return sum(blob.size for blob in file.blobs) if file is not None and file.blobs else None


def _environment(a: Environment, b: Environment) -> EnvironmentChange:
    before, after = ({one.name: one.version for one in side.distributions} for side in (a, b))
    names = sorted({*before, *after})
    changed = [
        PackageChange(name=name, change=change, a=before.get(name), b=after.get(name))
        for name in names
        if (change := change_of(before.get(name), after.get(name))) is not None
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
