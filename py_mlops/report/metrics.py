"""How a model's metrics went from snapshot to snapshot: a table of them, and a chart of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from py_mlops.records import Level
from py_mlops.report.chart import Chart, Point, sparkline
from py_mlops.report.page import Section, short
from py_mlops.report.state import verdict_state

MOST = 100
"""At most so many snapshots are looked at and drawn."""

_CHARTS = 8
_ROWS = 40


@dataclass(frozen=True)
class Measured:
    """A snapshot's numbers, and what its newest rerun got.

    Attributes:
        id: The snapshot's id.
        created: When it was taken.
        metrics: Numbers by name.
        rerun: The rerun's, by name; ``None`` for one that it did not get.
        level: The newest verdict; ``None`` when it was never rerun.
        heads: The heads that point at it now.
    """

    id: str
    created: str
    metrics: Mapping[str, float]
    rerun: Mapping[str, float | None]
    level: Level | None
    heads: tuple[str, ...]


@dataclass(frozen=True)
class Trend:
    """Snapshots of a model in a row.

    Attributes:
        points: The oldest first, at most `MOST`, evenly spaced; the newest is always there.
        total: How many snapshots they stand for.
        earlier: Whether there are still earlier ones, which were not looked at.
        unread: How many could not be read.
    """

    points: tuple[Measured, ...]
    total: int
    earlier: bool = False
    unread: int = 0


def metrics_section(trend: Trend) -> Section:
    """Return a table of metrics: newest, change, what the rerun got, lowest, highest, trend.

    Args:
        trend: The snapshots.

    Returns:
        The section; it says when not every snapshot or metric is in it.
    """
    names = _names(trend)
    rows: list[tuple[str, ...]] = []
    for name in names[:_ROWS]:
        having = [point for point in trend.points if name in point.metrics]
        values = [point.metrics[name] for point in having]
        again = having[-1].rerun.get(name)
        rows.append(
            (
                name,
                f"{values[-1]:.6g}",
                f"{values[-1] - values[-2]:+.3g}" if len(values) > 1 else "",
                "—" if again is None else f"{again:.6g}",
                f"{min(values):.6g}",
                f"{max(values):.6g}",
                sparkline(values),
            )
        )
    more = len(names) - len(rows)
    if more > 0:
        rows.append((f"and {more:,} more", *[""] * 6))
    columns = ("metric", "newest", "change", "rerun", "lowest", "highest", "trend")
    return Section(_title(trend), columns=columns, rows=tuple(rows))


def metric_charts(trend: Trend) -> tuple[Chart, ...]:
    """Return a chart for each of the first metrics of the newest snapshot.

    Args:
        trend: The snapshots.

    Returns:
        Charts of those metrics that at least two snapshots have.
    """
    charts = (_chart(name, trend) for name in _names(trend)[:_CHARTS])
    return tuple(chart for chart in charts if len(chart.points) > 1)


def _names(trend: Trend) -> list[str]:
    """Return every metric's name, those of the newest snapshot first and in its order."""
    return list(dict.fromkeys(name for point in reversed(trend.points) for name in point.metrics))


def _title(trend: Trend) -> str:
    shown = len(trend.points)
    if shown == trend.total and not trend.earlier:
        return "Metrics"
    of = f"{'the newest ' if trend.earlier else ''}{trend.total:,} snapshots"
    thinned = ", evenly spaced" if shown + trend.unread < trend.total else ""
    unread = f", {trend.unread} could not be read" if trend.unread else ""
    return f"Metrics ({shown} of {of}{thinned}{unread})"


def _chart(name: str, trend: Trend) -> Chart:
    having = [point for point in trend.points if name in point.metrics]
    newest = having[-1].metrics[name]
    said = f"{newest:.6g}"
    if len(having) > 1:
        said += f" ({newest - having[-2].metrics[name]:+.3g})"
    days = tuple(point.created[:10] for point in (having[0], having[-1]))
    return Chart(name, said, tuple(_point(name, one) for one in having), (days[0], days[1]))


def _point(name: str, one: Measured) -> Point:
    value, again = one.metrics[name], one.rerun.get(name)
    told = [
        f"{short(one.id)}, {one.created[:16].replace('T', ' ')} UTC: {value:.6g}",
        "never rerun" if one.level is None else one.level,
    ]
    if again is not None and again != value:
        told.append(f"the rerun got {again:.6g}")
    heads = ", ".join(one.heads)
    return Point(
        title=", ".join([*told, *([heads] if heads else [])]),
        value=value,
        again=again,
        state=verdict_state(one.level),
        head=heads,
    )
