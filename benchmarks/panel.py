"""What a person with ten thousand snapshots waits for in the panel, measured in Debian's browser.

Run it with ``python -m benchmarks panel``. Beside ours stand JupyterLab without us, and nbdime's
own page for two notebooks, which is what one would open instead of a comparison.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.figures import Figure, table
from benchmarks.server import Large, large_server
from py_mlops.workspace import open_workspace
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.panels import entries, show_panel, view
from tests.jupyter import TOKEN, Server, jupyter_server
from tests.panels.large import cell, notebook
from tests.postgresql import postgresql

WAIT = 120_000
TIMES, STARTS, SCROLL = 7, 10, 100
SETTLED = 3000
"""Milliseconds after which JupyterLab has started for good."""

PICKING = 1000
"""Milliseconds between picking one snapshot and another."""
PAINT, TASK, SEEN, COMPARED, START = 0.3, 0.05, 0.3, 1.0, 0.05
BUNDLE = 300_000
"""Bytes of our code before a plot or a comparison is shown."""

WATCH = """
window.seen = {tasks: [], rows: [], painted: 0};
new PerformanceObserver(list => {
  for (const task of list.getEntries()) window.seen.tasks.push(task.duration);
}).observe({type: 'longtask', buffered: true});
new MutationObserver(() => {
  const row = document.querySelector('[aria-label="Snapshots"] .jp-mlops-Row');
  const text = row ? row.textContent : '';
  if (text && text !== window.seen.first) {
    window.seen.first = text;
    requestAnimationFrame(() => setTimeout(() => {
      window.seen.rows.push([text, performance.now(), Date.now() / 1000]);
    }));
  }
}).observe(document, {childList: true, subtree: true, characterData: true});
"""
"""Notes long tasks, and when a new first snapshot was painted."""

ANSWERED = """before => performance.getEntriesByType('resource')
  .filter(one => one.name.includes('/py-mlops/api/v1/snapshots') && one.responseEnd < before)
  .at(-1).responseEnd"""
LAUNCHED = """() => new Promise(done => {
  const there = one => !!document.querySelector(one);
  const look = () => there('.jp-LauncherCard') && !there('#jupyterlab-splash')
    ? done(performance.now()) : setTimeout(look, 5);
  look();
})"""


def settings(home: Path) -> str:
    """Write settings without news from the network; return the server's word for them."""
    folder = home / "lab-settings" / "@jupyterlab" / "apputils-extension"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    return f"--LabApp.user_settings_dir={home / 'lab-settings'}"


@contextlib.contextmanager
def opened(browser: Browser) -> Iterator[Page]:
    """Open a page with nobody's cookies that notes what it does."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    context.add_init_script(WATCH)
    page = context.new_page()
    page.set_default_timeout(WAIT)
    yield page
    context.close()


def longest(page: Page) -> float:
    """Return the longest task since the last look, in seconds; those below 0.05 are not told."""
    page.wait_for_timeout(300)
    tasks: list[float] = page.evaluate("() => window.seen.tasks.splice(0)")
    return max(tasks, default=0.0) / 1000


def painted(page: Page, start: float, text: str = "") -> list[float]:
    """Wait for a first row with a text that was painted after a moment of the page.

    Returns:
        When: milliseconds of the page, and seconds since 1970.
    """
    rows = """([start, text]) => window.seen.rows.filter(
      row => row[1] > start && row[0].includes(text))"""
    page.wait_for_function(f"asked => ({rows})(asked).length", arg=[start, text])
    row: list[float] = page.evaluate(f"asked => ({rows})(asked)[0].slice(1)", [start, text])
    return row


def scrolled(page: Page) -> float:
    """Scroll on, as quickly as the page allows; return the longest task."""
    longest(page)
    page.get_by_role("listbox", name="Snapshots").evaluate(
        """(node, steps) => new Promise(done => {
          const step = left => { node.scrollTop += 600;
            left ? requestAnimationFrame(() => step(left - 1)) : done(); };
          step(steps);
        })""",
        SCROLL,
    )
    return longest(page)


def lists(page: Page, large: Large) -> list[Figure]:
    """Measure how soon the list is painted and searched, and how smoothly it scrolls."""
    show_panel(page, large.server, workspace="large")
    entries(page, "Snapshots").first.wait_for()
    page.wait_for_timeout(SETTLED)  # the layout is saved, and the panel open from the start
    paints = []
    for _ in range(TIMES):
        page.reload()
        row = painted(page, 0)
        paints.append((row[0] - page.evaluate(ANSWERED, row[0])) / 1000)
    page.wait_for_timeout(SETTLED)  # what JupyterLab itself still loads is none of our tasks
    tasks = [scrolled(page) for _ in range(TIMES)]
    field = page.get_by_role("searchbox", name="Search models and snapshots")
    found, typing = [], []
    for number in range(TIMES):
        field.fill("")
        page.wait_for_timeout(600)
        longest(page)
        field.press_sequentially(f"model-{number + 7:03}", delay=40)
        start = page.evaluate("performance.now()")
        row = painted(page, start, f"model-{number + 7:03}")
        found.append((row[0] - start) / 1000)
        typing.append(longest(page))
    field.fill("")
    return [
        Figure("the list is painted, after the answer", paints, PAINT),
        Figure("longest task while scrolling", tasks, TASK),
        Figure("found, after the last key", found, 0.25 + PAINT),
        Figure("longest task while typing", typing, TASK),
    ]


ADDING = """
import sys, time
from py_mlops.workspace import open_workspace
from tests.panels.large import with_notebook
workspace = open_workspace(sys.argv[1])
for line in sys.stdin:
    with_notebook(workspace.store, line.strip(), ["1"])
    print(time.time(), flush=True)
