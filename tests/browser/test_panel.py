from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import ROOT, lay_out
from tests.browser.panels import LONG, accessible, badge, entries, press, run_all, show_panel, view
from tests.jupyter import TOKEN, Server
from tests.projects import write_notebook

PICTURES = os.environ.get("MLOPS_PICTURES")
"""Set by whoever wants the pictures of README and docs taken anew."""


def picture(page: Page, name: str) -> None:
    """Keep what one sees as a picture of the docs, when asked to."""
    if PICTURES:
        page.screenshot(path=ROOT / "docs" / "images" / f"{name}.png")


def edit(page: Page, old: str, new: str) -> None:
    """Replace a cell's whole source, as a person does."""
    page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .cm-content").filter(has_text=old).click()
    page.keyboard.press("Control+a")
    page.keyboard.type(new)


def newest(page: Page) -> str:
    """Return what tells the newest snapshot; of a long list only what is in sight is drawn."""
    row = entries(page, "Snapshots").first
    expect(row).to_have_text(re.compile("[0-9a-f]{8}"), timeout=LONG)
    return str(re.findall("[0-9a-f]{8}", row.inner_text())[0])


@pytest.fixture
def story(server: Server, page: Page) -> Page:
    """Open the tour's notebook, run it, and show the panel."""
    lay_out(server.home, "story.ipynb")
    show_panel(page, server, "story.ipynb", workspace="story")
    run_all(page)
    return page


def test_story(story: Page) -> None:
    """A person snapshots, edits, reproduces and compares by mouse, and reads every result."""
    page = story
    notebook = page.locator(".jp-NotebookPanel")
    expect(notebook.locator(".jp-Cell").last).to_contain_text("observed", timeout=LONG)
    expect(badge(page)).to_contain_text("not rerun", timeout=LONG)
    trained = newest(page)

    press(page, "Save the notebook")
    expect(page.get_by_text("is taken.")).to_be_visible(timeout=LONG)
    rows = entries(page, "Snapshots")
    expect(rows.first).not_to_contain_text(trained)
    taken = newest(page)
    picture(page, "sidebar")

    edit(page, "alpha = 0.01", "alpha = 2.0")
    expect(badge(page)).to_contain_text("changed")
    page.keyboard.press("Control+s")
    expect(badge(page)).not_to_have_attribute("title", re.compile("Edited since"))
    badge(page).click()
    expect(page.get_by_text("Cell 3 was changed: alpha = 2.0")).to_be_visible()
    page.keyboard.press("Escape")

    entries(page, "Snapshots").first.click(button="right")
    page.get_by_role("menuitem", name="Reproduce", exact=True).last.click()
    run = entries(page, "Runs").first
    expect(run).to_contain_text("Reproduce digits")
    expect(run).to_contain_text("runs", timeout=LONG)
    page.reload()
    expect(entries(page, "Runs").first).to_contain_text("identical", timeout=LONG)
    entries(page, "Runs").first.click()
    expect(view(page).get_by_role("log")).not_to_be_empty()
    view(page).get_by_role("button", name="Open Verdict").click()
    expect(view(page).get_by_role("heading", name="Axis by axis")).to_be_visible()
    expect(view(page)).to_contain_text("identical")
    expect(entries(page, "Snapshots").first).to_contain_text("identical")

    page.get_by_role("tab", name="story.ipynb").click()
    run_all(page)
    expect(rows.first).not_to_contain_text(taken, timeout=LONG)
    for place in (0, 1):
        rows.nth(place).click(modifiers=["Control"])
    press(page, "Compare two")
    expect(view(page)).to_contain_text("1 of 9 cells differs", timeout=LONG)
    expect(view(page).locator(".jp-mlops-Diff")).to_contain_text("alpha = 2.0")
    expect(view(page).get_by_role("heading", name="Metrics")).to_be_visible()
    picture(page, "compare")
    assert accessible(page, ".jp-mlops-Compare", ".jp-mlops-Panel") == []


