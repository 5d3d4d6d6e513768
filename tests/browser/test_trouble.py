"""What goes wrong around the panel: a server that stops, a wrong clock, strange notebooks."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.panels import LONG, badge, entries, press, show_panel, view
from tests.jupyter import Server, jupyter_server
from tests.projects import mlops, write_notebook
from tests.rights import bound_python, write_protected

LATE = """
const real = Date;
const away = 86_400_000 * 1.5;
window.Date = class extends real {
  constructor(...words) { words.length ? super(...words) : super(real.now() + away); }
  static now() { return real.now() + away; }
};
"""


@pytest.fixture(scope="module")
def fresh(stocked: Server) -> Server:
    """The server, with a snapshot that was just taken and one that takes long to rerun."""
    own: dict[str, Any] = {
        "MLOPS_CACHE": str(stocked.home / "cache"),
        "MLOPS_STORE": str(stocked.home / "store"),
        "MLOPS_TEST_QUICK": "1",
    }
    wait = "import os, time\ntime.sleep(0 if 'MLOPS_TEST_QUICK' in os.environ else 300)"
    cells = ["%load_ext py_mlops", wait, "%mlops snapshot longer"]
    ran = mlops("run", write_notebook(stocked.home / "work" / "longer.ipynb", cells), **own)
    assert ran.code == 0, ran.err
    return stocked


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_the_server_stops_and_comes_back(fresh: Server, page: Page, tmp_path: Path) -> None:
    """A run goes on without its server, and a store goes and comes; the panel says what is wrong.

    It recovers by itself, each time. A store that may only be read is shown, and nothing more.
    """
    port = free_port()
    # JupyterLab's own word about its server may come in front at any time.
    lost = page.get_by_role("dialog", name="Server Connection Error")
    page.add_locator_handler(lost, lambda: page.keyboard.press("Enter"))
    with jupyter_server(fresh.home, port=port) as first:
        show_panel(page, first, workspace="stops")
        entries(page, "Snapshots").filter(has_text="longer").first.click(button="right")
        page.get_by_role("menuitem", name="Reproduce", exact=True).last.click()
        expect(entries(page, "Runs").first).to_contain_text("cell 1/3", timeout=LONG)
    panel = page.get_by_role("region", name="MLOps", exact=True)
    press(page, "Ask for everything again")
    expect(panel.get_by_role("alert")).to_contain_text("does not answer", timeout=LONG)
    expect(entries(page, "Snapshots").first).to_be_visible()
    with jupyter_server(fresh.home, port=port, python=str(bound_python(tmp_path))):
        expect(panel.get_by_role("alert")).to_have_count(0, timeout=LONG)
        run = entries(page, "Runs").first
        expect(run).to_contain_text("cell 1/3", timeout=LONG)
        page.reload()
        expect(run).to_contain_text("cell 1/3", timeout=LONG)
        run.get_by_text("Cancel", exact=True).click()
        expect(run).to_contain_text("cancelled", timeout=LONG)
        _comes_and_goes(page, fresh.home / "store")


def _comes_and_goes(page: Page, store: Path) -> None:
    alert = page.get_by_role("region", name="MLOps", exact=True).get_by_role("alert")
    row = entries(page, "Snapshots").filter(has_text="longer").first
    row.click()
    expect(view(page).get_by_role("heading", name="Environment")).to_be_visible(timeout=LONG)
    store.rename(store.with_name("away"))
    expect(alert).to_contain_text("is gone", timeout=LONG)
    view(page).get_by_role("button", name="Explain", exact=True).click()
    expect(view(page).get_by_role("alert")).to_contain_text("is gone", timeout=LONG)
    store.with_name("away").rename(store)
    expect(alert).to_have_count(0, timeout=LONG)
    expect(row).to_be_visible()
    expect(view(page).get_by_role("heading", name="Where it comes from")).to_be_visible(
        timeout=LONG
    )
    with write_protected(store):
        press(page, "Ask for everything again")
        expect(alert).to_contain_text("can be read, but not written", timeout=LONG)
        before = entries(page, "Runs").count()
        row.click(button="right")
        page.get_by_role("menuitem", name="Reproduce", exact=True).last.click()
        expect(page.get_by_role("dialog")).to_contain_text("no verdict can be kept", timeout=LONG)
        page.keyboard.press("Enter")
        expect(entries(page, "Runs")).to_have_count(before)
    press(page, "Ask for everything again")
    expect(alert).to_have_count(0, timeout=LONG)


def test_a_clock_that_is_wrong(fresh: Server, page: Page) -> None:
    """A browser a day and a half ahead of the server still says that a moment ago was now."""
    page.add_init_script(LATE)
    show_panel(page, fresh, workspace="clock")
    row = entries(page, "Snapshots").filter(has_text="longer").first
    expect(row).to_be_visible(timeout=LONG)
    assert "day" not in row.inner_text()
    assert "tomorrow" not in row.inner_text()


def strange(work: Path) -> dict[str, str]:
    """Write notebooks as one finds them; return what their badges say."""
    cell: dict[str, Any] = {
        "cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None,
    }  # fmt: skip
    plain: dict[str, Any] = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}}
    same = [{**cell, "source": "x = 1"}, {**cell, "source": "x = 1"}]
    named = [{**cell, "id": "same", "source": text} for text in ("a = 1", "b = 2")]
    data = {"text/plain": "large", "application/x-large": "x" * 50_000_000}
    large = {"output_type": "display_data", "metadata": {}, "data": data}
    old = {**cell, "language": "python", "input": ["print 1"], "prompt_number": 1}
    texts: dict[str, dict[str, Any]] = {
        "old": {
            "nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""},
            "worksheets": [{"metadata": {}, "cells": [old]}],
        },
        "without": plain | {"cells": same},
        "twice": plain | {"nbformat_minor": 5, "cells": named},
        "large": plain | {"cells": [{**cell, "source": "show()", "outputs": [large]}]},
        "many": plain | {"cells": [{**cell, "source": f"x = {n}"} for n in range(2000)]},
    }  # fmt: skip
    for name, content in texts.items():
        (work / f"{name}.ipynb").write_text(json.dumps(content))
    return dict.fromkeys(texts, "no snapshot")


def test_strange_notebooks(fresh: Server, page: Page) -> None:
    """Old, without ids, with double ids, 50 MB, 2,000 cells: each has its badge, none freezes."""
    for name, said in strange(fresh.home / "work").items():
        show_panel(page, fresh, f"{name}.ipynb", workspace=f"strange-{name}")
        expect(badge(page)).to_contain_text(said, timeout=LONG)
        if name == "twice":
            page.get_by_role("dialog").get_by_role("button", name="No Kernel").last.click()
            press(page, "Save the notebook")
            page.keyboard.press("Enter")
            expect(page.get_by_text("The notebook has no kernel.")).to_be_visible(timeout=LONG)
