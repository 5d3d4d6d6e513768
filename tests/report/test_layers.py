from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from py_mlops.report.layers import Layout, lay_out

NAMES = [f"n{number}" for number in range(12)]


def crossings(layout: Layout) -> int:
    """Count the pairs of pieces of arrows that cross between two layers."""
    pieces = [piece for way in layout.ways for piece in itertools.pairwise(way)]
    return sum(
        1
        for (a, b), (c, d) in itertools.combinations(pieces, 2)
        if (a[0], b[0]) == (c[0], d[0]) and (a[1] - c[1]) * (b[1] - d[1]) < 0
    )


def test_a_chain_lies_in_a_line_from_left_to_right() -> None:
    """Each is one layer further than what went into it, all at one height."""
    layout = lay_out(["c", "a", "b"], [("a", "b"), ("b", "c")])
    assert {key: place[0] for key, place in layout.places.items()} == {"a": 0, "b": 1, "c": 2}
    assert len({height for _, height in layout.places.values()}) == 1
    assert layout.layers == 3


def test_what_begins_late_stands_beside_what_it_goes_into() -> None:
    """A file that only the last step reads is not drawn at the far left."""
    layout = lay_out(["a", "b", "c", "late"], [("a", "b"), ("b", "c"), ("late", "c")])
    assert layout.places["late"][0] == 1


def test_arrows_that_need_not_cross_do_not() -> None:
    """Two chains given in a crossing order are drawn side by side."""
    arrows = [("a", "y"), ("b", "x"), ("y", "p"), ("x", "q")]
    assert crossings(lay_out(["a", "b", "x", "y", "q", "p"], arrows)) == 0


def test_a_circle_is_drawn_with_one_arrow_backwards() -> None:
    """Each has a place of its own, and the arrow's way leads from its source to its target."""
    layout = lay_out(["a", "b", "c"], [("a", "b"), ("b", "c"), ("c", "a")])
    assert len(set(layout.places.values())) == 3
    assert layout.ways[2][0] == layout.places["c"]
    assert layout.ways[2][-1] == layout.places["a"]


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=40, unique=True)
)
def test_whatever_the_arrows_boxes_are_apart_and_within(arrows: list[tuple[str, str]]) -> None:
    """No two boxes of a layer are nearer than a box's height; all lie inside; ways end at boxes."""
    layout = lay_out(NAMES, arrows)
    for one, other in itertools.combinations(layout.places.values(), 2):
        assert one[0] != other[0] or abs(one[1] - other[1]) > 0.999
    for layer, height in layout.places.values():
        assert 0 <= layer < layout.layers
        assert 0.499 < height < layout.height - 0.499
    for (source, target), way in zip(arrows, layout.ways, strict=True):
        assert (way[0], way[-1]) == (layout.places[source], layout.places[target])
    assert lay_out(NAMES, arrows) == layout


def test_nothing_is_a_layout_too() -> None:
    """No boxes need no room."""
    assert lay_out([], []).layers == 0
