"""A rerun of a snapshot and the verdict on it."""

from __future__ import annotations

from typing import Literal

from py_mlops.records.author import Author
from py_mlops.records.base import Blob, Digest, Part, Record, Time
from py_mlops.records.environment import Environment

Level = Literal["identical", "equivalent", "within tolerance", "different", "failed", "cannot"]
"""The verdicts, best first."""

AxisName = Literal[
    "environment",
    "hardware",
    "data",
    "code",
    "capture",
    "isolation",
    "outputs",
    "files",
    "predictions",
    "metrics",
    "model",
]


class Axis(Part, frozen=True):
    """One axis of the comparison.

    Attributes:
        name: Which.
        state: ``same``; ``close`` (differs, within its tolerance);
            ``different``; ``unknown`` (nothing to compare, or not compared).
        text: One sentence for a person.
        details: Further lines: the packages, files or features that differ.
    """

    name: AxisName
    state: Literal["same", "close", "different", "unknown"]
    text: str
    details: list[str]


class MetricComparison(Part, frozen=True):
    """One metric, recorded and rerun.

    Attributes:
        name: Its name.
        recorded: The snapshot's value.
        rerun: The rerun's value; ``None`` when the rerun has none.
        tolerance: How far apart they may be.
        relative: Whether the tolerance is a fraction of the recorded value
            (else it is absolute, 0.02 for two percentage points).
        band: Low and high of the noise band, when calibrated; else empty.
        state: ``same`` bit-equal; ``equivalent`` equal up to numeric noise;
            ``close`` within tolerance or band; ``different``.
    """

    name: str
    recorded: float
    rerun: float | None
    tolerance: float
    relative: bool
    band: list[float]
    state: Literal["same", "equivalent", "close", "different"]


class PredictionComparison(Part, frozen=True):
    """One method's answers on the held-out inputs, recorded and rerun.

    Attributes:
        method: Which method.
        rows: How many rows were compared.
        agree: Fraction of rows whose answers agree (labels equal, or numbers
            equal up to numeric noise).
        largest: Largest relative difference of numbers; 0 for labels.
        state: As for metrics.
    """

    method: str
    rows: int
    agree: float
    largest: float
    state: Literal["same", "equivalent", "close", "different"]


class CellDifference(Part, frozen=True):
    """The first executed cell whose outputs differ.

    Attributes:
        count: Its execution count in the snapshot.
        source: Its first line.
        recorded: What it showed then, cut.
        rerun: What it showed now, cut.
    """

    count: int
    source: str
    recorded: str
    rerun: str


class WrittenFile(Part, frozen=True):
    """A file that a rerun made or changed; it is not kept.

    Attributes:
        path: Its absolute path, as the rerun saw it.
        size: Its length in bytes.
    """

    path: str
    size: int


class Reproduction(Record, frozen=True, tag="reproduction"):
    """A rerun of a snapshot and its verdict.

    Attributes:
        snapshot: Id of the snapshot that was rerun.
        created: When the rerun ended.
        author: Who reran it.
        level: The verdict.
        reason: Why, in one sentence.
        cause: The likely cause when it is not the same; empty otherwise.
        axes: The comparison, axis by axis.
        metrics: Each metric's comparison.
        predictions: Each prediction method's comparison.
        first_difference: The first cell that differs, when one does.
        environment: What it was rerun on; ``None`` when none could be built.
        notebook: The executed notebook; ``None`` when nothing ran.
        written: The first 1,000 files it made or changed, where it ran in a sandbox.
        seconds: How long the rerun took, environment included.
        calibration: The metrics of every calibrating rerun, when asked for.
    """

    snapshot: Digest
    created: Time
    author: Author
    level: Level
    reason: str
    cause: str
    axes: list[Axis]
    metrics: list[MetricComparison]
    predictions: list[PredictionComparison]
    first_difference: CellDifference | None
    environment: Environment | None
    notebook: Blob | None
    written: list[WrittenFile]
    seconds: float
    calibration: list[dict[str, float]]
