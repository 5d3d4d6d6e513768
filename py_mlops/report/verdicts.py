"""The page of a reproduction: the verdict, its reasons axis by axis, and the numbers."""

from __future__ import annotations

from py_mlops.records import (
    Axis,
    CellDifference,
    PredictionComparison,
    Reproduction,
)
from py_mlops.report.page import Line, Page, Section, short
from py_mlops.report.snapshots import metrics_compared
from py_mlops.report.state import State, verdict_state

_STATES: dict[str, State] = {
    "same": "good",
    "close": "warn",
    "different": "bad",
    "unknown": "dim",
    "equivalent": "good",
}


def verdict_page(identifier: str, record: Reproduction, name: str) -> Page:
    """Describe a reproduction.

    Args:
        identifier: Its whole id.
        record: The record.
        name: The model's name.

    Returns:
        The page.
    """
    sections = (
        metrics_compared(record.metrics),
        _answers(record.predictions),
        Section("First cell that differs", _difference(record.first_difference)),
        Section("Axis by axis", tuple(_axis(axis) for axis in record.axes)),
    )
    stopped = record.level in {"failed", "cannot"}
    cause = (record.cause if stopped else f"Likely cause: {record.cause}",) if record.cause else ()
    return Page(
        heading=f"{name}  {short(record.snapshot)}",
        badge=record.level,
        state=verdict_state(record.level),
        summary=record.reason,
        sections=tuple(part for part in sections if part.lines or part.rows),
        hints=(
            *cause,
            *_next(record),
            f"Kept as record {short(identifier)}; the rerun took {record.seconds:.1f} s.",
        ),
    )


def _next(record: Reproduction) -> tuple[str, ...]:
    """Return how to tell chance from a change, where the numbers came out otherwise."""
    told = record.calibration or "--calibrate" in record.cause
    if told or record.level not in {"within tolerance", "different"}:
        return ()
    words = f"mlops reproduce {short(record.snapshot)} --calibrate 3"
    return (f"How much training varies by itself: {words}",)


def answers_page(identifier: str, name: str, compared: list[PredictionComparison]) -> Page:
    """Describe what a stored model answered on the held-out inputs, beside what it answered then.

    Args:
        identifier: The snapshot's whole id.
        name: The word it was asked for by.
        compared: The comparison, method by method.

    Returns:
        The page.
    """
    states = {item.state for item in compared}
    worst = next((one for one in ("different", "close", "equivalent") if one in states), "same")
    words = {
        "same": ("identical", "The stored model answers bit for bit as it did then."),
        "equivalent": ("equivalent", "The stored model answers as it did then, up to rounding."),
        "close": ("close", "The stored model does not answer as it did then, but nearly so."),
        "different": ("different", "The stored model does not answer as it did then."),
    }
    badge, summary = words[worst] if compared else ("answered", "Nothing to compare with.")
    return Page(
        heading=f"{name}  {short(identifier)}",
        badge=badge,
        state=_STATES[worst],
        summary=summary,
        sections=(_answers(compared),) if compared else (),
    )


def _answers(compared: list[PredictionComparison]) -> Section:
    return Section(
        "Answers on held-out inputs",
        columns=("method", "rows", "agree", "largest difference", ""),
        rows=tuple(_prediction(item) for item in compared),
        states=tuple(_STATES[item.state] for item in compared),
    )


def _axis(axis: Axis) -> Line:
    return Line(axis.name, axis.text, _STATES[axis.state], tuple(axis.details))


def _difference(cell: CellDifference | None) -> tuple[Line, ...]:
    if cell is None:
        return ()
    return (
        Line(f"[{cell.count}]", cell.source),
        Line("then", cell.recorded, "dim"),
        Line("now", cell.rerun, "dim"),
    )


def _prediction(item: PredictionComparison) -> tuple[str, ...]:
    return (
        item.method,
        f"{item.rows:,}",
        f"{item.agree:.2%}",
        f"{item.largest:.2g}" if item.largest or item.state == "same" else "—",
        item.state,
    )
