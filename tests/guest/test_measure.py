from __future__ import annotations

import decimal
import fractions

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import classification_report

from py_mlops.guest.measure import lookup, metrics
from py_mlops.guest.problem import Problem


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0.5, 0.5),
        (3, 3.0),
        (True, 1.0),
        (np.float32(0.5), 0.5),
        (np.int64(4), 4.0),
        (np.bool_(True), 1.0),
        (np.array(2.5), 2.5),
        (decimal.Decimal("0.25"), 0.25),
        (fractions.Fraction(1, 4), 0.25),
    ],
)
def test_numbers(value: object, number: float) -> None:
    """Python's and numpy's numbers and arrays without dimensions are metrics."""
    assert metrics({"it": value}, ["it"]) == {"it": number}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float64("-inf"), 10**400])
def test_not_finite(value: object) -> None:
    """A number that is not finite becomes nothing, for JSON has no word for it."""
    assert metrics({"it": value}, ["it"]) == {"it": None}


def test_nested() -> None:
    """Dicts and Series are flattened into names with dots."""
    value = {"train": {"loss": 1, 0: 2.5}, "folds": pd.Series({"a": 0.5, "b": 1.5})}
    assert metrics({"m": value}, ["m"]) == {
        "m.train.loss": 1.0,
        "m.train.0": 2.5,
        "m.folds.a": 0.5,
        "m.folds.b": 1.5,
    }


def test_classification_report() -> None:
    """What scikit-learn's classification_report returns can be named as it is."""
    report = classification_report([0, 1, 1], [0, 1, 0], output_dict=True)
    found = metrics({"report": report, "n": 3}, ["report", "n"])
    assert found["report.accuracy"] == pytest.approx(2 / 3)
    assert found["report.1.recall"] == 0.5
    assert found["n"] == 3.0


def test_unknown_name() -> None:
    """A misspelt variable is answered with the names that are like it."""
    with pytest.raises(Problem, match="no variable 'acuracy'") as caught:
        lookup({"accuracy": 1.0, "_accuracy": 2.0}, "acuracy")
    assert caught.value.hint == "Did you mean accuracy?"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("0.5", "it is no number but a str"),
        ([1, 2], "it is no number but a list"),
        (np.zeros(3), "it is no number but a numpy.ndarray"),
        ({"a": None}, "it.a is no number but a NoneType"),
        (1j, "it is no number but a complex"),
        ({}, "it is empty"),
        ({1: 1, "1": 2}, "Two metrics are called 'it.1'"),
    ],
)
def test_no_number(value: object, message: str) -> None:
    """What is no number is refused by its name and type."""
    with pytest.raises(Problem, match=message):
        metrics({"it": value}, ["it"])


def test_a_dict_that_holds_itself() -> None:
    """A dict that contains itself is refused, not followed for ever."""
    value: dict[str, object] = {}
    value["again"] = value
    with pytest.raises(Problem, match="nested more than 20 deep"):
        metrics({"it": value}, ["it"])


def test_a_name_that_no_file_can_hold() -> None:
    """Half a surrogate pair in a dict's key is refused by that key."""
    with pytest.raises(Problem, match="half a character"):
        metrics({"it": {"a\ud800": 1.0}}, ["it"])
