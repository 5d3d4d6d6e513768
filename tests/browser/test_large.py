from __future__ import annotations

from playwright.sync_api import Page, Request, expect

from py_mlops.workspace import open_workspace
from tests.browser.panels import LONG, entries, press, show_panel, view
from tests.jupyter import Server
from tests.panels.large import with_notebook

CELLS = 400
ORDER = """async asked => {
  const order = [];
  await Promise.all(asked.map(async path => {
    const answer = await fetch(`/py-mlops/api/v1${path}`);
    order.push([path.split('?')[0], answer.status]);
  }));
  return order;
}"""
"""Asks several questions at once; returns them in the order of their answers."""


def test_all_different(stocked: Server, page: Page) -> None:
    """Four hundred rewritten cells are drawn in part, with a word, and the server still answers."""
    show_panel(page, stocked, workspace="rewritten")
    rows = entries(page, "Snapshots")
    expect(rows.first).to_be_visible(timeout=LONG)
    workspace = open_workspace(stocked.home / "store")
    ids = [
        with_notebook(
            workspace.store, "rewritten", [f"{word}_{n} = {[n] * 9}" for n in range(CELLS)], word
        )
        for word in ("before", "after")
    ]
    workspace.store.close()
    expect(rows.first).to_contain_text("rewritten", timeout=LONG)
    expect(rows.nth(1)).to_contain_text("rewritten")

    order = page.evaluate(ORDER, [f"/compare/notebook?a={ids[0]}&b={ids[1]}", "/status", "/jobs"])
    assert [status for _, status in order] == [200] * 3
    assert order[-1][0] == "/compare/notebook"

    for place in (0, 1):
        rows.nth(place).click(modifiers=["Control"])
    press(page, "Compare two")
    expect(view(page)).to_contain_text(f"{CELLS} of {CELLS} cells differ", timeout=LONG)
    expect(view(page)).to_contain_text("further cells are not shown", timeout=LONG)
    editors = view(page).locator(".jp-mlops-Diff .cm-content")
    shown = editors.count()
    assert 0 < shown < 2 * CELLS
    view(page).get_by_role("button", name="Show more").click()
    expect(editors.nth(shown)).to_be_attached(timeout=LONG)


def test_idle(stocked: Server, page: Page) -> None:
    """Whoever leaves the panel open for ten minutes sends one small request in 30 seconds."""
    page.clock.install()
    show_panel(page, stocked, workspace="idle")
    expect(entries(page, "Snapshots").first).to_be_visible(timeout=LONG)
    page.wait_for_load_state("networkidle")
    asked: list[str] = []

    def note(request: Request) -> None:
        if "py-mlops/api" in request.url:
            asked.append(request.url.split("?")[0].rpartition("/")[2])

    page.on("request", note)
    for number in range(20):
        page.clock.fast_forward(30_000)
        page.wait_for_timeout(100)
        assert len(asked) <= number + 1
    assert set(asked) == {"status"}
    assert len(asked) >= 10
