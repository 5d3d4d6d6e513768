from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from py_mlops.commands.catalogue.trend import heads_by_target, trend
from py_mlops.commands.history import log
from py_mlops.commands.pages import logged_page
from py_mlops.report.terminal import text
from py_mlops.workspace import Workspace, open_workspace
from tests.panels.large import stock

NAME = "model-000"


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace with 150 snapshots of a model, which tests only read."""
    opened = open_workspace(tmp_path_factory.mktemp("stocked") / "store")
    stock(opened.store, count=150, models=1)
    yield opened
    opened.store.close()


def ids(workspace: Workspace) -> list[str]:
    """Return the ids of its snapshots, the oldest first."""
    return [one.id for one in log(workspace, limit=1000)][::-1]


def test_of_many_snapshots_a_hundred_are_read_and_that_is_said(
    stocked: Workspace,
) -> None:
    """First and newest are among them, each with its numbers, its verdict and its heads."""
    many = ids(stocked)
    went = trend(stocked, NAME, heads_by_target(stocked))
    assert (len(went.points), went.total, went.earlier, went.unread) == (100, 150, False, 0)
    assert (went.points[0].id, went.points[-1].id) == (many[0], many[-1])
    assert went.points[0].metrics == {"accuracy": 0.5, "loss": 0.0}
    assert went.points[0].level == "identical"
    assert [point.id for point in went.points if point.heads] == [many[-1]]
    assert went.points[-1].heads == (f"{NAME}@main",)
    page = logged_page(stocked, log(stocked, NAME), NAME, "", None)
    assert "Metrics (100 of 150 snapshots, evenly spaced)" in text(page, width=80)


def test_an_earlier_page_is_about_what_came_before(stocked: Workspace) -> None:
    """The numbers go up to where the page begins, not beyond it."""
    first = log(stocked, NAME, limit=60)
    went = trend(stocked, NAME, heads_by_target(stocked), before=first[-1].seq)
    assert went.points[-1].id == ids(stocked)[89]
    assert len(went.points) == went.total == 90


def test_a_damaged_snapshot_of_long_ago_does_not_hide_the_others(
    workspace: Workspace, store_folder: Path
) -> None:
    """It is counted; the page of the newest ones is there all the same."""
    stock(workspace.store, count=3, models=1)
    [blob] = (store_folder / "objects").rglob(f"*{ids(workspace)[0][-40:]}")
    blob.chmod(0o600)
    blob.write_bytes(b"{}")
    page = logged_page(workspace, log(workspace, NAME, limit=2), NAME, "", None)
    assert "2 of 3 snapshots, 1 could not be read" in text(page, width=80)


def test_the_log_of_every_model_tells_no_metrics_history(
    stocked: Workspace,
) -> None:
    """Numbers of different models are not drawn as one line."""
    page = logged_page(stocked, log(stocked), None, "", None)
    assert page.charts == ()
    assert [section.title for section in page.sections] == [""]
