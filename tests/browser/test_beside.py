"""The panel beside what others have installed: their extensions, and kernels of other languages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT
from tests.browser.panels import LONG, badge, entries, press, show_panel, view
from tests.jupyter import Server, jupyter_server, kernelspec
from tests.projects import write_notebook

PYTHON = ROOT / ".venv-neighbours" / "bin" / "python"
ECHO = Path(__file__).with_name("echo_kernel.py")


def troubles(page: Page) -> list[str]:
    """Return a list that fills with what goes wrong on a page because of us."""
    found: list[str] = []

    def note(text: str) -> None:
        if "py-mlops" in text or "mlops:" in text:
            found.append(text)

    page.on("pageerror", lambda error: note(f"{error.message} {error.stack}"))
    page.on("console", lambda said: note(f"{said.text} {said.location}")
            if said.type == "error" else None)  # fmt: skip
    return found


def run_all(page: Page, kernel: str) -> None:
    """Run every cell of the notebook in front, once its kernel is there."""
    idle = page.get_by_role("button", name=f"{kernel} | Idle")
    expect(idle).to_be_visible(timeout=LONG)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()


def test_neighbours(tmp_path: Path, page: Page) -> None:
    """With jupyter-collaboration, jupyterlab-git and nbdime beside it all work, ours and theirs."""
    found = troubles(page)
    cells = ["%load_ext py_mlops", "rate = 0.4\nloss = rate / 2\nloss",
             "%mlops snapshot beside --metric loss"]  # fmt: skip
    write_notebook(tmp_path / "work" / "beside.ipynb", cells)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path / "work", check=True)
    settings = tmp_path / "lab-settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    words = [
        f"--LabApp.user_settings_dir={tmp_path / 'lab-settings'}",
        f"--SQLiteYStore.db_path={tmp_path / 'rooms.db'}",
    ]
    with jupyter_server(tmp_path, *words, python=str(PYTHON)) as server:
        show_panel(page, server, "beside.ipynb", workspace="beside")
        expect(page.get_by_role("tab", name="Git", exact=True)).to_be_visible(timeout=LONG)
        expect(badge(page)).to_contain_text("no snapshot", timeout=LONG)
        run_all(page, "Python 3 (ipykernel)")
        rows = entries(page, "Snapshots")
        expect(rows).to_have_count(1, timeout=LONG)
        expect(badge(page)).to_contain_text("not rerun", timeout=LONG)
        press(page, "Save the notebook")
        expect(rows).to_have_count(2, timeout=LONG)

        # The server saves a shared document by itself; only a changed cell counts as a change.
        page.locator(".jp-NotebookPanel .cm-content").filter(has_text="rate = 0.4").click()
        page.keyboard.press("Control+End")
        page.keyboard.type(" + 1")
        expect(badge(page)).to_contain_text("changed", timeout=LONG)
        for place in (0, 1):
            rows.nth(place).click(modifiers=["Control"])
        press(page, "Compare two")
        # In the changed output there may be a heading of that name, too.
        metrics = view(page).get_by_role("heading", name="Metrics", level=2)
        expect(metrics).to_be_visible(timeout=LONG)

        page.get_by_role("tab", name="Git", exact=True).click()
        expect(page.locator("#jp-git-sessions")).to_contain_text("work", timeout=LONG)
        page.goto("about:blank")  # their server waits for its rooms when it stops
    assert found == []


def test_another_language(stocked: Server, page: Page) -> None:
    """In a notebook that is not Python one reads on, and Snapshot says why there is none."""
    found = troubles(page)
    kernelspec(stocked.home, "echo", [sys.executable, str(ECHO)], language="echo")
    write_notebook(stocked.home / "work" / "echo.ipynb", ["hello"], kernel="echo")
    show_panel(page, stocked, "echo.ipynb", workspace="echo")
    run_all(page, "echo")
    expect(page.locator(".jp-OutputArea-output")).to_have_text("echo: hello", timeout=LONG)
    expect(badge(page)).to_contain_text("no snapshot", timeout=LONG)
    press(page, "Save the notebook")
    expect(page.get_by_text("a kernel that speaks echo")).to_be_visible(timeout=LONG)
    rows = entries(page, "Snapshots")
    rows.first.click()
    expect(view(page).get_by_role("heading", name="Environment")).to_be_visible(timeout=LONG)
    assert found == []
