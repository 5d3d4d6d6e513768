"""What a magic shows, in front ends that are not JupyterLab, as one sees it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output
from playwright.sync_api import Browser, Page

from py_mlops.records import Axis, Blob, Hole, Level, MetricComparison, Reproduction
from py_mlops.report.graph import Arrow, Box, Graph
from py_mlops.report.html import html
from py_mlops.report.lists import log_page
from py_mlops.report.metrics import Measured, Trend
from py_mlops.report.page import Page as Shown
from py_mlops.report.snapshots import snapshot_page
from py_mlops.report.verdicts import verdict_page
from tests.browser.panels import accessible
from tests.browser.test_hostile import PAYLOADS
from tests.store.samples import digest, reproduction, snapshot

ROOT = Path(__file__).parents[2]
PICTURES = os.environ.get("MLOPS_PICTURES")
LEVELS: list[Level | None] = ["identical", None, "within tolerance", "different", "equivalent"]
VSCODE = {
    "light": "--vscode-editor-foreground:#3b3b3b;--vscode-editor-background:#ffffff",
    "dark": "--vscode-editor-foreground:#cccccc;--vscode-editor-background:#1f1f1f",
}


def rerun(level: Level, word: str) -> Reproduction:
    """Return a verdict with two metrics."""
    known: dict[str, Any] = {"tolerance": 0.02, "relative": False, "band": []}
    return msgspec.structs.replace(
        reproduction(digest(1)),
        level=level,
        reason=f"{word} was 0.9 and is now 0.5.",
        cause=f"data: {word}",
        axes=[
            Axis(name="data", state="different", text=f"{word} differs.", details=[word]),
            Axis(name="code", state="same", text="The same.", details=[]),
            Axis(name="hardware", state="close", text="Nearly.", details=[]),
            Axis(name="outputs", state="unknown", text="Not compared.", details=[]),
        ],
        metrics=[
            MetricComparison(name=word, recorded=0.9, rerun=0.5, state="different", **known),
            MetricComparison(name="loss", recorded=0.25, rerun=0.25, state="same", **known),
        ],
    )


def measured(number: int, metric: str, head: str) -> Measured:
    """Return a snapshot's numbers; some reruns got others."""
    level = LEVELS[number % 5]
    metrics = {metric: 0.8 + number % 7 / 50, "loss": 2.0 / (number + 1)}
    apart = {"within tolerance": -0.01, "different": -0.05}.get(str(level), 0.0)
    return Measured(
        id=digest(number),
        created=f"2026-01-{number + 1:02}T12:00:00.000000Z",
        metrics=metrics,
        rerun={} if level is None else metrics | {metric: metrics[metric] + apart},
        level=level,
        heads=(head,) if head else (),
    )


def shown(evil: str = "", count: int = 20) -> list[Shown]:
    """Return pages of a log, a snapshot, a verdict and a drawing; a text in all places."""
    word, name, head = evil or "accuracy", evil or "digits", evil or "digits@main"
    points = [
        measured(number, word, head if number == max(count - 3, 0) else "")
        for number in range(count)
    ]
    blob = Blob(digest=digest("b"), size=1)
    taken = snapshot(history=blob, lock=blob)
    holes = [
        Hole(kind="data", text=f"{word} is lost.", hint=f"Find {word}.", cell=1, blocking=True),
        Hole(kind="data", text=f"{word} is doubtful.", hint="Look.", cell=0, blocking=False),
    ]
    taken = msgspec.structs.replace(
        taken,
        metrics={word: 0.9, "loss": 0.25},
        capture=msgspec.structs.replace(taken.capture, holes=holes, ignored=[word]),
    )
    verdict = rerun("different", word)
    entries = [(digest(1), taken, verdict), (digest(2), taken, None)]
    heads = {digest(2): (head,)}
    trend = Trend(tuple(points), 5000, earlier=True)
    boxes = (Box("a", "file", word, (word,)), Box("b", "snapshot", word, whole=False))
    drawn = Graph(word, boxes, (Arrow("a", "b"),))
    return [
        log_page(entries, name, "More: " + head, heads=heads, trend=trend),
        snapshot_page(digest(1), taken, None, taken),
        verdict_page(digest(3), verdict, name),
        Shown(word, word, "good", word, picture=drawn),
    ]


