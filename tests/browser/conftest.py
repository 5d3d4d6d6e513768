"""One JupyterLab with the tour's project, and Debian's own browser, for all tests of pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from sklearn.datasets import load_digits

from tests.jupyter import Server, jupyter_server
from tests.projects import mlops, write_notebook

ROOT = Path(__file__).parents[2]
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
CHROMIUM = shutil.which("chromium")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say of the tests of pages that they are not covered where there is no browser."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and not CHROMIUM:
            item.add_marker(pytest.mark.skip(reason="not covered: chromium is not installed"))


def lay_out(home: Path, notebook: str, *more: str) -> None:
    """Write the tour's notebook under another name, with further cells at its end."""
    document = nbformat.read(ROOT / "examples" / "digits" / "digits.ipynb", as_version=4)
    document.cells.extend(nbformat.v4.new_code_cell(source) for source in more)
    nbformat.write(document, home / "work" / notebook)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start a Jupyter server with JupyterLab, its folder holding the tour's project."""
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "examples" / "digits", home / "work")
    digits = load_digits(as_frame=True).frame.astype(int)
    digits.columns = [*(f"pixel{number}" for number in range(64)), "digit"]
    (home / "work" / "data").mkdir()
    digits.to_csv(home / "work" / "data" / "digits.csv", index=False)
    lay_out(home, "digits.ipynb", "%mlops reproduce digits")
    settings = home / "lab-settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    words = f"--LabApp.user_settings_dir={home / 'lab-settings'}"
    with jupyter_server(home, words) as started:
        yield started


@pytest.fixture(scope="session")
def stocked(server: Server) -> Server:
    """The server, with two snapshots of a small model in its store, and a verdict on one."""
    ours: dict[str, Any] = {
        "MLOPS_CACHE": str(server.home / "cache"),
        "MLOPS_STORE": str(server.home / "store"),
    }
    for rate in (0.1, 0.2):
        cells = ["%load_ext py_mlops", f"rate = {rate}\nloss = rate / 2\nloss"]
        cells.append("%mlops snapshot rates --metric loss")
        notebook = write_notebook(server.home / "work" / "rates.ipynb", cells)
        ran = mlops("run", notebook, **ours)
        assert ran.code == 0, ran.err
    ended = mlops("reproduce", "rates", "--quiet", **ours)
    assert ended.code == 0, ended.out
    return server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the browser; it takes an event loop, which other tests need, so it does not stay."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Open a page of its own, without anyone's cookies."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    yield context.new_page()
    context.close()
