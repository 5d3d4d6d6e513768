"""What a person clicks beside the usual way, and how it ends."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import platformdirs
import pytest
from playwright.sync_api import Page, expect

from tests.browser.panels import LONG, accessible, entries, press, run_all, show_panel, view
from tests.jupyter import Server
from tests.projects import mlops, write_notebook

PICTURE = """
import struct, zlib
from IPython.display import Image, display
def png(red, side=90):
    rows = b"".join(b"\\0" + bytes([red, 90, 160]) * side for _ in range(side))
    chunk = lambda kind, data: (struct.pack(">I", len(data)) + kind + data
                                + struct.pack(">I", zlib.crc32(kind + data)))
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows))
            + chunk(b"IEND", b""))
"""
SLOW = "import os, time\ntime.sleep(0 if 'MLOPS_TEST_QUICK' in os.environ else 120)"
REACH = "import socket\ns = socket.socket()\ns.connect_ex(('127.0.0.1', 9))"


@pytest.fixture(scope="module")
def clicked(server: Server) -> Server:
    """The server, with a slow snapshot of one's own, and another person's that has a hole."""
    own: dict[str, Any] = {
        "MLOPS_CACHE": str(server.home / "cache"),
        "MLOPS_STORE": str(server.home / "store"),
        "MLOPS_TEST_QUICK": "1",
    }
    work = server.home / "work"
    cells = ["%load_ext py_mlops", "loss = 0.5\nopen('made.txt', 'w').write('x')", SLOW]
    mine = write_notebook(work / "slow.ipynb", [*cells, "%mlops snapshot slow --metric loss"])
    reads = ["%load_ext py_mlops", "open('made.txt').read()", REACH]
    hers = write_notebook(work / "hers.ipynb", [*reads, "%mlops snapshot hers --incomplete"])
    bea: dict[str, Any] = {"MLOPS_AUTHOR": "Bea Other <bea@example.org>"}
    for notebook, more in ((mine, {}), (hers, bea)):
        ran = mlops("run", notebook, **own, **more)
        assert ran.code == 0, ran.err
    return server


def open_snapshot(page: Page, name: str) -> None:
    """Open the newest snapshot of a model."""
    entries(page, "Snapshots").filter(has_text=name).first.click()
    expect(view(page).get_by_role("heading", name="Environment")).to_be_visible(timeout=LONG)


def act(page: Page, name: str) -> None:
    """Press one of the buttons of the view in front."""
    actions = view(page).get_by_role("toolbar", name="Actions")
    actions.get_by_role("button", name=re.compile(rf"^{name}…?$")).click()


def descendants(pid: int) -> set[int]:
    """Return a process with all that came of it."""
    found = {pid}
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found |= descendants(int(child))
    return found


def runs(pid: int) -> bool:
    """Say whether a process runs; one that has ended may wait for its parent for ever."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_form(clicked: Server, page: Page) -> None:
    """One is asked about variables, again after a wrong one; figures are compared side by side."""
    cells = [PICTURE, "loss = 0.5\ndisplay(Image(png(10)))", "class Bomb:\n    pass"]
    write_notebook(clicked.home / "work" / "asked.ipynb", cells)
    show_panel(page, clicked, "asked.ipynb", workspace="asked")
    run_all(page)
    expect(page.locator(".jp-Cell img")).to_be_visible(timeout=LONG)
    before = entries(page, "Snapshots").count()

    press(page, "Save the notebook")
    model = page.get_by_label("Variable with the model")
    expect(model).to_be_focused()
    assert accessible(page, ".jp-Dialog-content") == []
    model.fill("wrong")
    page.get_by_label("Variables with metrics").fill("loss")
    page.keyboard.press("Enter")
    expect(
        page.get_by_text(re.compile("wrong.*Nothing was recorded|There is no.*wrong"))
    ).to_be_visible(timeout=LONG)
    press(page, "Save the notebook")
    expect(page.get_by_label("Variables with metrics")).to_have_value("loss")
    page.get_by_label("Why what looks like a secret may be kept").fill("of a test")
    page.get_by_label("Also when files have changed").press(" ")
    model.fill("")
    page.keyboard.press("Enter")
    expect(entries(page, "Snapshots")).to_have_count(before + 1, timeout=LONG)

    page.locator(".jp-NotebookPanel .cm-content").filter(has_text="png(10)").click()
    page.keyboard.press("Control+a")
    page.keyboard.type("loss = 0.25; display(Image(png(250)))")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".jp-Cell img")).to_be_visible()
    press(page, "Save the notebook")
    expect(entries(page, "Snapshots")).to_have_count(before + 2, timeout=LONG)
    for place in (0, 1):
        entries(page, "Snapshots").nth(place).click(modifiers=["Control"])
    press(page, "Compare two")
    figures = view(page).get_by_role("region", name="Figures").locator("img")
    expect(figures).to_have_count(2, timeout=LONG)
    for place in (0, 1):
        figures.nth(place).scroll_into_view_if_needed()
        assert (
            figures.nth(place).evaluate("image => image.decode().then(() => image.naturalWidth)")
            == 90
        )

    page.get_by_role("tab", name="asked.ipynb").click()
    bomb = "import os\nclf = type('Bomb', (), {'__reduce_ex__': lambda *_: os._exit(3)})()"
    for old, new in (("png(250)", bomb), ("class Bomb", "%mlops snapshot bomb --model clf")):
        page.locator(".jp-NotebookPanel .cm-content").filter(has_text=old).click()
        page.keyboard.press("Control+a")
        page.keyboard.insert_text(new)
        if new == bomb:
            page.keyboard.press("Control+Enter")
    press(page, "Save the notebook")
    expect(page.get_by_text("The kernel ended while the snapshot was taken.")).to_be_visible(
        timeout=LONG
    )
    expect(entries(page, "Snapshots")).to_have_count(before + 2)