def converted(pages: list[Shown], theme: str) -> str:
    """Return a saved notebook that shows these pages, as nbconvert makes a page of it."""
    cells = [
        new_code_cell("%mlops", outputs=[new_output("display_data", {"text/html": html(page)})])
        for page in pages
    ]
    made = HTMLExporter(theme=theme).from_notebook_node(new_notebook(cells=cells))[0]
    return re.sub(r"<script[^>]*src=[^>]*></script>", "", made)  # MathJax and others from outside


def in_vscode(pages: list[Shown], theme: str) -> str:
    """Return pages in what VS Code shows outputs in: its variables, none of Jupyter's."""
    body = "".join(f"<div>{html(page)}</div>" for page in pages)
    return (
        f'<html lang="en" style="{VSCODE[theme]}"><title>outputs</title>'
        f'<body data-vscode-theme-kind="vscode-{theme}" '
        f'style="background:var(--vscode-editor-background)"><main>{body}</main>'
    )


def unstyled(page: str) -> str:
    """Return a page without its style."""
    return re.sub("<style>.*?</style>", "", page, flags=re.DOTALL)


FRONT_ENDS = {"nbconvert": converted, "vscode": in_vscode}


@pytest.fixture(scope="module")
def shown_at(browser: Browser) -> Page:
    """A page as wide as an output beside an open sidebar."""
    return browser.new_page(viewport={"width": 760, "height": 900})


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_it_is_read_in_every_front_end_and_theme(
    shown_at: Page, front_end: str, theme: str
) -> None:
    """Contrast, names and tables as axe wants them, also in a narrow cell; none overflows."""
    shown_at.set_viewport_size({"width": 760, "height": 900})
    shown_at.set_content(FRONT_ENDS[front_end](shown(), theme))
    for width in (760, 340):
        shown_at.set_viewport_size({"width": width, "height": 900})
        wide = (
            "[...document.querySelectorAll('.mlops')].map(one => one.scrollWidth - one.clientWidth)"
        )
        assert shown_at.evaluate(wide) == [0, 0, 0, 0]
        assert accessible(shown_at, ".mlops") == []
    ink, paper = (
        shown_at.evaluate(f"getComputedStyle(document.querySelector('.mlops')).{name}")
        for name in ("color", "backgroundColor")
    )
    assert (brightness(ink) < brightness(paper)) == (theme == "light")
    if PICTURES and (front_end, theme) == ("vscode", "light"):
        shown_at.set_viewport_size({"width": 760, "height": 900})
        picture = ROOT / "docs" / "images" / "history.png"
        shown_at.locator(".mlops").first.screenshot(path=picture)


def brightness(colour: str) -> float:
    """Return how bright a computed colour is, 0 to 255."""
    return sum(map(float, re.findall(r"[\d.]+", colour)[:3])) / 3


def test_drawings_come_first_where_there_is_style_and_last_where_there_is_none(
    shown_at: Page,
) -> None:
    """A sanitised page has its tables before the words of a drawing, and all of them in view."""
    page = html(shown()[0])
    tops = (
        "['.charts', 'table'].map(one => document.querySelector(one).getBoundingClientRect().top)"
    )
    shown_at.set_content(page)
    drawing, table = shown_at.evaluate(tops)
    assert drawing < table
    shown_at.set_content(unstyled(page))
    drawing, table = shown_at.evaluate(tops)
    assert drawing > table
    curve = "getComputedStyle(document.querySelector('.mlops-chart .curve')).fill"
    assert shown_at.evaluate(curve) == "none"


def test_what_points_at_a_point_is_told_which_it_is(shown_at: Page) -> None:
    """A tooltip a point, in SVG's own way."""
    shown_at.set_content(html(shown()[0]))
    told = shown_at.locator(".mlops-chart").first.locator("g > title").all_text_contents()
    assert len(told) == 20
    assert told[17].startswith(f"{digest(17)[7:19]}, 2026-01-18 12:00 UTC: 0.86, within tolerance")


def test_nothing_of_anybody_else_runs(shown_at: Page) -> None:
    """A hundred payloads as names, metrics, heads, errors, words of drawings: none runs."""
    pages = [page for payload in PAYLOADS for page in shown(payload, count=2)]
    shown_at.set_content("".join(unstyled(html(page)) for page in pages))  # 480 styles take long
    assert shown_at.evaluate("window.ran ?? 0") == 0
    assert shown_at.locator(".mlops script, .mlops img, .mlops iframe").count() == 0
    assert shown_at.locator(".mlops").count() == 4 * len(PAYLOADS)
    shown_at.evaluate("html => document.body.insertAdjacentHTML('beforeend', html)", PAYLOADS[6])
    shown_at.wait_for_function("window.ran > 0")
