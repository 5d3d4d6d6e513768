from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

from py_mlops.errors import Corrupt
from py_mlops.model.predictions import compare
from py_mlops.records import PredictionComparison, canonical

SAME_MACHINE = 1e-9
OTHER_MACHINE = 5e-3
RANDOM = np.random.default_rng(0)
LABELS = RANDOM.integers(0, 3, 1000)
SCORES = RANDOM.dirichlet([1, 1, 1], 1000)
VALUES = RANDOM.normal(100, 20, 1000)


def npy(array: Any) -> bytes:
    """Return an array as an ``.npy`` file."""
    stream = io.BytesIO()
    np.save(stream, np.asarray(array), allow_pickle=False)
    return stream.getvalue()


def ask(
    recorded: Any, rerun: Any, method: str = "predict", noise: float = SAME_MACHINE
) -> PredictionComparison:
    """Compare two arrays."""
    found = compare(method, npy(recorded), npy(rerun), noise)
    assert canonical(found)  # fits a record
    return found


def changed(array: Any, rows: int, value: Any) -> Any:
    """Return a copy whose first rows are something else."""
    copy = array.copy()
    copy[:rows] = value
    return copy


@pytest.mark.parametrize("array", [LABELS, SCORES, VALUES, ["a", "b"], 3.5, [], [np.nan, 1.0]])
def test_same(array: Any) -> None:
    """Bit-equal answers are the same."""
    found = ask(array, array)
    assert (found.state, found.agree, found.largest) == ("same", 1.0, 0.0)


def test_same_labels_of_another_width() -> None:
    """Labels are compared by value: the width of their type does not matter."""
    assert ask(LABELS, LABELS.astype("int32")).state == "same"
    assert ask(np.array(["a", "b"]), np.array(["a", "b"], dtype="U9")).state == "same"


def test_numeric_noise() -> None:
    """Numbers that differ in their last bits are equivalent."""
    found = ask(VALUES, VALUES * (1 + 1e-12))
    assert found.state == "equivalent"
    assert 0 < found.largest < SAME_MACHINE
    assert found.agree == 1.0
    assert found.rows == 1000


def test_noise_of_another_machine() -> None:
    """What is more than noise on the same machine can be noise on another."""
    assert ask(VALUES, VALUES * 1.001).state == "close"
    assert ask(VALUES, VALUES * 1.001, noise=OTHER_MACHINE).state == "equivalent"


def test_sums_that_cancel() -> None:
    """An answer near zero may carry the rounding of the numbers it was summed from."""
    recorded = changed(VALUES, 1, 1e-16)
    assert ask(recorded, changed(VALUES, 1, -3e-16)).state == "equivalent"


def test_single_precision() -> None:
    """One unit in the last place of a narrow type is noise."""
    narrow = VALUES.astype("float32")
    assert ask(narrow, np.nextafter(narrow, np.float32(np.inf))).state == "equivalent"


@pytest.mark.parametrize(("wrong", "state"), [(20, "close"), (21, "different")])
def test_labels(wrong: int, state: str) -> None:
    """Labels are close when at least 98 of 100 rows agree."""
    for old in (LABELS, LABELS.astype(str), LABELS.astype(float)):
        found = ask(old, changed(old, wrong, "9" if old.dtype.kind == "U" else 9))
        assert found.state == state
        assert found.agree == pytest.approx(1 - wrong / 1000)


def test_label_rows() -> None:
    """A row of several labels agrees when all of them do."""
    many = RANDOM.integers(0, 2, (100, 5))
    again = many.copy()
    again[0, 0] ^= 1
    assert ask(many, again).agree == 0.99


@pytest.mark.parametrize(("wrong", "state"), [(20, "close"), (21, "different")])
def test_probabilities(wrong: int, state: str) -> None:
    """Probabilities are close when the likeliest class is the same in 98 of 100 rows."""
    shifted = SCORES * 0.9 + SCORES[:, [0]] * 0 + 0.1 / 3
    rolled = np.concatenate([np.roll(shifted[:wrong], 1, axis=1), shifted[wrong:]])
    assert ask(SCORES, rolled, "predict_proba").state == state
    assert ask(SCORES, rolled, "call").state == state


def test_small_probabilities() -> None:
    """A tiny probability is compared on the scale of all probabilities, 0 to 1."""
    old = np.array([[1e-12, 1 - 1e-12]] * 3)
    new = np.array([[2e-12, 1 - 2e-12]] * 3)
    assert ask(old, new, "predict_proba").state == "equivalent"
    assert ask(old[:, 0], new[:, 0]).state == "different"


def test_decision_function_of_two_classes() -> None:
    """A single score per row decides by its sign."""
    scores = RANDOM.normal(size=1000)
    assert ask(scores, scores * 1.5, "decision_function").state == "close"
    assert ask(scores, -scores, "decision_function").state == "different"


def test_regression() -> None:
    """Regressions are close when the typical answer is within 2 % and no tail is far off."""
    assert ask(VALUES, VALUES * 1.015).state == "close"
    assert ask(VALUES, VALUES * 1.025).state == "different"
    assert ask(VALUES, changed(VALUES, 300, 0.0)).state == "different"


def test_not_a_number() -> None:
    """NaN and infinity equal themselves in the same place, and nothing else."""
    old = changed(VALUES, 2, [np.nan, np.inf])
    assert ask(old, old * (1 + 1e-12)).state == "equivalent"
    found = ask(old, changed(old, 2, [0.0, -np.inf]))
    assert found.agree == 0.998
    assert found.largest == 1.0
    assert ask(VALUES, np.full(1000, np.nan)).state == "different"


@pytest.mark.parametrize(
    "rerun", [LABELS[:-1], LABELS.reshape(-1, 1), LABELS.astype(float), LABELS.astype(str)]
)
def test_another_shape_or_kind(rerun: Any) -> None:
    """Answers of another shape or kind are different, whatever they hold."""
    found = ask(LABELS, rerun)
    assert (found.state, found.agree) == ("different", 0.0)


def test_huge_numbers() -> None:
    """Numbers near the end of the range are compared without overflow."""
    old = np.array([1e308, -1e308, 1e300])
    assert ask(old, old * (1 - 1e-12)).state == "equivalent"
    assert ask(old, -old).state == "different"


def test_complex_numbers_and_times() -> None:
    """Complex numbers compare by their parts, times by equality."""
    assert ask(VALUES + 1j, (VALUES + 1j) * (1 + 1e-13)).state == "equivalent"
    days = np.array(["2020-01-01", "NaT"], dtype="M8[D]")
    assert ask(days, days.copy()).state == "same"
    assert ask(days, days + 1).state == "different"
    assert ask(days, days.astype("M8[s]")).state == "different"


def test_hostile() -> None:
    """Answers that hold objects are refused, not loaded."""
    stream = io.BytesIO()
    np.save(stream, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(Corrupt):
        compare("predict", npy(LABELS), stream.getvalue(), SAME_MACHINE)
