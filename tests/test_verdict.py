from __future__ import annotations

from typing import Any

import pytest

from py_mlops.records import Axis, CellDifference, MetricComparison, PredictionComparison
from py_mlops.verdict import judge, likely_cause, missing_program


def axes(**states: str) -> list[Axis]:
    """Make axes in given states."""
    return [
        Axis(name=name, state=state, text=f"{name} text", details=[])  # type: ignore[arg-type]  # names and states come as text
        for name, state in states.items()
    ]


@pytest.mark.parametrize(
    ("states", "unseeded", "begins"),
    [
        ({"data": "different", "environment": "different"}, True, "data: data text"),
        ({"environment": "different", "metrics": "different"}, True, "environment: "),
        ({"hardware": "different", "metrics": "different"}, True, "seed: "),
        ({"hardware": "different", "metrics": "different"}, False, "hardware: "),
        ({"hardware": "same", "predictions": "unknown", "metrics": "different"}, False, "seed: "),
        ({"hardware": "same", "metrics": "unknown", "outputs": "different"}, False, "the cell "),
    ],
)
def test_likely_cause(states: dict[str, str], unseeded: bool, begins: str) -> None:
    """The first axis that explains a difference is named; training only where it was measured."""
    assert likely_cause("different", axes(**states), unseeded=unseeded).startswith(begins)


def test_what_the_differing_cell_took_in_unseen_comes_before_chance() -> None:
    """What an unwatched process read explains more than a seed, and less than lost data."""
    unseen = "shell: Cell [3] ran a process: make data"
    told = likely_cause("different", axes(data="same"), unseeded=True, unseen=unseen)
    assert told == unseen
    told = likely_cause("different", axes(data="different"), unseeded=True, unseen=unseen)
    assert told.startswith("data: ")
    assert likely_cause("failed", axes(data="same"), unseeded=False, unseen=unseen) == ""


def test_what_the_differing_cell_certainly_lacked_comes_before_packages() -> None:
    """A cell whose answer from outside is not kept differs for that, not for a lost package."""
    lost = "network: a child process connected to 127.0.0.1:80"
    different = axes(data="same", environment="different")
    for level in ("different", "failed"):
        assert likely_cause(level, different, unseeded=True, lost=lost) == lost
    told = likely_cause("different", axes(data="different"), unseeded=True, lost=lost)
    assert told.startswith("data: ")
    told = likely_cause("different", different, unseeded=True, unseen="shell: make")
    assert told.startswith("environment: ")


def test_a_package_that_nobody_missed_comes_last() -> None:
    """A rerun that came to its end without a package differs for its seed, not for that."""
    details = ["- torch 2.0"]
    lacks = Axis(name="environment", state="different", text="1 missing.", details=details)
    assert likely_cause("different", [lacks], unseeded=True).startswith("seed: ")
    assert likely_cause("different", [lacks], unseeded=False, unseen="shell: x") == "shell: x"
    told = likely_cause("different", [lacks], unseeded=False)
    assert told == likely_cause("failed", [lacks], unseeded=True)
    assert told == "environment: 1 missing. The first is - torch 2.0."
    details.append("numpy 1.0 → 2.0")
    assert likely_cause("different", [lacks], unseeded=True).startswith("environment: ")


@pytest.mark.parametrize(
    ("recorded", "rerun", "told"),
    [
        ("3 tests passed", "sh: 1: nosetests: not found\r\n", "sh: 1: nosetests: not found"),
        (
            "3 tests passed",
            "bash: nosetests: command not found",
            "bash: nosetests: command not found",
        ),
        ("sh: 1: nosetests: not found\n1", "sh: 1: nosetests: not found\n2", ""),
        ("/bin/sh: 1: nosetests: not found", "/usr/bin/sh: 1: nosetests: not found", ""),
        ("sh: 1: dot: not found", "dot 2.43", "this machine has. Then: sh: 1: dot: not found"),
        ("1", "2", ""),
    ],
)
def test_a_program_that_is_not_there(recorded: str, rerun: str, told: str) -> None:
    """A command that only one of the two machines has explains what its cell shows."""
    cell = CellDifference(count=1, source="!nosetests", recorded=recorded, rerun=rerun)
    said = missing_program(cell)
    assert said.endswith(told)
    assert bool(said) == bool(told)


def test_cause_of_a_failure() -> None:
    """A cell that fails may do so for want of data; without that, its error says it all."""
    lost = Axis(name="data", state="different", text="1 file is lost.", details=["a.csv", "b"])
    told = likely_cause("failed", [lost], unseeded=True)
    assert told == "data: 1 file is lost. The first is a.csv."
    assert likely_cause("failed", axes(data="same", hardware="different"), unseeded=True) == ""


def test_no_cause_of_what_came_out_the_same() -> None:
    """Where nothing differs there is no cause to name."""
    assert likely_cause("identical", axes(data="different"), unseeded=True) == ""


OUTPUTS = Axis(
    name="outputs", state="same", text="What 2 of 3 cells showed is the same.", details=[]
)


def metric(state: Any = "same", **parts: Any) -> MetricComparison:
    """Make the comparison of a metric that was 0.9."""
    known: dict[str, Any] = {
        "name": "accuracy", "recorded": 0.9, "rerun": 0.91, "tolerance": 0.02, "relative": False,
        "band": [], "state": state,
    }  # fmt: skip
    return MetricComparison(**{**known, **parts})