def test_cancel(clicked: Server, page: Page) -> None:
    """Cancel ends a rerun with every process it has started, and every tab says so."""
    second = page.context.new_page()
    show_panel(second, clicked, workspace="second")
    show_panel(page, clicked, workspace="cancel")
    open_snapshot(page, "slow")
    act(page, "Reproduce with Options")
    expect(page.get_by_label("How far metrics may be off")).to_be_focused()
    assert accessible(page, ".jp-Dialog-content") == []
    page.keyboard.type("loss=5%")
    page.get_by_label("Seconds that one cell may take").fill("soon")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("“soon” cannot be meant")
    page.keyboard.press("Enter")
    expect(page.get_by_label("How far metrics may be off")).to_have_value("loss=5%")
    page.get_by_label("Seconds that one cell may take").fill("300")
    page.get_by_label("May use the network").press(" ")
    page.get_by_label("Seconds that one cell may take").press("Enter")
    run = entries(page, "Runs").first
    expect(run).to_contain_text("cell 2/4", timeout=LONG)
    expect(run.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "50")
    expect(entries(second, "Runs").first).to_contain_text("cell 2/4", timeout=LONG)
    jobs = platformdirs.user_data_path("py-mlops").glob("jobs/*/*/pid")
    newest = max(jobs, key=lambda path: path.parent.name)
    command = json.loads((newest.parent / "job.json").read_text())["command"]
    for word in ("--tolerance=loss=5%", "--timeout=300.0", "--network"):
        assert word in command
    processes = descendants(int(newest.read_text()))
    assert len(processes) > 2
    run.get_by_text("Cancel", exact=True).click()
    for tab in (page, second):
        expect(entries(tab, "Runs").first).to_contain_text("cancelled", timeout=LONG)
    for _ in range(100):
        if not any(map(runs, processes)):
            break
        page.wait_for_timeout(100)
    assert not any(map(runs, processes))
    assert entries(page, "Runs").first.get_by_text("Cancel", exact=True).count() == 0


