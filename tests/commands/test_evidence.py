from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from py_mlops.commands.reruns.evidence import Evidence, collect
from py_mlops.commands.reruns.rerun import Rerun
from py_mlops.environment.build import Built
from py_mlops.notebook.client import CellFailure
from py_mlops.notebook.execution import Executed
from py_mlops.notebook.replay import plan
from py_mlops.records import Capture, History, Hole, Snapshot, decode_as
from py_mlops.records.handover import Handover
from py_mlops.sandbox import Isolation, Level
from py_mlops.workspace import Workspace
from tests.handovers import CELLS, a_project, executed, seen, take

SPEC = {"shape": [4], "dtype": "int64", "columns": []}
HOLDOUT = {
    "variable": "X", "spec": SPEC, "file": "inputs", "problem": "",
    "predictions": [{"method": "predict", "spec": SPEC, "file": "predict"}],
}  # fmt: skip
FAILURE = CellFailure(count=2, source="x", error="KeyError: 'x'", traceback="", hint="")


def npy(*values: int) -> bytes:
    """Return labels as an ``.npy`` file."""
    stream = io.BytesIO()
    np.save(stream, np.array(values), allow_pickle=False)
    return stream.getvalue()


def ended(
    said: dict[str, Any] | None,
    payload: dict[str, bytes] | None = None,
    *,
    level: Level = Level.NAMESPACES,
    mirror: str = "/mirror",
) -> Rerun:
    """Return what a rerun with this handover came to; a failed one without."""
    return Rerun(
        handover=msgspec.convert(said, Handover) if said is not None else None,
        payload=payload or {},
        executed=Executed(plan(History(cells=[]), name="x"), None if said else FAILURE, 1.0),
        built=Built(
            Path("/env/bin/python"), ["ipykernel 7 was added."], "3.11.7", Path("/usr/bin/python3")
        ),
        isolation=Isolation(level, "no namespaces here"),
        network=False,
        mirror=mirror,
        written=[],
        results=[],
    )


Collect = Callable[..., Evidence]


@pytest.fixture
def said(tmp_path: Path) -> dict[str, Any]:
    """The handover of a project whose second cell printed its accuracy."""
    cells = [executed(1, CELLS[0]), executed(2, CELLS[1], "0.96875\n")]
    return a_project(tmp_path / "p") | {"model": None, "cells": cells}


@pytest.fixture
def compared(workspace: Workspace, tmp_path: Path, said: dict[str, Any]) -> Collect:
    """A function that compares reruns with the snapshot of that project."""

    def compare(
        *reruns: Rerun, payload: dict[str, bytes] | None = None, **changes: Any
    ) -> Evidence:
        taken = take(workspace, tmp_path / "h", said, **(payload or {}))
        snapshot = workspace.store.get_as(taken, Snapshot)
        history = decode_as(workspace.store.blobs.read(snapshot.program.history.digest), History)
        snapshot = msgspec.structs.replace(snapshot, **changes)
        return collect(workspace, snapshot, history, reruns, {})

    return compare


def states(evidence: Evidence) -> dict[str, str]:
    """Return each axis' state."""
    return {axis.name: axis.state for axis in evidence.axes}


def test_a_rerun_that_came_out_the_same_is_the_same_on_every_axis(
    compared: Collect, said: dict[str, Any]
) -> None:
    """Each axis says so in a sentence with the numbers it rests on."""
    evidence = compared(ended(said))
    assert states(evidence) == {
        "environment": "same", "hardware": "same", "data": "same", "code": "same",
        "capture": "same", "isolation": "same", "outputs": "same", "predictions": "unknown",
        "metrics": "same",
    }  # fmt: skip
    assert evidence.axis("code").text == (
        "Replayed 2 executed cells and 1 loose module in the recorded order."
    )
    assert evidence.axis("data").text == "Restored 1 file (8,000 bytes), every byte checked."
    assert evidence.axis("outputs").text.startswith("What 1 of 2 cells showed")
    assert (evidence.first_difference, evidence.calibration, evidence.varies) == (None, [], False)


