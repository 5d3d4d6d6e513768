from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import lightgbm
import msgspec
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import xgboost
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from py_mlops.guest.predict import holdout, predictions
from py_mlops.guest.problem import Problem
from py_mlops.records.handover import SeenHoldout, SeenPrediction

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(40, 3))
Y = (X[:, 0] > 0).astype(int)


def answers(obj: Any, inputs: Any, folder: Path) -> dict[str, Any]:
    """Ask a model; return its answers as they lie in their files."""
    seen = [msgspec.convert(item, SeenPrediction) for item in predictions(obj, inputs, str(folder))]
    arrays = {item.method: np.load(folder / item.file, allow_pickle=False) for item in seen}
    assert [list(array.shape) for array in arrays.values()] == [item.spec.shape for item in seen]
    return arrays


def test_estimator(tmp_path: Path) -> None:
    """An estimator is asked by every method it has, and only by those."""
    model = LogisticRegression().fit(X, Y)
    found = answers(model, X, tmp_path)
    assert sorted(found) == ["decision_function", "predict", "predict_proba"]
    assert np.array_equal(found["predict_proba"], model.predict_proba(X))
    assert sorted(answers(LinearSVC().fit(X, Y), X, tmp_path)) == ["decision_function", "predict"]


def test_text_labels(tmp_path: Path) -> None:
    """Labels that are texts or categories are stored as texts, without a pickle."""
    labels = np.where(Y, "yes", "no").astype(object)
    found = answers(LogisticRegression().fit(X, labels), X, tmp_path)
    assert set(found["predict"]) == {"yes", "no"}
    found = answers(lambda x: pd.Series(pd.Categorical(["u"] * len(x))), X, tmp_path)
    assert set(found["call"]) == {"u"}


@pytest.mark.parametrize("inputs", [X, pd.DataFrame(X), X.tolist(), scipy.sparse.csr_matrix(X)])
def test_inputs(inputs: object, tmp_path: Path) -> None:
    """Arrays, data frames, lists and sparse matrices are passed on as they are."""
    model = LogisticRegression().fit(X, Y)
    assert np.array_equal(answers(model, inputs, tmp_path)["predict"], model.predict(X))


def test_boosters(tmp_path: Path) -> None:
    """Boosters of xgboost and lightgbm answer on plain arrays."""
    boosted = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(X, Y), 3)
    assert answers(boosted, X, tmp_path)["predict"].shape == (40,)
    light = lightgbm.train({"verbose": -1}, lightgbm.Dataset(X, Y), 3)
    assert np.array_equal(answers(light, X, tmp_path)["predict"], light.predict(X))


def test_several_answers_at_once(tmp_path: Path) -> None:
    """A tuple, list or dict of arrays is stored part by part, each under its key."""
    found = answers(lambda x: {"a": x, "b": (x[:, 0], {"c": x[0]})}, X, tmp_path)
    assert sorted(found) == ["call.a", "call.b.0", "call.b.1.c"]
    assert np.array_equal(found["call.a"], X)
    assert answers(lambda x: [float(row[0]) for row in x], X, tmp_path)["call"].shape == (40,)


def test_a_failing_method_is_left_out(tmp_path: Path) -> None:
    """A method that fails costs only its own answer."""

    class Half:
        def predict(self, inputs: Any) -> Any:
            return inputs[:, 0]

        def predict_proba(self, _inputs: Any) -> Any:
            raise ZeroDivisionError

        @property
        def decision_function(self) -> Any:
            raise RuntimeError

    assert list(answers(Half(), X, tmp_path)) == ["predict"]


def test_no_answer_at_all(tmp_path: Path) -> None:
    """When every method fails, the problem says why."""

    def broken(_inputs: Any) -> Any:
        raise ValueError("needs 4 columns")

    with pytest.raises(Problem, match="call failed: ValueError: needs 4 columns"):
        predictions(broken, X, str(tmp_path))
    with pytest.raises(Problem, match="cannot be called"):
        predictions(5, X, str(tmp_path))


def test_nothing_is_disturbed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Random states, the inputs and the cell's output are as they were before."""

    def careless(inputs: Any) -> Any:
        print("asked")  # noqa: T201
        inputs[:] = 0
        return inputs + random.random() + np.random.random()  # noqa: NPY002

    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    expected = random.Random(1).random(), np.random.RandomState(1).random()
    inputs = X.copy()
    answers(careless, inputs, tmp_path)
    assert (random.random(), np.random.random()) == expected  # noqa: NPY002
    assert np.array_equal(inputs, X)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "inputs",
    [pd.DataFrame({"a": [1.0, 2.0]}), np.ones((2, 1), order="F"), {"a": np.ones(2)}],
    ids=["frame", "array", "dict"],
)
def test_inputs_are_not_written_into(inputs: Any, tmp_path: Path) -> None:
    """A model that writes into what it is asked about leaves the program's own inputs alone."""

    class Writes:
        def predict(self, given: Any) -> Any:
            values = given["a"] if isinstance(given, (dict, pd.DataFrame)) else given
            values[:] = 7.0
            return np.array(values)

    predictions(Writes(), inputs, str(tmp_path))
    assert 7.0 not in np.asarray(inputs["a"] if not isinstance(inputs, np.ndarray) else inputs)


def test_holdout(tmp_path: Path) -> None:
    """Inputs and answers are handed over together."""
    model = LogisticRegression().fit(X, Y)
    seen = msgspec.convert(holdout(model, X, "X_test", str(tmp_path)), SeenHoldout)
    assert (seen.variable, seen.file, seen.problem) == ("X_test", "holdout.npz", "")
    assert seen.spec.shape == [40, 3]
    assert len(seen.predictions) == 3


def test_holdout_that_cannot_be_stored(tmp_path: Path) -> None:
    """Inputs of a kind we cannot store are named, and the answers are kept all the same."""
    matrix = xgboost.DMatrix(X, Y)
    model = xgboost.train({}, matrix, 1)
    seen = msgspec.convert(holdout(model, matrix, "dtest", str(tmp_path)), SeenHoldout)
    assert seen.file == ""
    assert seen.problem.startswith("The held-out inputs dtest were not stored: ")
    assert [item.method for item in seen.predictions] == ["predict"]
