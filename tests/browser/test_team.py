"""The panel on a team's store: its ledger in PostgreSQL, its bytes in a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from campaigns.faulty_proxy import Proxy, proxy
from py_mlops.workspace import open_workspace
from tests import handovers
from tests.browser.panels import LONG, entries, press, run_all, show_panel, view
from tests.buckets import environment, moto
from tests.jupyter import Server, jupyter_server
from tests.postgresql import PostgreSQL, postgresql
from tests.projects import write_notebook


@pytest.fixture(scope="module")
def database() -> Iterator[PostgreSQL]:
    """A database server that the tests may stop."""
    with postgresql() as running:
        yield running


@pytest.fixture(scope="module")
def bucket() -> Iterator[tuple[str, Proxy]]:
    """A bucket's address, and what stands before its service and may spoil answers."""
    with (
        moto() as service,
        proxy(service.port, 0, 0.0) as before,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in environment(f"http://127.0.0.1:{before.server_port}").items():
            patch.setenv(name, value)
        yield service.address(), before


@pytest.fixture(scope="module")
def team(
    database: PostgreSQL,
    bucket: tuple[str, Proxy],
    server: Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Server, str]]:
    """A Jupyter server on a team's store, and the store's address."""
    home = tmp_path_factory.mktemp("team")
    address = f"{database.address('team')}&blobs={bucket[0]}"
    own: dict[str, Any] = {"MLOPS_STORE": address, "MLOPS_CACHE": str(server.home / "cache")}
    with jupyter_server(home, **own) as running:
        yield running, address


def take(address: str, folder: Path, name: str) -> None:
    """Take a snapshot as a colleague does, in a process that knows nothing of the server."""
    workspace = open_workspace(address)
    said = handovers.a_project(folder / name)
    said["request"]["name"] = name
    handovers.take(workspace, folder / f"{name}-handover", said, model=handovers.MODEL)
    workspace.store.close()


def test_a_teams_store(
    team: tuple[Server, str],
    database: PostgreSQL,
    bucket: tuple[str, Proxy],
    page: Page,
    tmp_path: Path,
) -> None:
    """Colleagues' snapshots show; one's own is taken by a click; a lost database is told of.

    So is one that never answers, while runs do, and a bucket that fails. Each
    time the panel goes on by itself.
    """
    server, address = team
    write_notebook(server.home / "work" / "ours.ipynb", ["loss = 0.5\nloss"])
    show_panel(page, server, "ours.ipynb", workspace="team")
    panel = page.get_by_role("region", name="MLOps", exact=True)
    expect(panel).to_contain_text("No snapshot yet", timeout=LONG)
    for name in ("hers", "his"):
        take(address, tmp_path, name)
        expect(entries(page, "Snapshots").first).to_contain_text(name, timeout=LONG)
    page.get_by_role("searchbox", name="Search models and snapshots").fill("hers")
    expect(entries(page, "Snapshots")).to_have_count(1, timeout=LONG)
    page.get_by_role("searchbox", name="Search models and snapshots").fill("")

    run_all(page)
    press(page, "Save the notebook")
    page.get_by_label("Variables with metrics").fill("loss")
    page.keyboard.press("Enter")
    expect(entries(page, "Snapshots").first).to_contain_text("loss 0.5", timeout=LONG)
    entries(page, "Snapshots").filter(has_text="hers").click()
    expect(view(page).get_by_role("heading", level=1)).to_contain_text("hers", timeout=LONG)

    database.stop()
    alert = panel.get_by_role("alert")
    expect(alert).to_contain_text("Check that the server runs and can be reached", timeout=LONG)
    expect(entries(page, "Snapshots")).to_have_count(3)
    entries(page, "Snapshots").filter(has_text="his").click()
    expect(view(page)).to_contain_text("Check that the server runs", timeout=LONG)
    database.start()
    expect(alert).to_have_count(0, timeout=LONG)
    expect(view(page).get_by_role("heading", level=1)).to_contain_text("his", timeout=LONG)
    take(address, tmp_path, "later")
    expect(entries(page, "Snapshots").first).to_contain_text("later", timeout=LONG)

    with database.frozen():
        entries(page, "Snapshots").first.click()
        expect(view(page)).to_contain_text("has not answered for", timeout=LONG)
        expect(alert).to_contain_text("has not answered for", timeout=LONG)
        jobs = page.evaluate("async () => (await fetch('/py-mlops/api/v1/jobs')).status")
        assert jobs == 200
    expect(alert).to_have_count(0, timeout=LONG)
    expect(view(page).get_by_role("heading", level=1)).to_contain_text("later", timeout=LONG)
    with bucket[1].always("500"):
        view(page).get_by_role("button", name="Show Executed Cells").click()
        expect(view(page)).to_contain_text("the server answered 500", timeout=LONG)
        expect(entries(page, "Snapshots")).to_have_count(4)
    expect(view(page).get_by_role("alert")).to_have_count(0, timeout=LONG)
