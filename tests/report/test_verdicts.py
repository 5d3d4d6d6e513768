from __future__ import annotations

from typing import Any

import msgspec
import pytest

from py_mlops.records import (
    Axis,
    CellDifference,
    MetricComparison,
    PredictionComparison,
    Reproduction,
)
from py_mlops.report.page import Page, Section
from py_mlops.report.verdicts import verdict_page
from tests.store.samples import digest, reproduction

ID, SNAPSHOT = digest("r"), digest("s")


def page(**parts: Any) -> Page:
    """Return the page of a verdict with some parts replaced."""
    record: Reproduction = msgspec.structs.replace(reproduction(SNAPSHOT), **parts)
    return verdict_page(ID, record, "digits")


def titled(shown: Page, title: str) -> Section:
    """Return a page's section."""
    return next(section for section in shown.sections if section.title == title)


def metric(**parts: Any) -> MetricComparison:
    """Return a metric's comparison."""
    known: dict[str, Any] = {
        "name": "accuracy", "recorded": 0.9, "rerun": 0.91, "tolerance": 0.02, "relative": False,
        "band": [], "state": "close",
    }  # fmt: skip
    return MetricComparison(**{**known, **parts})


def test_the_head_is_the_verdict_and_its_reason() -> None:
    """Which snapshot, which verdict, why, and where it is kept."""
    shown = page(level="different", reason="It differs.", cause="data: lost.", seconds=3.14)
    assert shown.heading == f"digits  {SNAPSHOT[7:19]}"
    assert (shown.badge, shown.state, shown.summary) == ("different", "bad", "It differs.")
    assert shown.hints == (
        "Likely cause: data: lost.",
        f"How much training varies by itself: mlops reproduce {SNAPSHOT[7:19]} --calibrate 3",
        f"Kept as record {ID[7:19]}; the rerun took 3.1 s.",
    )


@pytest.mark.parametrize(
    ("level", "calibration"), [("identical", []), ("failed", []), ("different", [{"a": 1.0}])]
)
def test_nobody_is_told_to_measure_chance_where_it_explains_nothing(
    level: str, calibration: list[dict[str, float]]
) -> None:
    """What came out the same, did not run or was calibrated needs no further reruns."""
    hints = page(level=level, calibration=calibration).hints
    assert not any("--calibrate" in hint for hint in hints)


def test_what_stopped_it_is_no_likely_cause_but_a_way_on() -> None:
    """A rerun that could not be made carries its hint."""
    shown = page(level="cannot", cause="Install Python 3.8.")
    assert shown.hints[0] == "Install Python 3.8."


def test_parts_with_nothing_in_them_are_left_out() -> None:
    """A verdict that nothing was compared for is short."""
    assert page().sections == ()


def test_each_axis_is_a_line() -> None:
    """With its state to the eye and its details below."""
    states = {"environment": "same", "data": "different", "hardware": "close", "code": "unknown"}
    axes = [
        Axis(name=name, state=state, text=f"{name}!", details=["more"])  # type: ignore[arg-type]  # names and states come as text
        for name, state in states.items()
    ]
    lines = titled(page(axes=axes), "Axis by axis").lines
    assert [(one.label, one.state) for one in lines] == [
        ("environment", "good"), ("data", "bad"), ("hardware", "warn"), ("code", "dim"),
    ]  # fmt: skip
    assert lines[0].details == ("more",)


@pytest.mark.parametrize(
    ("comparison", "row"),
    [
        (metric(), ("accuracy", "0.9", "0.91", "+0.01", "± 0.02", "close")),
        (
            metric(recorded=200.0, rerun=190.0, relative=True),
            ("accuracy", "200", "190", "-10", "± 2.00% of it", "close"),
        ),
        (
            metric(band=[0.8, 0.95]),
            ("accuracy", "0.9", "0.91", "+0.01", "0.8 … 0.95 (measured), or ± 0.02", "close"),
        ),
        (
            metric(rerun=None, state="different"),
            ("accuracy", "0.9", "none", "—", "± 0.02", "different"),
        ),
    ],
)
def test_a_metric_is_a_row_with_all_that_may_let_it_pass(
    comparison: MetricComparison, row: tuple[str, ...]
) -> None:
    """Then, now, how far apart, how far allowed, and the outcome."""
    section = titled(page(metrics=[comparison]), "Metrics")
    assert section.rows == (row,)
    assert section.states == ({"close": "warn", "different": "bad"}[row[-1]],)
    assert len(section.columns) == len(row)


def test_answers_are_rows() -> None:
    """How many were compared and how many agree."""
    compared = PredictionComparison(
        method="predict", rows=1797, agree=0.975, largest=0.0, state="different"
    )
    section = titled(page(predictions=[compared]), "Answers on held-out inputs")
    assert section.rows == (("predict", "1,797", "97.50%", "—", "different"),)
    assert len(section.columns) == 5


def test_the_first_cell_that_differs_is_shown_then_and_now() -> None:
    """So that one knows where to look."""
    cell = CellDifference(count=7, source="print(x)", recorded="1", rerun="2")
    lines = titled(page(first_difference=cell), "First cell that differs").lines
    assert [(one.label, one.text) for one in lines] == [
        ("[7]", "print(x)"), ("then", "1"), ("now", "2"),
    ]  # fmt: skip
