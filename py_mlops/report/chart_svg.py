"""A chart as SVG: no script, no id, and still a chart where its style was taken away."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from py_mlops.report.chart import Chart, Point, place
from py_mlops.report.page import on_one_line
from py_mlops.report.state import State

_WIDTH, _HEIGHT = 340, 128
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 14, 26
_MANY = 40
"""With more points than this they are drawn small."""

# Tones that are seen on light and on dark; a page with our style puts its own in their place.
_COLOURS: dict[State, str] = {"good": "#2e8b57", "warn": "#b8860b", "bad": "#d9483b", "dim": "#888"}


def chart_svg(chart: Chart) -> str:
    """Draw how a number went.

    A point's shape says how its newest rerun came out: a disc the same, a
    diamond within tolerance, a cross otherwise, a hollow circle never rerun.
    A square shows what the rerun got, where that is another number; a ring is
    around what a head points at.

    Args:
        chart: The chart; words in it may come from elsewhere and are escaped.

    Returns:
        An ``<svg>`` element for a page of HTML.
    """
    low, high = chart.range
    step = (_WIDTH - _LEFT - _RIGHT) / max(len(chart.points) - 1, 1)
    alone = (_WIDTH - _LEFT - _RIGHT) / 2 if len(chart.points) == 1 else 0.0

    def height(value: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * place(value, low, high)

    spots = [
        (_LEFT + alone + number * step, height(point.value))
        for number, point in enumerate(chart.points)
    ]
    lines = "".join(_grid(value, height(value)) for value in dict.fromkeys((high, low)))
    radius = 4.0 if len(spots) <= _MANY else 2.2
    points = "".join(
        _point(point, x, y, radius, None if point.again is None else height(point.again))
        for point, (x, y) in zip(chart.points, spots, strict=True)
    )
    said = _text(f"{chart.title} over {len(spots)} snapshots, {low:.6g} to {high:.6g}")
    return (
        f'<svg class="mlops-chart" role="img" aria-label="{said}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-size="11" '
        f'font-family="system-ui,sans-serif">{lines}{_ends(chart.ends, len(spots))}'
        f"{_curve(spots)}{points}</svg>"
    )


def _grid(value: float, y: float) -> str:
    return (
        f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="#999" '
        f'stroke-width=".6" stroke-dasharray="2 3"/><text x="{_LEFT - 9}" y="{y + 4:.1f}" '
        f'text-anchor="end" fill="currentColor">{value:.4g}</text>'
    )


def _ends(ends: tuple[str, str], count: int) -> str:
    first = f'<text x="{_LEFT}" y="{_HEIGHT - 5}" fill="currentColor">{_text(ends[0])} </text>'
    last = (
        f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 5}" text-anchor="end" '
        f'fill="currentColor">{_text(ends[1])} </text>'
    )
    return first + last if count > 1 else first


def _curve(spots: Sequence[tuple[float, float]]) -> str:
    way = "L".join(f"{x:.1f} {y:.1f}" for x, y in spots)
    return f'<path class="curve" d="M{way}" fill="none" stroke="#2f7fd6" stroke-width="1.6"/>'


def _point(point: Point, x: float, y: float, radius: float, again: float | None) -> str:
    rerun = ""
    if again is not None and point.again != point.value:
        side = radius * 1.5
        rerun = (
            f'<path class="rerun" d="M{x:.1f} {y:.1f}V{again:.1f}M{x - side / 2:.1f} '
            f'{again - side / 2:.1f}h{side:.1f}v{side:.1f}h-{side:.1f}z" fill="none" '
            'stroke="#888" stroke-width="1.3"/>'
        )
    ring = ""
    if point.head:
        ring = (
            f'<circle class="head" cx="{x:.1f}" cy="{y:.1f}" r="{radius + 4.5:.1f}" fill="none" '
            'stroke="currentColor" stroke-width="1.3"/>'
        )
    shape = _shape(point.state, x, y, radius)
    return f"<g><title>{_text(point.title)}; </title>{ring}{shape}{rerun}</g>"


def _shape(state: State, x: float, y: float, radius: float) -> str:
    """Draw a point in the shape of its verdict, as colour alone would not tell everybody."""
    colour = _COLOURS.get(state, "#2f7fd6")
    if state == "good":
        return f'<circle class="good" cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}"/>'
    if state == "warn":
        wide = radius * 1.35
        way = f"M{x:.1f} {y - wide:.1f}l{wide} {wide}l-{wide} {wide}l-{wide} -{wide}z"
        return f'<path class="warn" d="{way}" fill="{colour}"/>'
    if state == "bad":
        way = f"M{x - radius:.1f} {y - radius:.1f}l{2 * radius} {2 * radius}m0 -{2 * radius}"
        way += f"l-{2 * radius} {2 * radius}"
        return f'<path class="cross" d="{way}" fill="none" stroke="{colour}" stroke-width="2.4"/>'
    return (
        f'<circle class="never" cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="#fff" '
        f'stroke="{colour}" stroke-width="1.6"/>'
    )


def _text(text: str) -> str:
    return escape(on_one_line(text[:300]), quote=True)