def test_another_persons_snapshot(clicked: Server, page: Page) -> None:
    """Its hole is red, its lineage leads to what made its data, and a run is asked about."""
    show_panel(page, clicked, workspace="hers")
    row = entries(page, "Snapshots").filter(has_text="hers").first
    expect(row).to_contain_text("1 hole", timeout=LONG)
    open_snapshot(page, "hers")
    hole = view(page).get_by_role("region", name="1 hole").get_by_role("listitem")
    expect(hole).to_contain_text("127.0.0.1:9")
    assert hole.evaluate("node => getComputedStyle(node).borderLeftColor") == "rgb(211, 47, 47)"
    before = entries(page, "Runs").count()

    act(page, "Reproduce")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("This is Bea Other's snapshot. Its code will run", timeout=LONG)
    page.keyboard.press("Enter")  # what has the focus is Cancel
    expect(dialog).to_have_count(0)
    expect(entries(page, "Runs")).to_have_count(before)
    act(page, "Reproduce")
    dialog.get_by_role("button", name="Run It").click()
    expect(entries(page, "Runs")).to_have_count(before + 1, timeout=LONG)
    entries(page, "Runs").first.get_by_text("Cancel", exact=True).click()
    expect(entries(page, "Runs").first).to_contain_text("cancelled", timeout=LONG)

    act(page, "Explain")
    expect(view(page).get_by_role("heading", name="Where it comes from")).to_be_visible(
        timeout=LONG
    )
    assert accessible(page, ".jp-mlops-Main:not(.lm-mod-hidden) .jp-mlops-Page") == []
    view(page).get_by_role("button", name=re.compile("Open snapshot slow")).first.press("Enter")
    expect(view(page).get_by_role("heading", level=1)).to_contain_text("slow", timeout=LONG)


def test_restore_and_verify(clicked: Server, page: Page) -> None:
    """A snapshot's files go into a folder that the run leads to; the whole store is checked."""
    show_panel(page, clicked, workspace="restore")
    open_snapshot(page, "slow")
    act(page, "Restore")
    page.get_by_role("dialog").get_by_role("textbox").fill("../outside")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("folder", timeout=LONG)
    page.keyboard.press("Enter")
    act(page, "Restore")
    page.get_by_role("dialog").get_by_label("Also the files that the run itself wrote").press(" ")
    page.get_by_role("dialog").get_by_role("textbox").fill("back/there")
    page.keyboard.press("Enter")
    run = entries(page, "Runs").first
    expect(run).to_contain_text("restored into back/there", timeout=LONG)
    for file in ("slow.ipynb", "made.txt"):
        assert (clicked.home / "work" / "back" / "there" / file).is_file()
    run.click()
    view(page).get_by_role("button", name="Show the Folder").click()
    expect(page.get_by_role("listitem", name=re.compile("slow.ipynb"))).to_be_visible(timeout=LONG)
    page.get_by_role("tab", name="MLOps").first.click()
    open_snapshot(page, "slow")
    act(page, "Verify")
    expect(view(page)).to_contain_text("all as written", timeout=LONG)
    assert not (clicked.home / "outside").exists()


def test_run_and_bundle(clicked: Server, page: Page) -> None:
    """A notebook is run with a parameter, after a wrong one was told, and goes into one file."""
    write_notebook(clicked.home / "work" / "plain.ipynb", ["loss = alpha / 2"])
    show_panel(page, clicked, "plain.ipynb", workspace="plain")
    expect(page.locator(".jp-NotebookPanel .cm-content").first).to_contain_text("alpha")
    page.get_by_role("menuitem", name="MLOps", exact=True).click()
    page.get_by_text("Run and Snapshot…", exact=True).click()
    expect(page.get_by_label("Parameters")).to_be_focused()
    assert accessible(page, ".jp-Dialog-content") == []
    page.keyboard.type("alpha")
    page.get_by_label("Variables with metrics").fill("loss")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("“alpha” cannot be meant")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Variables with metrics")).to_have_value("loss")
    page.get_by_label("Parameters").fill("alpha=0.5")
    page.keyboard.press("Enter")
    expect(entries(page, "Runs").first).to_contain_text("1 snapshot taken.", timeout=LONG)
    expect(entries(page, "Snapshots").first).to_contain_text("loss 0.25", timeout=LONG)

    entries(page, "Snapshots").first.click(button="right")
    page.get_by_role("menuitem", name="Bundle").last.click()
    page.get_by_role("dialog").get_by_role("textbox").fill("plain.zip")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Let it end in .mlops", timeout=LONG)
    page.keyboard.press("Enter")
    entries(page, "Snapshots").first.click(button="right")
    page.get_by_role("menuitem", name="Bundle").last.click()
    page.get_by_role("dialog").get_by_role("textbox").fill("plain.mlops")
    page.keyboard.press("Enter")
    expect(entries(page, "Runs").first).to_contain_text("written to plain.mlops", timeout=LONG)
    assert (clicked.home / "work" / "plain.mlops").stat().st_size > 1000
