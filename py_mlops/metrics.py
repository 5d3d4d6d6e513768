"""Compares metrics, recorded and rerun, within tolerances or the noise band of several reruns."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from py_mlops.errors import InputError
from py_mlops.records import MetricComparison

SCORE = 0.02
"""Default tolerance of a score: two percentage points."""
RELATIVE = 0.02
"""Default tolerance of any other number, as a fraction of the recorded one."""
State = Literal["same", "equivalent", "close", "different"]
_LEVEL = 0.95
# What 0.97 - 0.95 exceeds 0.02 by, in floating point, is nobody's intention.
_ROUNDING = 1 + 1e-9


class Tolerance(NamedTuple):
    """How far a rerun's metric may be from the recorded one.

    Attributes:
        value: The distance.
        relative: Whether it is a fraction of the recorded value.
    """

    value: float
    relative: bool


def parse_tolerance(text: str) -> tuple[str, float, bool]:
    """Read a tolerance as a person writes it.

    Args:
        text: ``accuracy=0.01`` for an absolute one, ``rmse=5%`` for a relative
            one.

    Returns:
        The metric's name, the value (``0.05`` for 5 %), whether it is relative.

    Raises:
        InputError: When it is neither.
    """
    name, _, value = (part.strip() for part in text.rpartition("="))
    relative = value.endswith("%")
    try:
        number = float(value.removesuffix("%")) / (100 if relative else 1)
    except ValueError:
        number = math.nan
    if not name or not math.isfinite(number) or number < 0:
        raise InputError(
            f"{text!r} is no tolerance.",
            hint="Write NAME=VALUE, like accuracy=0.01 for at most 0.01 apart, or rmse=5% for at "
            "most 5 % of the recorded value.",
        )
    return name, number, relative


def compare(
    recorded: Mapping[str, float],
    rerun: Mapping[str, float | None],
    tolerances: Mapping[str, tuple[float, bool]],
    noise: float,
    runs: Sequence[Mapping[str, float]] = (),
) -> list[MetricComparison]:
    """Compare every recorded metric with the rerun's.

    A metric is *same* when bit-equal; *equivalent* when it differs by at most
    ``noise`` of the larger value; *close* when it is within its tolerance, or,
    when there are several reruns, when the recorded value lies within the band
    in which one more rerun would lie; else, or when the rerun has no such
    metric, *different*. Without a tolerance of its own, a metric that is
    between 0 and 1 on both sides is a score and may differ by 0.02, and any
    other by 2 % of the recorded value.

    Args:
        recorded: The snapshot's metrics.
        rerun: The rerun's; ``None`` for one that is not finite.
        tolerances: By name: the value, and whether it is relative.
        noise: Relative difference that is no difference.
        runs: The metrics of all reruns, when calibrated; at least two count.

    Returns:
        One comparison per recorded metric, in the recorded order.
    """
    comparisons = []
    for name, value in recorded.items():
        again = rerun.get(name)
        wanted = tolerances.get(name)
        tolerance = Tolerance(*wanted) if wanted else _default(value, again)
        band = noise_band([run[name] for run in runs if name in run])
        comparisons.append(
            MetricComparison(
                name=name,
                recorded=value,
                rerun=again,
                tolerance=tolerance.value,
                relative=tolerance.relative,
                band=band,
                state=_state(value, again, tolerance, noise, band),
            )
        )
    return comparisons


def _state(
    recorded: float, rerun: float | None, tolerance: Tolerance, noise: float, band: list[float]
) -> State:
    if rerun is None or not math.isfinite(rerun):
        return "different"
    if recorded == rerun:
        return "same"
    apart = abs(recorded - rerun)
    if apart <= noise * max(abs(recorded), abs(rerun)):
        return "equivalent"
    allowed = tolerance.value * (abs(recorded) if tolerance.relative else 1.0)
    inside = bool(band) and band[0] <= recorded <= band[1]
    return "close" if inside or apart <= allowed * _ROUNDING else "different"


def _default(recorded: float, rerun: float | None) -> Tolerance:
    is_score = all(0 <= value <= 1 for value in (recorded, rerun) if value is not None)
    return Tolerance(SCORE, relative=False) if is_score else Tolerance(RELATIVE, relative=True)


def noise_band(values: Sequence[float]) -> list[float]:
    """Return the band in which one more rerun would lie, 95 times in 100.

    The prediction interval for one further observation of a normal population,
    mean ± t(k-1, 0.975) · s · sqrt(1 + 1/k) (Hahn and Meeker, *Statistical
    Intervals*, 1991, section 4.7): wider than the scatter of the k reruns
    themselves, because mean and scatter are only estimated from them.

    Args:
        values: The metric in each rerun.

    Returns:
        Low and high; empty for fewer than two reruns.
    """
    k = len(values)
    if k < 2:  # noqa: PLR2004 - one value has no scatter
        return []
    half = t_quantile(k - 1) * statistics.stdev(values) * math.sqrt(1 + 1 / k)
    mean = statistics.fmean(values)
    return [mean - half, mean + half]


def t_quantile(freedom: int) -> float:
    """Return the 0.975 quantile of Student's t distribution.

    The exact series for whole degrees of freedom (Abramowitz and Stegun 1964,
    26.7.3 and 26.7.4), solved by bisection over the angle atan(t / sqrt(freedom)).

    Args:
        freedom: Degrees of freedom, at least 1.

    Returns:
        12.706… for 1, falling towards 1.960.
    """
    low, high = 0.0, math.pi / 2
    for _ in range(100):
        angle = (low + high) / 2
        if _within(angle, freedom) < _LEVEL:
            low = angle
        else:
            high = angle
    return math.sqrt(freedom) * math.tan(low)


def _within(angle: float, freedom: int) -> float:
    """Return the probability that ``|t|`` is below ``sqrt(freedom) * tan(angle)``."""
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    if freedom == 1:
        return 2 * angle / math.pi
    term = cosine if odd else 1.0
    total = term
    for step in range(2 + odd, freedom - 1, 2):
        term *= cosine * cosine * (step - 1) / step
        total += term
    return 2 / math.pi * (angle + sine * total) if odd else sine * total