"""


def from_outside(page: Page, store: str, what: str) -> Figure:
    """Measure when a snapshot that another process has added is on the page."""
    words = [sys.executable, "-c", ADDING, store]
    page.wait_for_timeout(1000)
    seen = []
    with subprocess.Popen(words, stdin=-1, stdout=-1, text=True) as other:
        assert other.stdin
        assert other.stdout
        for number in range(TIMES):
            start = page.evaluate("performance.now()")
            print(f"outside-{number}", file=other.stdin, flush=True)
            added = float(other.stdout.readline())
            row = painted(page, start, f"outside-{number}")
            seen.append(row[1] - added)
            page.wait_for_timeout(500)
        other.stdin.close()
    return Figure(what, seen, SEEN)


def from_colleagues(browser: Browser, place: Path) -> Figure:
    """Measure the same of a team's store in PostgreSQL."""
    home = place / "team"
    with postgresql() as database, opened(browser) as page:
        address = f"{database.address('team')}&blobs={home / 'blobs'}"
        open_workspace(address).store.close()
        own: dict[str, Any] = {"MLOPS_STORE": address}
        with jupyter_server(home, settings(home), **own) as server:
            show_panel(page, server, workspace="team")
            return from_outside(page, address, "a snapshot in a team's store is seen")


def drawn(page: Page, pair: tuple[str, str]) -> float:
    """Open a comparison; return after how many seconds its first cells are drawn.

    Before it is looked, as one does, for as long as one takes to pick a snapshot.
    """
    page.wait_for_timeout(PICKING)
    start = time.perf_counter()
    page.evaluate(
        "([a, b]) => window.jupyterapp.commands.execute('mlops:compare', {a, b})", list(pair)
    )
    view(page).locator(".jp-mlops-Diff .cm-content").nth(1).wait_for()
    took = time.perf_counter() - start
    page.evaluate("() => window.jupyterapp.shell.currentWidget.dispose()")
    return took


def comparisons(page: Page, large: Large) -> list[Figure]:
    """Measure how soon a comparison is there, a second after the first of two was picked."""
    entries(page, "Snapshots").first.click(modifiers=["Control"])
    first = [drawn(page, pair) for pair in large.few]
    again = [drawn(page, pair) for pair in large.few]
    longest(page)
    every = drawn(page, large.all)
    return [
        Figure("compare 300 cells of which 10 differ", first, COMPARED),
        Figure("… again", again, COMPARED),
        Figure("compare 400 cells that all differ", [every]),
        Figure("… its longest task", [longest(page)]),
    ]


def nbdime_page(browser: Browser, home: Path) -> Figure:
    """Measure nbdime's own page for the same two notebooks."""
    for name, sources in (
        ("a", [cell(number) for number in range(300)]),
        ("b", [cell(number, changed=number % 30 == 7) for number in range(300)]),
    ):
        (home / f"{name}.ipynb").write_bytes(notebook(sources))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = str(Path(sys.executable).with_name("nbdiff-web"))
    words = [program, "a.ipynb", "b.ipynb", "--browser", "disabled", f"--port={port}",
             "--ip=127.0.0.1", f"--workdirectory={home}"]  # fmt: skip
    with (
        subprocess.Popen(words, cwd=home, stdout=-3, stderr=-3) as process,
        opened(browser) as page,
    ):
        try:
            address = f"http://127.0.0.1:{port}/diff?base=a.ipynb&remote=b.ipynb"
            for _ in range(100):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.1)
            start = time.perf_counter()
            page.goto(address)
            page.locator(".jp-Cell-diff").nth(299).wait_for(state="attached")
            took = time.perf_counter() - start
        finally:
            process.kill()
    return Figure("nbdime's own page, the same notebooks", [took])


