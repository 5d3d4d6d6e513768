"""A graph as SVG: one file, no script, no font or picture from elsewhere, in light and dark."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Sequence
from html import escape

from py_mlops.report.graph import Box, Graph
from py_mlops.report.layers import lay_out
from py_mlops.report.page import on_one_line

_WIDTH, _HEIGHT = 216, 58
_ACROSS, _DOWN = 292, 76
_MARGIN = 14
_TITLE, _SMALL = 24, 34
"""How many columns of letters fit into a box, in its title and below."""

_NO_XML = re.compile("[\ufffe\uffff]")

# Where JupyterLab shows it, its theme's colours; else the reader's light or dark.
_STYLE = """
.mlops-graph{--ink:var(--jp-ui-font-color1,#1b1b1b);--paper:var(--jp-layout-color1,#fff);
 --soft:var(--jp-ui-font-color2,#555);font:600 13px system-ui,sans-serif}
@media (prefers-color-scheme:dark){.mlops-graph{--ink:var(--jp-ui-font-color1,#ececec);
 --paper:var(--jp-layout-color1,#16181c);--soft:var(--jp-ui-font-color2,#b4b4b4)}}
.mlops-graph .ground{fill:var(--paper)}
.mlops-graph text{fill:var(--ink)}
.mlops-graph .small{font-weight:400;font-size:11px;fill:var(--soft)}
.mlops-graph .box{fill:var(--paper);stroke-width:1.5}
.mlops-graph .snapshot{stroke:#2f7fd6}.mlops-graph .file{stroke:#3a9a5b}
.mlops-graph .origin{stroke:#b1731d}.mlops-graph .person{stroke:#9a62c7}
.mlops-graph .more{stroke:#8a8a8a;stroke-dasharray:2 3}
.mlops-graph .partial{stroke-dasharray:7 4}.mlops-graph rect.focus{stroke-width:3.5}
.mlops-graph .arrow{fill:none;stroke:#8a8a8a;stroke-width:1.4}
.mlops-graph .unsure{stroke-dasharray:5 4}.mlops-graph .tip{fill:#8a8a8a}
""".strip()


def svg(graph: Graph) -> str:
    """Draw a graph.

    Every word in it may come from elsewhere and is escaped; nothing in it runs
    or loads. It has no ids, so that many fit on one page.

    Args:
        graph: The graph; its boxes are drawn from left to right.

    Returns:
        An ``<svg>`` element, which is also a whole file.
    """
    arrows = [(arrow.source, arrow.target) for arrow in graph.arrows]
    layout = lay_out([box.key for box in graph.boxes], arrows)
    width = max(layout.layers, 1) * _ACROSS - (_ACROSS - _WIDTH) + 2 * _MARGIN
    height = max(layout.height, 1.0) * _DOWN - (_DOWN - _HEIGHT) + 2 * _MARGIN
    ways = "".join(
        _way(way, sure=arrow.sure) for arrow, way in zip(graph.arrows, layout.ways, strict=True)
    )
    boxes = "".join(_box(box, *_corner(layout.places[box.key])) for box in graph.boxes)
    title = _text(graph.title)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="mlops-graph" role="img" '
        f'aria-label="{title}" width="{width}" height="{height:.0f}" '
        f'viewBox="0 0 {width} {height:.0f}"><title>{title}</title><style>{_STYLE}</style>'
        f'<rect class="ground" width="100%" height="100%" fill="#fff"/>{ways}{boxes}</svg>'
    )


def _corner(place: tuple[int, float]) -> tuple[float, float]:
    layer, height = place
    return _MARGIN + layer * _ACROSS, _MARGIN + height * _DOWN - _DOWN / 2


def _box(box: Box, left: float, top: float) -> str:
    classes = " ".join(
        ["box", box.kind]
        + ([] if box.whole or box.kind == "more" else ["partial"])
        + (["focus"] if box.focus else [])
    )
    round_ = 4 if box.kind == "file" else 14
    told = "\n".join(_text(line) for line in (box.title, *box.lines))
    lines = box.lines[:2]
    first = top + (34 if not lines else 24 if len(lines) == 1 else 19)
    words = f'<text x="{left + 12:.0f}" y="{first:.0f}">{_fit(box.title, _TITLE)}</text>'
    for number, line in enumerate(lines, 1):
        words += (
            f'<text class="small" x="{left + 12:.0f}" y="{first + 15.5 * number:.1f}">'
            f"{_fit(line, _SMALL)}</text>"
        )
    # The attributes are for where the style is taken away; it overrides them.
    return (
        f'<g><title>{told}</title><rect class="{classes}" fill="#fff" stroke="#555" '
        f'x="{left:.0f}" y="{top:.1f}" '
        f'width="{_WIDTH}" height="{_HEIGHT}" rx="{round_}"/>{words}</g>'
    )


def _way(way: Sequence[tuple[int, float]], *, sure: bool) -> str:
    """Draw an arrow through its points; one that goes back bends around."""
    corners = [_corner(place) for place in way]
    middle = [(left, top + _HEIGHT / 2) for left, top in corners]
    rightward = middle[-1][0] > middle[0][0]
    out, into = (_WIDTH, 0) if rightward else (0, _WIDTH)
    points = [(middle[0][0] + out, middle[0][1])]
    for left, top in middle[1:-1]:
        ends = [(left, top), (left + _WIDTH, top)]
        points += ends if rightward else ends[::-1]
    points.append((middle[-1][0] + into, middle[-1][1]))
    path = f"M{points[0][0]:.0f} {points[0][1]:.1f}"
    for (x, y), (u, v) in itertools.pairwise(points):
        half = (x + u) / 2
        path += f"C{half:.0f} {y:.1f} {half:.0f} {v:.1f} {u:.0f} {v:.1f}"
    x, y = points[-1]
    back = -8 if rightward else 8
    tip = f"M{x:.0f} {y:.1f}l{back} -4.5v9z"
    state = "" if sure else " unsure"
    return (
        f'<path class="arrow{state}" fill="none" stroke="#8a8a8a" d="{path}"/>'
        f'<path class="tip" fill="#8a8a8a" d="{tip}"/>'
    )


def _fit(text: str, columns: int) -> str:
    """Return text cut in its middle to so many columns, so that beginning and end are seen."""
    plain = _plain(text)
    if _columns(plain) > columns:
        begin, end = plain, plain
        while _columns(begin) > columns // 2:
            begin = begin[:-1]
        while _columns(end) > columns - columns // 2 - 1:
            end = end[1:]
        plain = f"{begin}…{end}"
    return escape(plain)


def _columns(text: str) -> float:
    """Return how wide text is about, in the width of a usual letter."""
    wide = {letter: 2.0 for letter in text if unicodedata.east_asian_width(letter) in "WF"}
    return sum(wide.get(one, 1.3 if one.isupper() or one in "mw@%" else 1.0) for one in text)


def _plain(text: str) -> str:
    return _NO_XML.sub("\ufffd", on_one_line(text[:4000]).replace("\t", " "))


def _text(text: str) -> str:
    return escape(_plain(text), quote=True)
