from __future__ import annotations

import itertools
import re
from xml.etree import ElementTree as ET

import pytest

from py_mlops.report.chart import Chart, Point, place, sparkline, thinned
from py_mlops.report.chart_svg import chart_svg
from py_mlops.report.html import html
from py_mlops.report.page import Page
from py_mlops.report.state import State


def drawn(*points: Point) -> ET.Element:
    """Return a chart's elements."""
    return ET.fromstring(chart_svg(Chart("loss", "1", points, ("then", "now"))))  # noqa: S314 - our own


def test_the_row_is_thinned_evenly_and_keeps_its_ends() -> None:
    """However many there are, the first and the newest are drawn."""
    row = list(range(10_000))
    few = thinned(row, 100)
    assert len(few) == len(set(few)) == 100
    assert (few[0], few[-1]) == (0, 9999)
    gaps = {b - a for a, b in itertools.pairwise(few)}
    assert gaps == {101}
    assert thinned([1, 2], 100) == [1, 2]


def test_blocks_rise_with_the_numbers() -> None:
    """Lowest and highest are the ends of the scale; equal numbers are a level line."""
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([3.0, 3.0]) == "▅▅"
    assert len(sparkline(list(range(1000)))) == 24


@pytest.mark.parametrize(
    ("low", "high"), [(-1.7e308, 1.7e308), (0.0, 5e-324), (1.0, 1.0), (-1e-300, 1e300)]
)
def test_any_two_finite_numbers_have_a_place(low: float, high: float) -> None:
    """No number that a record can hold breaks a drawing."""
    assert 0 <= place(low, low, high) <= place(high, low, high) <= 1
    whole = chart_svg(Chart("m", "", (Point("a", low), Point("b", high, low)), ("", "")))
    assert "nan" not in whole
    assert "inf" not in whole


@pytest.mark.parametrize(
    ("state", "shape"),
    [("good", "circle.good"), ("warn", "path.warn"), ("bad", "path.cross"), ("", "circle.never")],
)
def test_a_verdict_has_a_shape_and_not_only_a_colour(state: State, shape: str) -> None:
    """Same, within tolerance, otherwise and never rerun are told apart in black and white."""
    tag, kind = shape.split(".")
    others = {"good", "warn", "cross", "never"} - {kind}
    found = [one for one in drawn(Point("p", 1.0, None, state)).iter() if one.get("class")]
    assert [one.tag for one in found if one.get("class") == kind] == [tag]
    assert not [one for one in found if one.get("class") in others]


def test_what_a_rerun_got_is_drawn_where_it_is_another_number() -> None:
    """A square at its height, joined to the claimed one; none where both are the same."""
    apart = drawn(Point("p", 1.0, 2.0, "bad"), Point("q", 1.5, 1.5, "good"))
    assert len([one for one in apart.iter() if one.get("class") == "rerun"]) == 1


def test_what_a_head_points_at_has_a_ring_and_is_named() -> None:
    """The current one is found at a glance."""
    points = (Point("p", 1.0), Point("q", 2.0, None, "good", "digits@main"))
    chart = Chart("loss", "2", points, ("then", "now"))
    assert len([one for one in drawn(*points).iter() if one.get("class") == "head"]) == 1
    assert "◯ around: digits@main" in html(Page("h", "", "", "", charts=(chart,)))


def test_it_is_a_chart_without_any_style() -> None:
    """Every shape carries a colour of its own; what is only a line is not filled."""
    shapes = list(drawn(Point("p", 1.0, 2.0, "bad", "h"), Point("q", 3.0)).iter())
    painted = [one for one in shapes if one.tag in {"circle", "path", "text"}]
    assert all(one.get("fill") or one.get("stroke") for one in painted)
    curve = next(one for one in painted if one.get("class") == "curve")
    assert curve.get("fill") == "none"


def test_it_has_a_name_and_a_word_for_each_point() -> None:
    """For whoever points at it, and for whoever cannot see it."""
    chart = drawn(Point("first", 1.0), Point("second", 2.0))
    assert chart.get("role") == "img"
    assert chart.get("aria-label") == "loss over 2 snapshots, 1 to 2"
    assert [one.text for one in chart.iter("title")] == ["first; ", "second; "]


def test_the_legend_names_only_what_is_there() -> None:
    """Nobody looks for a sign that is not drawn."""
    chart = Chart("loss", "1", (Point("p", 1.0), Point("q", 2.0, 2.0, "good")), ("a", "b"))
    legend = re.search(
        '<div class="legend">(.*?)</div>', html(Page("h", "", "", "", charts=(chart,)))
    )
    assert legend is not None
    assert legend[1] == "● rerun, the same · ○ never rerun"
