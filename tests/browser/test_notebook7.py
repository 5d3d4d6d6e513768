from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.browser.panels import LONG, badge, entries, press
from tests.jupyter import TOKEN, Server
from tests.projects import write_notebook


def shown(page: Page) -> Locator:
    """Return the view of ours that is in front below the notebook."""
    return page.locator(".jp-mlops-Main:not(.lm-mod-hidden)")


def reveal(page: Page) -> Locator:
    """Show the panel with its keys; return it."""
    page.keyboard.press("Control+Alt+m")
    panel = page.get_by_role("region", name="MLOps", exact=True)
    expect(panel).to_be_visible(timeout=LONG)
    return panel


def test_notebook7(stocked: Server, page: Page) -> None:
    """In Notebook 7 one snapshots and compares as in JupyterLab, and views open below."""
    ours: list[str] = []
    page.on("pageerror", lambda error: ours.append(error.stack or error.message))
    cells = ["%load_ext py_mlops", "rate = 0.3\nloss = rate / 2\nloss"]
    write_notebook(stocked.home / "work" / "seven.ipynb", cells)
    page.goto(f"{stocked.url}/notebooks/seven.ipynb?token={TOKEN}")
    expect(badge(page)).to_contain_text("no snapshot", timeout=LONG)
    reveal(page)
    expect(entries(page, "Snapshots").first).to_be_visible(timeout=LONG)  # the list has come
    before = entries(page, "Snapshots").count()
    idle = page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]")
    expect(idle).to_be_visible(timeout=LONG)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    expect(page.locator(".jp-OutputArea-output").last).to_contain_text("0.15", timeout=LONG)

    press(page, "Save the notebook")
    page.get_by_label("Name", exact=True).fill("rates")
    page.get_by_label("Variables with metrics").fill("loss")
    page.get_by_role("button", name="Snapshot", exact=True).last.click()
    expect(page.get_by_text("is taken.")).to_be_visible(timeout=LONG)
    expect(entries(page, "Snapshots")).to_have_count(before + 1, timeout=LONG)
    expect(badge(page)).to_contain_text("not rerun", timeout=LONG)
    expect(entries(page, "Snapshots").first).to_contain_text("loss 0.15")

    rows = entries(page, "Snapshots")
    rows.first.click()
    expect(shown(page).get_by_role("heading", name="Environment")).to_be_visible(timeout=LONG)
    for place in (0, 1):
        rows.nth(place).click(modifiers=["Control"])
    press(page, "Compare two")
    expect(shown(page).get_by_role("heading", name="Metrics")).to_be_visible(timeout=LONG)
    rows.first.click()
    expect(shown(page).get_by_role("heading", name="Environment")).to_be_visible(timeout=LONG)
    assert [one for one in ours if "py-mlops" in one] == []


def test_tree(stocked: Server, page: Page) -> None:
    """Among the files of Notebook 7 the panel is in the menu, and its rows open, too."""
    page.goto(f"{stocked.url}/tree?token={TOKEN}")
    page.get_by_role("menuitem", name="MLOps", exact=True).click(timeout=LONG)
    page.get_by_text("MLOps: Show the Panel").click()
    rows = entries(page, "Snapshots")
    expect(rows.first).to_be_visible(timeout=LONG)
    rows.first.click()
    expect(shown(page).get_by_role("heading", name="Environment")).to_be_visible(timeout=LONG)
