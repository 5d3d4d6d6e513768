from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright
from sklearn.datasets import load_digits

from tests.jupyter import TOKEN, Server, jupyter_server

ROOT = Path(__file__).parents[2]
PICTURES = os.environ.get("MLOPS_PICTURES")
"""Set by whoever wants the README's picture taken anew."""
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
LONG = 240_000
CHROMIUM = shutil.which("chromium")

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="not covered: chromium is not installed")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start a Jupyter server with JupyterLab, its folder holding the tour's project."""
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "examples" / "digits", home / "work")
    digits = load_digits(as_frame=True).frame.astype(int)
    digits.columns = [*(f"pixel{number}" for number in range(64)), "digit"]
    (home / "work" / "data").mkdir()
    digits.to_csv(home / "work" / "data" / "digits.csv", index=False)
    notebook = nbformat.read(home / "work" / "digits.ipynb", as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("%mlops reproduce digits"))
    nbformat.write(notebook, home / "work" / "digits.ipynb")
    settings = home / "lab-settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    with jupyter_server(home, f"--LabApp.user_settings_dir={home / 'lab-settings'}") as started:
        yield started


@pytest.fixture
def page() -> Iterator[Page]:
    """Open a page of Debian's own browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser.new_page(viewport={"width": 1280, "height": 1000})
        finally:
            browser.close()


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
