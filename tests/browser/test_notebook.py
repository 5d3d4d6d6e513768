from __future__ import annotations

import os
from pathlib import Path

import nbformat
from playwright.sync_api import Locator, Page, expect

from tests.jupyter import TOKEN, Server

ROOT = Path(__file__).parents[2]
PICTURES = os.environ.get("MLOPS_PICTURES")
"""Set by whoever wants the README's picture taken anew."""
LONG = 240_000


def cells(page: Page) -> Locator:
    """Return the notebook's cells, all of which are on the page."""
    return page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell")


def picture(page: Page, first: Locator, last: Locator) -> None:
    """Keep what one sees from one cell to another as the README's picture."""
    page.set_viewport_size({"width": 1000, "height": 1700})
    page.keyboard.press("Control+b")
    first.scroll_into_view_if_needed()
    last.scroll_into_view_if_needed()
    above, below = first.bounding_box(), last.bounding_box()
    assert above, "the first cell cannot be seen"
    assert below, "the last cell cannot be seen"
    height = below["y"] + below["height"] - above["y"]
    page.screenshot(
        path=ROOT / "docs" / "images" / "verdict.png",
        clip={"x": above["x"], "y": above["y"], "width": above["width"], "height": height},
    )


def test_snapshot_and_verdict(server: Server, page: Page) -> None:
    """Someone runs a notebook to its end with the keyboard, and reads the verdict below it."""
    page.goto(f"{server.url}/lab/tree/digits.ipynb?token={TOKEN}")
    expect(cells(page).first).to_be_visible(timeout=LONG)
    idle = page.get_by_role("button", name="Python 3 (ipykernel) | Idle")
    expect(idle).to_be_visible(timeout=LONG)
    count = len(nbformat.read(server.home / "work" / "digits.ipynb", as_version=4).cells)
    cells(page).first.click()
    for _ in range(count):
        page.keyboard.press("Shift+Enter")

    taken, verdict = cells(page).nth(count - 2), cells(page).nth(count - 1)
    expect(taken).to_contain_text("observed", timeout=LONG)
    expect(verdict).to_contain_text("identical", timeout=LONG)
    expect(verdict).to_contain_text("there was no network")
    expect(page.locator("[data-mime-type='application/vnd.jupyter.stderr']")).to_have_count(0)
    if PICTURES:
        picture(page, taken, verdict)

    page.keyboard.press("Control+s")
    expect(page.locator(".jp-mod-dirty")).to_have_count(0)
    page.reload()
    expect(cells(page).nth(count - 1)).to_contain_text("identical", timeout=LONG)
