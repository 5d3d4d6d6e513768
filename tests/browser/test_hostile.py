from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.browser.panels import LONG, entries, press, show_panel, view
from tests.jupyter import Server

CALL = "window.ran=(window.ran||0)+1"
TAGS = [
    "<script>{}</script>",
    "<img src=x onerror={}>",
    "<svg onload={}>",
    "<svg><script>{}</script></svg>",
    "<body onload={}>",
    "<iframe srcdoc='<script>parent.{}</script>'>",
    "<a href='javascript:{}'>x</a>",
    "<input autofocus onfocus={}>",
    "<details open ontoggle={}>",
    "<video><source onerror={}></video>",
    "<audio src=x onerror={}>",
    "<math><mtext></mtext><script>{}</script></math>",
    "<object data='javascript:{}'>",
    "<embed src='javascript:{}'>",
    "<form><button formaction='javascript:{}'>x</form>",
    "<style onload={}></style>",
    "<link rel=stylesheet href=x onerror={}>",
    "<marquee onstart={}>x</marquee>",
    "<template><img src=x onerror={}></template>",
    "<table background='javascript:{}'>",
]
FRAMES = [
    "{}",
    "\"'>{}",
    "</pre></textarea></title>{}",
    "](javascript:0) {} **x**",
    "%0a<!--{}-->{}",
    "{{{{}}}}{}",
]
PAYLOADS = [
    frame.replace("{}", tag.replace("{}", CALL)) for tag, frame in itertools.product(TAGS, FRAMES)
]
WORDS = re.compile(
    r"^(sha256:[0-9a-f]{64}|\d{4}-\d\d-\d\dT.*|\d{8}T\d{6}-[0-9a-f]{12}"
    r"|[a-z_-]{1,20}|within tolerance|)$"
)
"""Ids, times and words of fixed lists: no free text, by the interface's own rules."""


def poisoned(value: Any, supply: Iterator[str], key: str = "") -> Any:
    """Return an answer in which every free text, and every free name, is a payload."""
    if isinstance(value, dict):
        free = key in {"metrics", "parameters"} and not all(isinstance(one, dict) for one in value)
        return {
            (next(supply) if free else name): poisoned(one, supply, name)
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [poisoned(one, supply, key) for one in value]
    if isinstance(value, str) and (not WORDS.match(value) or key in {"name", "author", "model"}):
        return next(supply)
    return value


def notebook(supply: Iterator[str]) -> dict[str, Any]:
    """Return a notebook whose sources, outputs and metadata are payloads, each once."""
    kinds = ["text/html", "text/markdown", "image/svg+xml", "application/javascript", "text/latex"]
    cells = [
        {
            "cell_type": "code", "id": f"c{place}", "metadata": {"tags": [payload]},
            "execution_count": 1, "source": payload,
            "outputs": [{
                "output_type": "display_data", "metadata": {},
                "data": {kinds[place % len(kinds)]: payload, "text/plain": payload},
            }],
        }
        for place, payload in enumerate(itertools.islice(supply, len(PAYLOADS)))
    ]  # fmt: skip
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"title": next(supply)}, "cells": cells}


def poison(page: Page) -> list[str]:
    """Have every answer of our interface poisoned; return the payloads that were sent."""
    sent: list[str] = []

    def supply() -> Iterator[str]:
        for payload in itertools.cycle(PAYLOADS):
            sent.append(payload)
            yield payload

    source = supply()

    def change(route: Route) -> None:
        if route.request.method != "GET" or "/status" in route.request.url:
            route.continue_()
            return
        answer = route.fetch()
        if "json" not in answer.headers.get("content-type", ""):
            route.fulfill(response=answer)
            return
        body = poisoned(answer.json(), source)
        if "/compare/notebook" in route.request.url and answer.ok:
            base = notebook(source)
            added = [{"op": "addrange", "key": 0, "valuelist": base["cells"][:40]}]
            body |= {"base": {**base, "cells": base["cells"][:40]}, "diff": added, "changed": 80}
        elif route.request.url.split("?")[0].endswith("/notebook") and answer.ok:
            body |= {"content": notebook(source), "cells": 120, "shown": 120}
        route.fulfill(response=answer, body=json.dumps(body))

    page.route("**/py-mlops/api/**", change)
    return sent


def test_nothing_runs(stocked: Server, page: Page) -> None:
    """A hundred payloads in every text of every view: none of them runs."""
    sent = poison(page)
    show_panel(page, stocked, workspace="hostile")
    rows = entries(page, "Snapshots")
    expect(rows.nth(1)).to_be_visible(timeout=LONG)
    for place in (0, 1):
        rows.nth(place).click(modifiers=["Control"])
    press(page, "Compare two")
    expect(view(page).locator(".jp-mlops-Diff .cm-content").first).to_be_visible(timeout=LONG)
    rows.first.click()
    expect(view(page).get_by_role("heading", name="Environment")).to_be_visible(timeout=LONG)
    view(page).get_by_text("Packages").last.click()
    verdict = view(page).locator("td .jp-mlops-Link")
    view(page).get_by_role("button", name="Show Executed Cells").click()
    expect(view(page).locator(".jp-mlops-Cell")).to_have_count(120, timeout=LONG)
    rows.first.click()
    for place in range(verdict.count()):
        verdict.nth(place).click()
        expect(view(page).get_by_role("heading", name="Axis by axis")).to_be_visible(timeout=LONG)
        rows.first.click()
    if entries(page, "Runs").count():
        entries(page, "Runs").first.click()
        expect(view(page).get_by_role("log")).to_be_visible(timeout=LONG)
    page.wait_for_timeout(500)
    assert len(set(sent)) >= 100
    assert page.evaluate("window.ran ?? 0") == 0
    assert page.locator(".jp-mlops-Panel script, .jp-mlops-Page script").count() == 0

    # The control: the same payload, set as HTML, does run, and is counted.
    page.evaluate("html => document.body.insertAdjacentHTML('beforeend', html)", PAYLOADS[6])
    page.wait_for_function("window.ran > 0")
