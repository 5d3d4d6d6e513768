from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student

from py_mlops.errors import InputError
from py_mlops.metrics import compare, noise_band, parse_tolerance, t_quantile
from py_mlops.records import MetricComparison, canonical

SAME_MACHINE = 1e-9


def one(
    recorded: float,
    rerun: float | None,
    *,
    tolerance: tuple[float, bool] | None = None,
    noise: float = SAME_MACHINE,
    runs: tuple[float, ...] = (),
) -> MetricComparison:
    """Compare a single metric called ``m``."""
    tolerances = {"m": tolerance} if tolerance else {}
    again = [{"m": value} for value in runs]
    [found] = compare({"m": recorded}, {"m": rerun}, tolerances, noise, again)
    assert canonical(found)  # fits a record
    return found


@pytest.mark.parametrize(
    ("recorded", "rerun", "state"),
    [
        (0.97, 0.97, "same"),
        (0.97, 0.97 * (1 + 1e-12), "equivalent"),
        (0.97, 0.95, "close"),
        (0.97, 0.9499, "different"),
        (0.97, None, "different"),
        (0.0, 0.02, "close"),
        (100.0, 102.0, "close"),
        (100.0, 102.1, "different"),
        (-100.0, -98.0, "close"),
        (1.0, 1.019, "close"),
        (0.0, 1.5, "different"),
    ],
)
def test_defaults(recorded: float, rerun: float | None, state: str) -> None:
    """Scores may differ by two percentage points, other numbers by 2 %; both are told apart."""
    assert one(recorded, rerun).state == state


def test_noise_of_another_machine() -> None:
    """On another machine, half a percent is numeric noise."""
    assert one(100.0, 100.4, noise=5e-3).state == "equivalent"
    assert one(100.0, 100.4).state == "close"


def test_own_tolerance() -> None:
    """A metric's own tolerance replaces the default, in both directions."""
    assert one(0.97, 0.96, tolerance=(0.001, False)).state == "different"
    assert one(0.97, 0.90, tolerance=(0.1, False)).state == "close"
    assert one(200.0, 219.0, tolerance=(0.1, True)).state == "close"
    found = one(200.0, 221.0, tolerance=(0.1, True))
    assert (found.tolerance, found.relative, found.state) == (0.1, True, "different")


def test_missing_in_the_rerun() -> None:
    """A metric that the rerun does not have is different, and none is forgotten."""
    found = compare({"a": 1.0, "b": 2.0}, {"b": 2.0, "c": 3.0}, {}, SAME_MACHINE)
    assert [(item.name, item.rerun, item.state) for item in found] == [
        ("a", None, "different"),
        ("b", 2.0, "same"),
    ]


def test_noise_band() -> None:
    """A recorded value inside the band of the reruns is close, one outside is different."""
    runs = (0.90, 0.86, 0.94)
    inside = one(0.80, 0.90, runs=runs)
    low, high = inside.band
    middle = statistics.fmean(runs)
    half = 4.302652729911275 * statistics.stdev(runs) * math.sqrt(4 / 3)
    assert (low, high) == pytest.approx((middle - half, middle + half))
    assert inside.state == "close"
    assert one(0.60, 0.90, runs=runs).state == "different"
    assert one(0.80, 0.90).state == "different"


def test_one_rerun_is_no_band() -> None:
    """A single rerun says nothing about scatter."""
    assert one(0.80, 0.90, runs=(0.9,)).band == []
    assert noise_band([0.9, 0.9]) == [0.9, 0.9]


@pytest.mark.parametrize("freedom", [*range(1, 31), 99, 500])
def test_t_quantile(freedom: int) -> None:
    """The quantile is Student's, as scipy computes it."""
    assert t_quantile(freedom) == pytest.approx(student.ppf(0.975, freedom), rel=1e-12)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("accuracy=0.01", ("accuracy", 0.01, False)),
        (" rmse = 5% ", ("rmse", 0.05, True)),
        ("report.a=b.f1=0", ("report.a=b.f1", 0.0, False)),
        ("loss=1e-3", ("loss", 0.001, False)),
    ],
)
def test_parse_tolerance(text: str, expected: tuple[str, float, bool]) -> None:
    """A tolerance is written as NAME=VALUE or NAME=PERCENT%."""
    assert parse_tolerance(text) == expected


@pytest.mark.parametrize(
    "text", ["", "accuracy", "=0.1", "a=", "a=x", "a=%", "a=-1", "a=nan", "a=inf%", "a=5%%"]
)
def test_no_tolerance(text: str) -> None:
    """Rubbish is refused with an example of what to write."""
    with pytest.raises(InputError) as caught:
        parse_tolerance(text)
    assert "accuracy=0.01" in caught.value.hint


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(0, 1))
def test_nothing_is_worse_than_itself(value: float, tolerance: float) -> None:
    """Equal values are the same under every tolerance."""
    assert one(value, value, tolerance=(tolerance, True)).state == "same"
