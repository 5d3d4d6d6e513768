"""Compares what a model answered then and what it answers now on the same held-out inputs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from py_mlops.model.arrays import Array, read_npy
from py_mlops.records import PredictionComparison

_ROWS = 0.98
"""Fraction of rows on which two trainings must decide alike to be *close*."""
_MEDIAN = 0.02
"""Median relative difference up to which two regressions are *close*."""
_UNEXPLAINED = 0.01
"""Fraction of the recorded answers' variance that the rerun may miss."""
_FEW = 64
"""Up to so many distinct whole numbers are labels that happen to be floats."""
_GROUPS = {"b": "label", "i": "label", "u": "label", "U": "text", "f": "float", "c": "float"}

_ROUNDED = 1e-3
"""How far a row of half-precision probabilities may be from summing to 1."""

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def compare(method: str, recorded: bytes, rerun: bytes, noise: float) -> PredictionComparison:
    """Compare one method's answers, recorded and rerun, row by row.

    *Same*: equal bit for bit; labels and texts: equal, whatever their width.

    *Equivalent*: every number differs by at most ``noise``, relative to the
    larger of the two, to a thousandth of the answers' root mean square (sums
    that cancel to nearly zero carry the error of what was summed), or to 1 for
    probabilities. ``noise`` is never taken below four units in the last place
    of the answers' type.

    *Close*, because two trainings of equal quality decide alike, not bit for bit:

    - labels, texts, times, and floats that are few distinct whole numbers: at
      least 98 % of the rows are equal;
    - rows of scores, one per class (``predict_proba``, ``decision_function``,
      or rows that each sum to 1): the largest stands in the same place in at
      least 98 % of the rows; a single score per row, of ``decision_function``:
      the same sign;
    - other numbers: the median relative difference is at most 2 %, so that the
      typical answer is right, and the squared differences sum to at most 1 % of
      the recorded answers' variance, so that no tail is far off.

    *Different*: anything else, also another shape or kind of element. NaN
    equals NaN in the same place.

    Args:
        method: What the model was asked by.
        recorded: The recorded answers, an ``.npy`` file.
        rerun: The rerun's, likewise.
        noise: Relative difference that is no difference: 1e-9 on the same
            processor features and thread counts, 5e-3 otherwise.

    Returns:
        The comparison; ``largest`` is 1 where nothing can be subtracted.

    Raises:
        Corrupt: When one of the two is no plain array.
    """
    old, new = read_npy(recorded), read_npy(rerun)
    group = _group(old)
    if old.shape != new.shape or group != _group(new):
        rows = min(_rows(old), _rows(new))
        return _result(method, rows, 0.0, 1.0 if group == "float" else 0.0, "different")
    if old.size == 0 or (old.dtype == new.dtype and _bits(old) == _bits(new)):
        return _result(method, _rows(old), 1.0, 0.0, "same")
    if group != "float":
        return _labels(method, _by_row(old), _by_row(new))
    resolution = max(np.finfo(old.dtype).eps, np.finfo(new.dtype).eps)
    return _numbers(method, _floats(old), _floats(new), max(noise, 4 * float(resolution)))


def _labels(method: str, old: Array, new: Array) -> PredictionComparison:
    equal = (old == new) | _nothing(old) & _nothing(new)
    agree = float(np.mean(equal.all(axis=1)))
    state = "same" if agree == 1.0 else "close" if agree >= _ROWS else "different"
    return _result(method, len(old), agree, 0.0, state)


def _numbers(method: str, old: Floats, new: Floats, noise: float) -> PredictionComparison:
    probabilities = _are_probabilities(method, old) and _are_probabilities(method, new)
    apart = _apart(old, new, 1.0 if probabilities else 0.0)
    agree = float(np.mean((apart <= noise).all(axis=1)))
    largest = float(apart.max())
    if agree == 1.0:
        return _result(method, len(old), agree, largest, "equivalent")
    if _is_labels(old) and _is_labels(new):
        close = float(np.mean((apart == 0).all(axis=1))) >= _ROWS
    elif probabilities or method.startswith("decision_function"):
        close = float(np.mean(_decision(old) == _decision(new))) >= _ROWS
    else:
        close = bool(np.median(apart) <= _MEDIAN) and _unexplained(old, new) <= _UNEXPLAINED
    return _result(method, len(old), agree, largest, "close" if close else "different")


def _apart(old: Floats, new: Floats, scale: float) -> Floats:
    """Return relative differences, 0 to 2; 1 where only one of the two is finite."""
    finite = np.isfinite(old) & np.isfinite(new)
    equal = (old == new) | np.isnan(old) & np.isnan(new)
    known = old[np.isfinite(old)]
    # Divided first: squares of large answers overflow.
    top = float(np.abs(known).max(initial=0.0)) or 1.0
    floor = max(1e-3 * top * float(np.sqrt(np.mean(np.square(known / top)))) if known.size else 0.0,
                scale, np.finfo(np.float64).tiny)  # fmt: skip
    apart = np.where(equal, 0.0, 1.0)
    a, b = old[finite], new[finite]
    size = np.maximum(np.maximum(np.abs(a), np.abs(b)), floor)
    apart[finite] = np.abs(a / size - b / size)
    return apart


def _unexplained(old: Floats, new: Floats) -> float:
    finite = np.isfinite(old) & np.isfinite(new)
    if not finite.all():
        return float(np.mean(~finite & ~((old == new) | np.isnan(old) & np.isnan(new))))
    top = max(float(np.abs(old).max()), float(np.abs(new).max())) or 1.0
    a, b = old / top, new / top
    variance = float(np.sum(np.square(a - a.mean(axis=0))))
    missed = float(np.sum(np.square(a - b)))
    # Answers that are all alike have no variance to explain: the median decides.
    return missed / variance if variance > np.finfo(np.float64).eps else 0.0


def _are_probabilities(method: str, values: Floats) -> bool:
    inside = bool(np.all((values >= 0) & (values <= 1)))
    if method.startswith("predict_proba"):
        return inside
    sums = values.sum(axis=1)
    return inside and values.shape[1] > 1 and bool(np.all(np.abs(sums - 1) < _ROUNDED))


def _is_labels(values: Floats) -> bool:
    known = values[np.isfinite(values)]
    whole = bool(np.all(known == np.rint(known)))
    return whole and np.unique(known).size <= _FEW


def _decision(scores: Floats) -> Array:
    return scores.argmax(axis=1) if scores.shape[1] > 1 else scores[:, 0] > 0


def _group(values: Array) -> str:
    return _GROUPS.get(values.dtype.kind, values.dtype.str)


def _floats(values: Array) -> Floats:
    if values.dtype.kind == "c":
        pairs = np.stack([values.real, values.imag], axis=-1)
        return _by_row(pairs).astype(np.float64)
    return _by_row(values).astype(np.float64)


def _by_row(values: Array) -> Array:
    return values.reshape(_rows(values), -1)


def _rows(values: Array) -> int:
    return values.shape[0] if values.ndim else 1


def _nothing(values: Array) -> Bools:
    return np.isnat(values) if values.dtype.kind in "mM" else np.zeros(values.shape, np.bool_)


def _bits(values: Array) -> bytes:
    return np.ascontiguousarray(values).tobytes()


def _result(
    method: str, rows: int, agree: float, largest: float, state: str
) -> PredictionComparison:
    return PredictionComparison(
        method=method,
        rows=rows,
        agree=agree,
        largest=largest,
        state=state,  # type: ignore[arg-type]  # one of the four words
    )
