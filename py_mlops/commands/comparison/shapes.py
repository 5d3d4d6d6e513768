"""Comparison: the shapes in which faces show two snapshots side by side."""

from __future__ import annotations

from typing import Literal

import msgspec

from py_mlops.records import Digest

Change = Literal["added", "removed", "changed"]


class MetricChange(msgspec.Struct, frozen=True, kw_only=True):
    """A metric on both sides.

    Attributes:
        name: Its name.
        a: The older value; ``null`` when there is none.
        b: The newer value; ``null`` when there is none.
        delta: ``b - a``; ``null`` when one is missing.
    """

    name: str
    a: float | None
    b: float | None
    delta: float | None


class ParameterChange(msgspec.Struct, frozen=True, kw_only=True):
    """A papermill parameter on both sides, as JSON text.

    Attributes:
        name: Its name.
        change: What happened; ``null`` when it is the same.
        a: The older value as JSON; ``null`` when it was not set.
        b: The newer value as JSON; ``null`` when it was not set.
    """

    name: str
    change: Change | None
    a: str | None
    b: str | None


class ColumnChange(msgspec.Struct, frozen=True, kw_only=True):
    """A table's column on both sides.

    Attributes:
        name: Its name.
        change: What happened to its type; ``null`` when it is the same.
        a: Its older type, ``int``, ``float``, ``text``; of Parquet as it is stored,
            ``int64``; ``null`` when absent.
        b: Its newer type; ``null`` when absent.
        edges: Edges of the histogram's bins; empty when it is not of numbers.
        counts_a: The older column's count in each bin.
        counts_b: The newer column's count in each bin.
    """

    name: str
    change: Change | None
    a: str | None
    b: str | None
    edges: list[float]
    counts_a: list[int]
    counts_b: list[int]


class TableChange(msgspec.Struct, frozen=True, kw_only=True):
    """A table on both sides.

    Attributes:
        rows_a: The older one's rows; ``null`` when it cannot be read.
        rows_b: The newer one's rows; ``null`` when it cannot be read.
        columns: Its columns.
        cut: Whether only the beginning of the table was read.
    """

    rows_a: int | None
    rows_b: int | None
    columns: list[ColumnChange]
    cut: bool


class DataChange(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is not the same on both sides.

    Attributes:
        path: As the program wrote it.
        role: ``input`` or ``output``.
        change: What happened.
        size_a: Its older size in bytes; ``null`` when it was absent or not kept.
        size_b: Its newer size in bytes; ``null`` when it is absent or not kept.
        table: What changed in it as a table; ``null`` when it is none.
    """

    path: str
    role: Literal["input", "output"]
    change: Change
    size_a: int | None
    size_b: int | None
    table: TableChange | None


class PackageChange(msgspec.Struct, frozen=True, kw_only=True):
    """A package that is not the same on both sides.

    Attributes:
        name: Its normalised name.
        change: What happened.
        a: The older version; ``null`` when it was absent.
        b: The newer version; ``null`` when it is absent.
    """

    name: str
    change: Change
    a: str | None
    b: str | None


class EnvironmentChange(msgspec.Struct, frozen=True, kw_only=True):
    """Interpreter, packages and machine on both sides.

    Attributes:
        python_a: The older interpreter, ``3.11.7``.
        python_b: The newer interpreter.
        platform_a: The older platform, ``linux-x86_64``.
        platform_b: The newer platform.
        packages: Packages that differ.
        same: How many packages are the same.
        machine: A line for each difference of hardware.
    """

    python_a: str
    python_b: str
    platform_a: str
    platform_b: str
    packages: list[PackageChange]
    same: int
    machine: list[str]


class SignatureChange(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a model's signature on both sides.

    Attributes:
        name: ``type``, ``inputs``, ``columns`` or the answer's method.
        a: The older one; empty when there is none.
        b: The newer one; empty when there is none.
        same: Whether they are the same.
    """

    name: str
    a: str
    b: str
    same: bool


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """An image that a cell of the saved notebook showed.

    Attributes:
        digest: Of its bytes; ask ``/snapshots/{id}/figures/{digest}`` for them.
        mime: ``image/png`` or ``image/jpeg``.
        cell: Its cell's place among the code cells, from 1.
        size: Its size in bytes.
    """

    digest: Digest
    mime: Literal["image/png", "image/jpeg"]
    cell: int
    size: int


class FigurePair(msgspec.Struct, frozen=True, kw_only=True):
    """Figures that belong together, side by side.

    Attributes:
        a: The older one; ``null`` when there is none.
        b: The newer one; ``null`` when there is none.
        same: Whether they are the same bytes.
    """

    a: Figure | None
    b: Figure | None
    same: bool


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two snapshots side by side, without their notebooks.

    Attributes:
        a: The older one's id.
        b: The newer one's id.
        metrics: Every metric of either.
        parameters: Every parameter of either.
        data: Files that differ.
        data_same: How many files are the same.
        data_cut: How many differing files are not told.
        environment: Interpreter, packages, machine.
        signature: The model's type, inputs and answers.
        figures: Figures of the saved notebooks, in order.
        notes: What could not be compared, in words.
    """

    a: Digest
    b: Digest
    metrics: list[MetricChange]
    parameters: list[ParameterChange]
    data: list[DataChange]
    data_same: int
    data_cut: int
    environment: EnvironmentChange
    signature: list[SignatureChange]
    figures: list[FigurePair]
    notes: list[str]


def change_of(then: object, now: object) -> Change | None:
    """Return what happened to something; ``None`` stands for absent, and for no change."""
    if then is None:
        return None if now is None else "added"
    if now is None:
        return "removed"
    return None if then == now else "changed"
