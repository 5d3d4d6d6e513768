"""The panel as a person finds it on a page."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.jupyter import TOKEN, Server

LONG = 240_000
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"


def show_panel(page: Page, server: Server, path: str = "", *, workspace: str) -> None:
    """Open a workspace, with a notebook when a path names one, and bring the panel to the front."""
    tree = f"/tree/{path}" if path else ""
    page.goto(f"{server.url}/lab/workspaces/{workspace}{tree}?token={TOKEN}")
    tab = page.get_by_role("tab", name="MLOps").first
    expect(tab).to_be_visible(timeout=LONG)
    if tab.get_attribute("aria-selected") != "true":
        tab.click()
    expect(page.get_by_role("region", name="MLOps", exact=True)).to_be_visible()


def entries(page: Page, section: str) -> Locator:
    """Return the rows of a section of the panel."""
    return page.get_by_role("listbox", name=section).get_by_role("option")


def press(page: Page, name: str) -> None:
    """Press a button of the panel's toolbar."""
    page.get_by_role("toolbar", name="MLOps actions").get_by_role("button", name=name).click()


def view(page: Page) -> Locator:
    """Return the view of ours that is in front in the main area."""
    return page.locator(".jp-mlops-Main:not(.lm-mod-hidden)")


def badge(page: Page) -> Locator:
    """Return the badge of the notebook in front."""
    return page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-mlops-Badge")


def run_all(page: Page) -> None:
    """Run every cell of the notebook in front and wait until its kernel is idle again."""
    idle = page.get_by_role("button", name="Python 3 (ipykernel) | Idle")
    expect(idle).to_be_visible(timeout=LONG)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()


def accessible(page: Page, *within: str) -> list[str]:
    """Return what axe finds serious or critical in our part of the page."""
    page.add_script_tag(path=AXE)
    found = page.evaluate(
        "within => axe.run({include: within}, {resultTypes: ['violations']})",
        [[one] for one in within],
    )
    return [
        f"{rule['id']}: {node['html'][:160]}"
        for rule in found["violations"]
        if rule["impact"] in {"serious", "critical"}
        for node in rule["nodes"]
    ]
