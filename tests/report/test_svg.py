from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from py_mlops.report.graph import Arrow, Box, Graph
from py_mlops.report.html import html
from py_mlops.report.page import Page
from py_mlops.report.svg import svg
from tests.report.test_html import PAYLOADS

ELEMENTS = {"svg", "title", "style", "rect", "path", "g", "text"}


def drawn(graph: Graph) -> ET.Element:
    """Return the picture as XML, which it must be."""
    return ET.fromstring(svg(graph))  # noqa: S314 - our own


def names(picture: ET.Element) -> set[str]:
    """Return the elements of a picture."""
    return {element.tag.rpartition("}")[2] for element in picture.iter()}


@pytest.mark.parametrize("payload", [*PAYLOADS, "\ufffe\uffff\ud800\x00\x1b", "a\nb\tc", "]]>"])
def test_no_word_is_more_than_text(payload: str) -> None:
    """Markup in any word stays text: the elements are ours, no attribute runs or loads."""
    boxes = (
        Box(payload, "snapshot", payload, (payload, payload), whole=False, focus=True),
        Box("b", "file", "b"),
    )
    graph = Graph(payload, boxes, (Arrow(payload, "b"), Arrow("b", payload, sure=False)))
    picture = drawn(graph)
    assert names(picture) <= ELEMENTS
    for element in picture.iter():
        assert not any(name.startswith("on") or "href" in name for name in element.attrib)
    inside = html(Page("h", "", "", "", picture=graph))
    assert "<script>" not in inside
    (style,) = (one.text or "" for one in picture.iter() if one.tag.endswith("}style"))
    assert "url(" not in style
    assert payload.strip("\n") not in style


def test_every_box_and_arrow_is_drawn_with_what_it_is() -> None:
    """Kinds, partial knowledge, doubt and focus each look different; whole words are in titles."""
    name = "a-very-long-folder/with-a-very-long-name-of-a-file.parquet"
    boxes = (
        Box("f", "file", name, ("9f86d081 · 3 MiB",)),
        Box("s", "snapshot", "train", ("1", "2"), whole=False, focus=True),
        Box("m", "more", "and 412 more", ("files",)),
    )
    graph = Graph("Where it comes from", boxes, (Arrow("f", "s"), Arrow("m", "s", sure=False)))
    text = svg(graph)
    assert name in text
    assert "a-very-long-…" not in text.split("<text")[0]
    assert re.search(r'class="box snapshot partial focus"', text)
    assert re.search(r'class="box more"', text)
    assert text.count('class="arrow"') == 1
    assert text.count('class="arrow unsure"') == 1
    assert "prefers-color-scheme:dark" in text
    assert 'aria-label="Where it comes from"' in text
    assert ' id="' not in text


def test_words_fit_into_their_box() -> None:
    """Long names are cut in their middle, wide letters counted as wide."""
    for name in ("x" * 300, "漢字" * 100, "WWWW" * 50, "data/2026-03-01/part-00017.parquet"):
        picture = drawn(Graph("g", (Box("b", "file", name),), ()))
        (shown,) = (one.text or "" for one in picture.iter() if one.tag.endswith("}text"))
        assert len(shown) <= 25
        assert "…" in shown
        assert shown[0] == name[0]
        assert shown[-1] == name[-1]


def test_thirty_boxes_do_not_overlap() -> None:
    """Every box of a wide lineage has a place of its own."""
    boxes = tuple(Box(f"b{number}", "file", f"b{number}") for number in range(30))
    arrows = tuple(Arrow(f"b{number}", f"b{number // 3}") for number in range(1, 30))
    corners = {
        (one.get("x"), one.get("y"))
        for one in drawn(Graph("g", boxes, arrows)).iter()
        if (one.get("class") or "").startswith("box")
    }
    assert len(corners) == 30


def test_without_its_style_it_is_still_a_drawing() -> None:
    """Where a sanitiser takes the style away, boxes have paper, and arrows are lines."""
    graph = Graph("t", (Box("a", "file", "A"), Box("b", "snapshot", "B")), (Arrow("a", "b"),))
    bare = re.sub("<style>.*?</style>", "", svg(graph), flags=re.DOTALL)
    shapes = re.findall("<(?:rect|path) [^>]*>", bare)
    assert len(shapes) == 5
    assert all("fill=" in shape for shape in shapes)
    assert 'class="arrow" fill="none"' in bare