def bundle(page: Page, large: Large) -> None:
    """Say how much of our code is loaded at the start, with a snapshot, and with a comparison."""
    static = Path(__file__).parent.parent / "labextension" / "static"
    names = set[str]()
    page.on("request", lambda request: names.add(Path(urlsplit(request.url).path).name))

    def loaded() -> int:
        page.wait_for_load_state("networkidle")
        there = [static / name for name in names if name.endswith(".js")]
        return sum(file.stat().st_size for file in there if file.exists())

    show_panel(page, large.server, workspace="bundle")
    entries(page, "Snapshots").first.wait_for()
    start = loaded()
    entries(page, "Snapshots").first.click()
    view(page).get_by_role("heading", name="Environment").wait_for()
    with_snapshot = loaded()
    drawn(page, large.few[0])
    print(f"\n  code loaded at the start {start:,} bytes, {start / BUNDLE:.0%} of {BUNDLE:,}"
          f"{'' if start <= BUNDLE else '  MISSED'}; with a snapshot {with_snapshot:,}; "
          f"with a comparison {loaded():,}")  # fmt: skip


@contextlib.contextmanager
def without(home: Path, word: str) -> Iterator[Server]:
    """Run a server on which py-mlops is switched off, before and behind."""
    (home / "config" / "labconfig").mkdir(parents=True)
    off = {"disabledExtensions": {"py-mlops": True}}
    (home / "config" / "labconfig" / "page_config.json").write_text(json.dumps(off))
    behind = {"ServerApp": {"jpserver_extensions": {"py_mlops.server": False}}}
    (home / "config" / "jupyter_server_config.json").write_text(json.dumps(behind))
    with jupyter_server(home, word) as server:
        yield server


def starts(browser: Browser, ours: Server, place: Path) -> None:
    """Say how much longer JupyterLab takes to start with us, in turns."""
    took: dict[str, list[float]] = {"with": [], "without": []}
    home = place / "without"
    (home / "work").mkdir(parents=True)
    with without(home, settings(home)) as bare:
        for number in range(STARTS + 1):
            turns = [("with", ours), ("without", bare)]
            for name, server in turns if number % 2 else turns[::-1]:
                with opened(browser) as page:
                    page.goto(f"{server.url}/lab/workspaces/start{number}?token={TOKEN}")
                    took[name].append(page.evaluate(LAUNCHED) / 1000)
                    has = page.evaluate("() => !!document.querySelector('#mlops-panel')")
                    assert has == (name == "with")
    figures = [
        Figure(f"JupyterLab starts {name} py-mlops", seconds[1:]) for name, seconds in took.items()
    ]
    table("The start of JupyterLab", figures)
    ratio = statistics.median(took["with"][1:]) / statistics.median(took["without"][1:]) - 1
    pairs = statistics.median(a / b for a, b in zip(took["with"], took["without"], strict=True)) - 1
    print(f"  {ratio:+.1%} of medians, {pairs:+.1%} median of pairs; target +{START:.0%}")


def main() -> None:
    """Measure everything on one server and in one browser."""
    with (
        tempfile.TemporaryDirectory(prefix="mlops-bench-") as held,
        sync_playwright() as playwright,
    ):
        place = Path(held)
        home = place / "large"
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        word = "--LabApp.expose_app_in_browser=True"
        with large_server(home, settings(home), word) as large:
            with opened(browser) as page:
                figures = lists(page, large)
                figures.append(
                    from_outside(page, str(home / "store"), "a snapshot of another process is seen")
                )
                table("The panel, 10,000 snapshots of 200 models", figures)
                table("Comparing notebooks", comparisons(page, large))
            table("A team's store", [from_colleagues(browser, place)])
            with opened(browser) as page:
                bundle(page, large)
            starts(browser, large.server, place)
            table("Beside it", [nbdime_page(browser, place)])
        browser.close()
        shutil.rmtree(home / "store", ignore_errors=True)
