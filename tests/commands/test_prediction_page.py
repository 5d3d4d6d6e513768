from __future__ import annotations

from pathlib import Path

import pytest

from py_mlops.commands.lineage.explain import explain
from py_mlops.commands.lineage.impact import impact
from py_mlops.commands.lineage.pages import explanation_page, impact_page
from py_mlops.commands.lineage.subject import find_subject
from py_mlops.errors import UnknownReference
from py_mlops.predictions import LoggedPrediction, SegmentWriter, seal
from py_mlops.records import record_id
from py_mlops.report.page import Page
from py_mlops.report.terminal import text
from py_mlops.workspace import Workspace, now
from tests.store.lineages import add, blob_of, made_of
from tests.store.samples import ANN


def shown(one: Page) -> str:
    """Return a page as a terminal shows it, with single blanks."""
    return " ".join(text(one, width=200).split())


def page(workspace: Workspace, word: str) -> str:
    """Return the page of an explanation."""
    found = explain(workspace, find_subject(workspace, word))
    return shown(explanation_page(workspace, found))


@pytest.fixture
def model(workspace: Workspace) -> str:
    """The id of a snapshot that production points at, made of a table that another made."""
    add(workspace.store, made_of("clean", ["raw"], ["table"]))
    trained = made_of("flowers", ["table"], ["report"])
    workspace.store.add(trained, head="flowers@production")
    return record_id(trained)


def logged(workspace: Workspace, folder: Path, snapshot: str, inputs: object) -> str:
    """Log a prediction and return its id."""
    with SegmentWriter(folder) as writer:
        writer.append(
            LoggedPrediction(
                id="request-17", time=now(), snapshot=snapshot, inputs=inputs, outputs=["refused"]
            )
        )
    seal(workspace.store, folder, log="flowers@production", author=ANN)
    return "request-17"


def test_a_prediction_is_explained_back_to_raw_data(
    workspace: Workspace, tmp_path: Path, model: str
) -> None:
    """What was asked and answered, which model was to serve, by whom, and what it was made of."""
    told = page(workspace, logged(workspace, tmp_path / "log", model, {"age": 41}))
    for words in (
        "prediction request-17",
        'asked {"age":41}',
        'answered ["refused"]',
        f"by snapshot {model[7:19]}",
        "flowers@production pointed at it then, since",
        "by Ann",
        "table.csv",
        "Back to raw data",
    ):
        assert words in told


def test_a_wrong_file_is_followed_to_the_predictions(
    workspace: Workspace, tmp_path: Path, model: str
) -> None:
    """How many answers, of which log and when: of models made of it, and of a model itself."""
    logged(workspace, tmp_path / "log", model, {"age": 41})
    other = made_of("other", ["else"], [])
    add(workspace.store, other)
    logged(workspace, tmp_path / "log2", record_id(other), {"age": 7})
    raw, itself = (
        impact(workspace, find_subject(workspace, word)) for word in (blob_of("raw").digest, model)
    )
    assert [(one.name, one.predictions, one.segments) for one in raw.logs] == [
        ("flowers@production", 1, 1)
    ]
    assert itself.logs == raw.logs
    assert "flowers@production 1 prediction in 1 segment between" in shown(impact_page(raw))
    assert "Its own model made 1 prediction." in shown(impact_page(itself))
    nothing = impact(workspace, find_subject(workspace, blob_of("report").digest))
    assert nothing.logs == ()


def test_a_model_that_was_not_to_serve_is_told(
    workspace: Workspace, tmp_path: Path, model: str
) -> None:
    """An answer of a model that the head did not point at is no silent thing."""
    other = made_of("flowers", ["labels"], ["other"])
    add(workspace.store, other)
    told = page(workspace, logged(workspace, tmp_path / "log", record_id(other), [1]))
    assert f"pointed at {model[7:19]} then: another model was to serve" in told


def test_hostile_inputs_write_no_line_of_their_own(
    workspace: Workspace, tmp_path: Path, model: str
) -> None:
    """What a stranger sent is shown on one line, cut, without control characters."""
    asked = {"name": "\x1b[31mred\n  by  snapshot 000000000000" + "x" * 5000}
    word = logged(workspace, tmp_path / "log", model, asked)
    found = explain(workspace, find_subject(workspace, word))
    told = text(explanation_page(workspace, found), width=10_000)
    assert "\x1b[31m" not in told
    assert "\n  by  snapshot 0000" not in told
    assert "x" * 300 not in told


def test_a_model_that_is_not_here_is_asked_for(workspace: Workspace, tmp_path: Path) -> None:
    """A log may have come without the snapshots that answered."""
    word = logged(workspace, tmp_path / "log", "sha256:" + "a" * 64, [1])
    with pytest.raises(UnknownReference, match="this store does not have") as error:
        find_subject(workspace, word)
    assert "mlops pull" in error.value.hint
