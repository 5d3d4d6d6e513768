from __future__ import annotations

from collections.abc import Sequence

import pytest

from py_mlops.report.lists import log_page
from py_mlops.report.metrics import Measured, Trend, metric_charts, metrics_section
from py_mlops.report.terminal import text
from tests.store.samples import digest


def measured(number: int, **parts: object) -> Measured:
    """Return a snapshot's numbers."""
    known: dict[str, object] = {
        "id": digest(number), "created": f"2026-01-{number + 1:02}T12:00:00.000000Z",
        "metrics": {"accuracy": number / 8}, "rerun": {}, "level": None, "heads": (),
    }  # fmt: skip
    return Measured(**{**known, **parts})  # type: ignore[arg-type]  # parts come by name


def trend(points: Sequence[Measured], **parts: object) -> Trend:
    """Return snapshots in a row."""
    return Trend(tuple(points), **{"total": len(points), **parts})  # type: ignore[arg-type]  # the same


def test_a_metric_is_a_row_that_tells_how_it_went() -> None:
    """Newest, change, what the newest rerun got, extremes, and the way between in blocks."""
    points = [measured(0), measured(4), measured(2, rerun={"accuracy": 0.2}, level="different")]
    section = metrics_section(trend(points))
    assert section.title == "Metrics"
    assert section.rows == (("accuracy", "0.25", "-0.25", "0.2", "0", "0.5", "▁█▅"),)
    assert len(section.columns) == 7


def test_metrics_that_came_and_went_are_all_told() -> None:
    """Those of the newest snapshot first, in its order."""
    points = [
        measured(0, metrics={"old": 1.0, "loss": 2.0}),
        measured(1, metrics={"new": 3.0, "loss": 1.0}),
    ]
    rows = metrics_section(trend(points)).rows
    assert [(row[0], row[1], row[2]) for row in rows] == [
        ("new", "3", ""), ("loss", "1", "-1"), ("old", "1", ""),
    ]  # fmt: skip
    assert [chart.title for chart in metric_charts(trend(points))] == ["loss"]


def test_very_many_metrics_are_counted() -> None:
    """A model with a thousand metrics has a page that can be read."""
    many = {f"m{number}": 1.0 for number in range(1000)}
    shown = trend([measured(0, metrics=many), measured(1, metrics=many)])
    assert metrics_section(shown).rows[-1][0] == "and 960 more"
    assert len(metric_charts(shown)) == 8


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"total": 500}, "Metrics (2 of 500 snapshots, evenly spaced)"),
        (
            {"total": 2000, "earlier": True},
            "Metrics (2 of the newest 2,000 snapshots, evenly spaced)",
        ),
        ({"total": 3, "unread": 1}, "Metrics (2 of 3 snapshots, 1 could not be read)"),
    ],
)
def test_what_was_left_out_is_said(parts: dict[str, object], says: str) -> None:
    """A chart of some snapshots does not pass for one of all."""
    assert metrics_section(trend([measured(0), measured(1)], **parts)).title == says


def test_a_point_says_what_it_is() -> None:
    """Which snapshot, when, its number, its verdict, what the rerun got, and which heads it has."""
    points = [
        measured(0),
        measured(
            1, level="within tolerance", rerun={"accuracy": 0.12}, heads=("digits@main",)
        ),
    ]  # fmt: skip
    [chart] = metric_charts(trend(points))
    first, second = chart.points
    assert first.title == f"{digest(0)[7:19]}, 2026-01-01 12:00 UTC: 0, never rerun"
    assert second.title == (
        f"{digest(1)[7:19]}, 2026-01-02 12:00 UTC: 0.125, within tolerance, "
        "the rerun got 0.12, digits@main"
    )
    assert (first.state, second.state, second.again) == ("", "warn", 0.12)
    assert (chart.said, chart.ends) == ("0.125 (+0.125)", ("2026-01-01", "2026-01-02"))


def test_a_rerun_without_the_metric_has_no_number() -> None:
    """What failed before the metric was computed is told as such, not as zero."""
    point = measured(1, level="failed", rerun={"accuracy": None})
    [chart] = metric_charts(trend([measured(0), point]))
    assert chart.points[1].again is None
    assert metrics_section(trend([point])).rows[0][3] == "—"


def test_a_model_without_metrics_has_a_log_all_the_same() -> None:
    """No table over nothing."""
    page = log_page([], "digits", "", trend=trend([measured(0, metrics={})]))
    assert [section.title for section in page.sections] == ["Snapshots"]
    assert page.charts == ()


def test_how_it_went_fits_on_80_columns_without_colour() -> None:
    """A row a metric, its blocks at the end."""
    points = [measured(number % 20) for number in range(60)]
    shown = text(log_page([], "digits", "", trend=trend(points)), width=80)
    [row] = [one for one in shown.splitlines() if "accuracy" in one]
    assert len(row) <= 80
    assert row.endswith(metrics_section(trend(points)).rows[0][-1])