def answers(state: Any = "same", agree: float = 1.0, largest: float = 0.0) -> PredictionComparison:
    """Make the comparison of a model's answers on 100 rows."""
    return PredictionComparison(
        method="predict", rows=100, agree=agree, largest=largest, state=state
    )


@pytest.mark.parametrize(
    ("metrics", "predictions", "level"),
    [
        (["same"], [], "identical"),
        ([], ["same"], "identical"),
        (["same"], ["same"], "identical"),
        (["same", "equivalent"], ["same"], "equivalent"),
        (["same"], ["equivalent"], "equivalent"),
        ([], ["equivalent"], "equivalent"),
        (["close", "same"], ["same"], "within tolerance"),
        (["close"], ["different"], "within tolerance"),
        (["same"], ["different"], "within tolerance"),
        (["equivalent"], ["different"], "within tolerance"),
        (["different"], ["same"], "different"),
        (["same", "different"], [], "different"),
        (["different"], ["different"], "different"),
        ([], ["different"], "different"),
        ([], ["same", "different"], "different"),
    ],
)
def test_the_worst_comparison_decides(
    metrics: list[str], predictions: list[str], level: str
) -> None:
    """Only answers that differ row by row are forgiven, and only where every metric agrees."""
    judged = judge([metric(one) for one in metrics], [answers(one) for one in predictions], OUTPUTS)
    assert judged.level == level
    assert judged.reason.endswith(".")


@pytest.mark.parametrize(
    ("state", "level", "says"),
    [
        ("same", "equivalent", "2 of 3 cells"),
        ("close", "equivalent", "up to numeric noise"),
        ("different", "different", "cells"),
        ("unknown", "cannot", "nothing to compare"),
    ],
)
def test_without_metric_and_answers_what_the_cells_printed_decides(
    state: Any, level: str, says: str
) -> None:
    """The best such a verdict can be is equivalent, and the reason says what it rests on."""
    outputs = Axis(name="outputs", state=state, text=OUTPUTS.text, details=[])
    judged = judge([], [], outputs)
    assert judged.level == level
    assert says in judged.reason
    assert "No metric" in judged.reason or "no metric" in judged.reason


@pytest.mark.parametrize(
    ("comparison", "says"),
    [
        (metric("close"), "inside the tolerance of 0.02."),
        (metric("close", relative=True), "inside the tolerance of 0.02 of its value."),
        (metric("different", rerun=0.5), "outside the tolerance of 0.02."),
        (metric("close", band=[0.85, 0.95]), "inside the noise band 0.85 to 0.95."),
        (
            metric("close", band=[0.905, 0.915]),
            "outside the noise band 0.905 to 0.915 but inside the tolerance of 0.02.",
        ),
        (
            metric("different", rerun=0.5, band=[0.4, 0.6]),
            "outside the noise band 0.4 to 0.6.",
        ),
        (metric("different", rerun=None), "no finite value"),
    ],
)
def test_the_reason_names_what_let_a_metric_pass_or_stopped_it(
    comparison: MetricComparison, says: str
) -> None:
    """A noise band is claimed only where the recorded value lies in it; else the tolerance is."""
    reason = judge([comparison], [], OUTPUTS).reason
    assert reason.startswith("accuracy was 0.9 and ")
    assert reason.endswith(says) or says in reason


def test_the_reason_counts_what_was_compared() -> None:
    """One metric is one, several are several; answers are named with their rows."""
    assert judge([metric()], [], OUTPUTS).reason == "The metric is bit for bit the recorded one."
    assert judge([metric(), metric()], [], OUTPUTS).reason.startswith("The metrics are bit for bit")
    both = judge([metric()], [answers()], OUTPUTS).reason
    assert both.startswith("The model's answers on 100 held-out rows and the metric are")
    assert "97.0%" in judge([], [answers("different", 0.97)], OUTPUTS).reason
    assert "Every metric agrees" in judge([metric()], [answers("different", 0.9)], OUTPUTS).reason


def test_numbers_that_are_nearly_the_recorded_ones_are_told_as_such() -> None:
    """That not one number is bit for bit the recorded one does not read as disagreement."""
    close, far = answers("close", 0.0, 0.012), answers("different", 0.5, 1.4)
    said = judge([metric()], [close], OUTPUTS).reason
    assert "0.0% of the held-out rows" in said
    assert said.endswith("differ by at most 0.012, which is within their tolerance.")
    worst = judge([metric()], [close, far], OUTPUTS).reason
    assert worst.endswith("50.0% of the held-out rows; numbers elsewhere differ by at most 1.4.")
    labels = judge([metric()], [answers("different", 0.9)], OUTPUTS).reason
    assert labels.endswith("90.0% of the held-out rows.")


def test_what_varies_by_itself_is_no_packages_fault() -> None:
    """Where two reruns part as they part from the recorded run, no package is named."""
    told = likely_cause("within tolerance", axes(environment="different"), unseeded=False)
    assert told.startswith("environment: ")
    told = likely_cause(
        "within tolerance", axes(environment="different"), unseeded=False, varies=True
    )
    assert "environment" not in told
    assert "changes from run to run" in told