def test_keyboard(stocked: Server, page: Page) -> None:
    """Whoever has no mouse opens a snapshot, picks two and compares them."""
    show_panel(page, stocked, workspace="keys")
    rows = entries(page, "Snapshots")
    expect(rows.nth(1)).to_be_visible(timeout=LONG)
    page.get_by_role("listbox", name="Snapshots").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(rows.nth(0)).to_have_attribute("aria-selected", "true")
    expect(rows.nth(1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("c")
    expect(view(page).get_by_role("heading", name="Metrics")).to_be_visible(timeout=LONG)
    page.get_by_role("listbox", name="Snapshots").focus()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(view(page).get_by_role("heading", name="Environment")).to_be_visible(timeout=LONG)


@contextmanager
def running(server: Server, page: Page) -> Iterator[None]:
    """Have a notebook run that never ends by itself, and cancel it in its view."""
    write_notebook(server.home / "work" / "endless.ipynb", ["import time\ntime.sleep(900)"])
    asked = {"verb": "run", "run": {"notebook": "endless.ipynb"}}
    page.request.post(
        f"{server.url}/py-mlops/api/v1/jobs",
        headers={"Authorization": f"token {TOKEN}"},
        data=asked,
    )
    run = entries(page, "Runs").first
    expect(run).to_contain_text("cell 0/1", timeout=LONG)
    run.click()
    expect(view(page).get_by_role("log")).to_contain_text("cell 0/1", timeout=LONG)
    yield
    view(page).get_by_role("button", name="Cancel", exact=True).click()
    expect(run).to_contain_text("cancelled", timeout=LONG)


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_narrow(stocked: Server, page: Page, theme: str) -> None:
    """In light and in dark, 220 pixels wide, nothing is cut off, and axe finds nothing serious.

    So it is with a run under way and its log, and with a form.
    """
    chosen = stocked.home / "lab-settings" / "@jupyterlab" / "apputils-extension"
    (chosen / "themes.jupyterlab-settings").write_text(json.dumps({"theme": theme}))
    show_panel(page, stocked, workspace=theme.replace(" ", ""))
    expect(page.locator("body")).to_have_attribute("data-jp-theme-name", theme)
    rows = entries(page, "Snapshots")
    expect(rows.first).to_be_visible(timeout=LONG)
    rows.first.click()
    expect(view(page).get_by_role("heading", name="Environment")).to_be_visible(timeout=LONG)
    assert accessible(page, ".jp-mlops-Panel", ".jp-mlops-Page") == []
    picture(page, "snapshot-dark" if "Dark" in theme else "snapshot")
    view(page).get_by_role("button", name="Reproduce with Options").click()
    expect(page.get_by_label("May use the network")).to_be_visible()
    assert accessible(page, ".jp-Dialog-content") == []
    page.keyboard.press("Escape")
    with running(stocked, page):
        assert accessible(page, ".jp-mlops-Panel", ".jp-mlops-Job") == []
    handle = page.locator("#jp-left-stack").bounding_box()
    assert handle
    edge = handle["x"] + handle["width"] + 1
    page.mouse.move(edge, 500)
    page.mouse.down()
    page.mouse.move(handle["x"] + 220, 500)
    page.mouse.up()
    too_wide = page.evaluate(
        """() => [...document.querySelectorAll('.jp-mlops-Panel *')].filter(
            node => node.getBoundingClientRect().right >
                document.querySelector('.jp-mlops-Panel').getBoundingClientRect().right + 1
        ).map(node => node.outerHTML.slice(0, 200))"""
    )
    assert too_wide == []


def test_no_server_extension(server: Server, page: Page) -> None:
    """Without the server extension the panel says so, asks once, and stays quiet."""
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=404, body="404: not found")

    page.route("**/py-mlops/api/**", refuse)
    show_panel(page, server, workspace="absent")
    panel = page.get_by_role("region", name="MLOps", exact=True)
    expect(panel).to_contain_text("server extension is not there", timeout=LONG)
    page.wait_for_timeout(1500)
    assert len(asked) == 1