def test_the_first_cell_that_shows_something_else_is_named(
    compared: Collect, said: dict[str, Any]
) -> None:
    """With what it showed then and now."""
    again = said | {"cells": [executed(1, CELLS[0]), executed(2, CELLS[1], "0.5\n")]}
    evidence = compared(ended(again))
    axis = evidence.axis("outputs")
    assert axis.state == "different"
    assert axis.text.startswith("Cell [2] ")
    assert axis.details == ["then: 0.96875", "now:  0.5"]
    assert evidence.first_difference is not None
    assert evidence.first_difference.count == 2


def test_without_any_output_the_axis_is_unknown(compared: Collect, said: dict[str, Any]) -> None:
    """Nothing to compare is not called the same."""
    said["cells"] = [executed(1, "x = 1")]
    assert states(compared(ended(said)))["outputs"] == "unknown"


def test_a_file_that_only_the_rerun_read_is_named_by_its_original_path(
    compared: Collect, said: dict[str, Any]
) -> None:
    """The mirror's prefix is taken off; what the recorded run knew is not listed."""
    mirrored = [file | {"path": "/mirror" + file["path"]} for file in said["files"]]
    mirrored.append(seen(Path("/mirror/data/SECRET.CSV")))
    axis = compared(ended(said | {"files": mirrored})).axis("data")
    assert axis.state == "different"
    assert axis.details == ["/data/SECRET.CSV"]
    assert axis.text == "The rerun read 1 file that the recorded run did not."


def test_questions_that_only_the_rerun_asked_are_named(
    compared: Collect, said: dict[str, Any]
) -> None:
    """Also where the program swallowed the error that each of them was."""
    asked = ["postgresql://db:5432/shop: SELECT *\n  FROM sale", "https://a.b: GET https://a.b/c"]
    axis = compared(ended(said | {"unrecorded": asked})).axis("data")
    assert axis.state == "different"
    assert axis.details == ["postgresql://db:5432/shop: SELECT * FROM sale", asked[1]]
    assert axis.text == "The rerun asked 2 questions that the recorded run did not."


@pytest.mark.parametrize(
    "parts",
    [
        {"first": "write", "written": True, "existed": False},
        {"existed": False},
        {"path": "/mirror/lib/module.py"},
    ],
)
def test_what_it_made_itself_or_is_no_data_is_no_surprise(
    compared: Collect, said: dict[str, Any], parts: dict[str, Any]
) -> None:
    """Own outputs, files that are not there, and code of a library."""
    said["files"].append(seen(Path("/mirror/tmp/made.csv")) | parts)
    rerun = ended(dict(said))
    said["files"] = said["files"][:-1]
    assert states(compared(rerun))["data"] == "same"


def test_a_file_that_was_not_captured_is_named(
    compared: Collect, said: dict[str, Any], workspace: Workspace, tmp_path: Path
) -> None:
    """A rerun without one of its inputs cannot be called the same."""
    taken = take(workspace, tmp_path / "first", said)
    data = workspace.store.get_as(taken, Snapshot).data
    lost = [msgspec.structs.replace(data[0], blobs=[]), *data[1:]]
    axis = compared(ended(said), data=lost).axis("data")
    assert (axis.state, axis.details) == ("different", ["data/flowers.csv"])
    assert axis.text == "1 of 1 file could not be captured or restored."
    assert compared(ended(said), data=[]).axis("data").state == "different"
    assert compared(ended(said | {"files": []}), data=[]).axis("data").text == "No file was read."


def test_a_copy_in_place_of_namespaces_is_said(compared: Collect, said: dict[str, Any]) -> None:
    """A lower level of isolation is recorded with its reason."""
    axis = compared(ended(said, level=Level.COPY)).axis("isolation")
    assert axis.state == "unknown"
    assert "no namespaces here" in axis.text


@pytest.mark.parametrize(
    ("error", "state"),
    [("ModuleNotFoundError: No module named 'own'", "different"), ("KeyError: 'x'", "close")],
)
def test_what_was_not_rebuilt_explains_a_failed_import(
    compared: Collect, error: str, state: str
) -> None:
    """A failed rerun names what its environment lacks, as the cause only of a failed import."""
    rerun = ended(None)
    failure = dataclasses.replace(FAILURE, error=error)
    failed = dataclasses.replace(rerun.executed, failed=failure)
    axis = compared(dataclasses.replace(rerun, executed=failed)).axis("environment")
    assert (axis.state, axis.details) == (state, ["ipykernel 7 was added"])


