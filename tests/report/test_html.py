from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from py_mlops.report.chart import Chart, Point
from py_mlops.report.html import html
from py_mlops.report.page import Line, Page, Section

PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' autofocus onfocus='alert(1)",
    '" onmouseover="alert(1)" x="',
    "<a href='javascript:alert(1)'>x</a>",
    "</style><script>alert(1)</script>",
    "</div><iframe src=//evil.example></iframe>",
    "<style>@import url(//evil.example)</style>",
    "<!--<img src='--><img src=x onerror=alert(1)//'>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<math><mtext></mtext><script>alert(1)</script></math>",
    "<details open ontoggle=alert(1)>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<form action=//evil.example><input name=a></form>",
    "\x00<script\x00>alert(1)</script>",
    "<scr\nipt>alert(1)</scr\nipt>",
    "</td></tr></table><object data=x>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "$(alert)$ \\(x\\) {{alert(1)}}",
    "\u202e<b>\u2066",
]

TAGS = frozenset(
    [
        "div",
        "style",
        "h4",
        "h5",
        "span",
        "strong",
        "figure",
        "figcaption",
        "svg",
        "title",
        "path",
        "circle",
        "g",
        "text",
        "details",
        "summary",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "br",
        "small",
        "code",
    ]
)
DRAWN = "width height viewbox font-size font-family d fill stroke stroke-width stroke-dasharray"
ATTRIBUTES = frozenset(
    {"class", "role", "aria-label", "scope", "tabindex", "x", "y", "cx", "cy", "r", "text-anchor"}
    | set(DRAWN.split())
)


def _in_line(line: Line) -> Page:
    return Page("h", "b", "good", "s", (Section("t", (line,)),))


def _in_chart(title: str = "t", said: str = "s", point: str = "p", head: str = "h") -> Page:
    points = (Point(point, 1.0, 2.0, "bad", head), Point("q", 2.0, None, "", ""))
    return Page("h", "b", "good", "s", charts=(Chart(title, said, points, (point, said)),))


PLACES: dict[str, Callable[[str], Page]] = {
    "heading": lambda evil: Page(evil, "", "", ""),
    "badge": lambda evil: Page("h", evil, "bad", ""),
    "summary": lambda evil: Page("h", "", "", evil),
    "hint": lambda evil: Page("h", "", "", "", hints=("a", evil)),
    "title": lambda evil: Page("h", "", "", "", (Section(evil, (Line("a", "b"),)),)),
    "folded title": lambda evil: Page(
        "h", "", "", "", (Section(evil, (Line("a", "b"),), folded=True),)
    ),
    "label": lambda evil: _in_line(Line(evil, "text", "warn")),
    "text": lambda evil: _in_line(Line("label", evil)),
    "detail": lambda evil: _in_line(Line("label", "text", "", ("a", evil))),
    "column": lambda evil: Page(
        "h", "", "", "", (Section("t", columns=("a", evil), rows=(("1", "2"),)),)
    ),
    "cell": lambda evil: Page(
        "h", "", "", "", (Section("t", columns=("a", "b"), rows=(("1", evil),)),)
    ),
    "judged cell": lambda evil: Page(
        "h", "", "", "", (Section("t", columns=("a",), rows=((evil,),), states=("bad",)),)
    ),
    "wide table": lambda evil: Page(
        "h", "", "", "", (Section(evil, columns=tuple("abcdef"), rows=((evil,) * 6,)),)
    ),
    "chart's title": lambda evil: _in_chart(title=evil),
    "chart's words": lambda evil: _in_chart(said=evil),
    "point": lambda evil: _in_chart(point=evil),
    "head": lambda evil: _in_chart(head=evil),
}


class _Seen(HTMLParser):
    """What a browser would make of a page: its elements, attributes and words."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.strange: list[str] = []
        self.shape: list[str] = []
        self.words: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag != "br":
            self.shape.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.shape.append("/" + tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        self.strange.append(data)

    def unknown_decl(self, data: str) -> None:
        self.strange.append(data)

    def handle_pi(self, data: str) -> None:
        self.strange.append(data)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_word_of_anybody_else_becomes_a_part_of_the_page(payload: str, place: str) -> None:
    """Wherever a hostile text stands, the page has the very elements of a harmless one."""
    page = _Seen(html(PLACES[place](payload)))
    assert page.tags <= TAGS
    assert page.attributes <= ATTRIBUTES
    assert page.strange == []
    assert page.shape == _Seen(html(PLACES[place]("harmless"))).shape


def test_the_words_themselves_are_shown() -> None:
    """A hostile text is read as it was written, not dropped."""
    words = _Seen(html(_in_line(Line("<i>", "a < b & c > 'd'")))).words
    assert "a < b & c > 'd'" in words
    assert "<i>" in words


def test_a_page_needs_no_network_and_runs_nothing() -> None:
    """It is readable wherever the notebook is opened, also untrusted and offline."""
    whole = html(_in_line(Line("label", "text")))
    for word in ("<script", "http", "url(", "@import", "javascript:", "<link", "onload"):
        assert word not in whole


def test_a_state_is_said_in_words_and_not_by_colour_alone() -> None:
    """A screen reader is given the page's name; every table head says what it heads."""
    page = Page("flowers", "2 damaged", "bad", "", (Section("t", columns=("a",), rows=(("1",),)),))
    whole = html(page)
    assert 'role="group" aria-label="flowers"' in whole
    assert "2 damaged" in whole
    assert '<th scope="col">a</th>' in whole


def test_an_empty_section_is_left_out() -> None:
    """A title over nothing says nothing."""
    assert "Nothing here" not in html(Page("h", "", "", "", (Section("Nothing here"),)))