def test_serious_holes_leave_the_capture_unknown(compared: Collect, said: dict[str, Any]) -> None:
    """What was not seen cannot be called the same."""
    for blocking, state in ((True, "unknown"), (False, "same")):
        hole = Hole(kind="data", text="It is lost.", hint="Do.", cell=0, blocking=blocking)
        capture = Capture(
            level="python-only", holes=[hole], external=[], ignored=[], variables=[], secrets=[]
        )
        axis = compared(ended(said), capture=capture).axis("capture")
        assert (axis.state, axis.details) == (state, ["It is lost."])
        assert axis.text.endswith("with 1 hole.")


def test_answers_are_compared_method_by_method(compared: Collect, said: dict[str, Any]) -> None:
    """One method more or less agrees; one that the rerun lacks is different."""
    said["holdout"] = HOLDOUT
    payload = {"inputs": npy(1), "predict": npy(0, 1, 1, 0)}
    for rerun, state, agree in (
        (ended(said, payload), "same", 1.0),
        (ended(said, payload | {"predict": npy(0, 1, 0, 1)}), "different", 0.5),
        (ended(said | {"holdout": None}), "different", 0.0),
        (ended(said | {"holdout": HOLDOUT | {"predictions": []}}), "different", 0.0),
    ):
        [item] = compared(rerun, payload=payload).predictions
        assert (item.method, item.state, item.agree) == ("predict", state, agree)


def test_a_metric_that_is_gone_or_not_finite_is_different(
    compared: Collect, said: dict[str, Any]
) -> None:
    """It never passes for one that agrees."""
    for values in ({}, {"accuracy": None}):
        evidence = compared(ended(said | {"metrics": values}))
        assert [item.state for item in evidence.metrics] == ["different"]
        assert states(evidence)["metrics"] == "different"


def test_another_machine_is_given_more_numeric_noise(
    compared: Collect, said: dict[str, Any]
) -> None:
    """A relative difference of 1e-3 is noise on another processor, and none on the same."""
    again = said | {"metrics": {"accuracy": 0.96875 * 1.001}}
    assert compared(ended(again)).metrics[0].state == "close"
    there = again | {"facts": again["facts"] | {"features": ["another"]}}
    evidence = compared(ended(there))
    assert evidence.metrics[0].state == "equivalent"
    assert states(evidence)["hardware"] == "different"


def test_reruns_that_differ_among_themselves_vary(compared: Collect, said: dict[str, Any]) -> None:
    """Calibrating reruns give the band; a failed one gives nothing."""
    runs = [ended(said | {"metrics": {"accuracy": value}}) for value in (0.9, 0.95, 0.99)]
    evidence = compared(*runs, ended(None))
    assert evidence.varies
    assert evidence.calibration == [{"accuracy": 0.95}, {"accuracy": 0.99}]
    low, high = evidence.metrics[0].band
    assert low < 0.9
    assert high > 0.99
    assert not compared(runs[0], runs[0]).varies


def test_of_a_rerun_that_failed_there_is_what_is_known(compared: Collect) -> None:
    """Environment, data, code and isolation, so that the failure can be understood."""
    evidence = compared(ended(None))
    assert list(states(evidence)) == ["environment", "data", "code", "capture", "isolation"]
    assert evidence.axis("environment").details == ["ipykernel 7 was added"]
    assert (evidence.metrics, evidence.predictions, evidence.environment) == ([], [], None)


def test_a_model_that_was_loaded_is_not_called_trained(
    compared: Collect, said: dict[str, Any], workspace: Workspace, tmp_path: Path
) -> None:
    """The axis names the file it came from."""
    taken = workspace.store.get_as(
        take(
            workspace,
            tmp_path / "m",
            said | {"model": {"variable": "clf", "type": "a.B", "artifacts": [], "problem": ""}},
        ),
        Snapshot,
    )
    assert taken.model is not None
    made = compared(ended(said), model=taken.model).axis("model")
    assert (made.state, made.text) == ("same", "clf (B) was made by the program itself.")
    loaded = msgspec.structs.replace(taken.model, loaded_from="m.pkl")
    axis = compared(ended(said), model=loaded).axis("model")
    assert (axis.state, axis.text) == ("unknown", "clf was loaded from m.pkl, not trained.")
