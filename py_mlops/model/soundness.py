"""Checks a loaded model before it is used: compiled code follows its positions blindly.

A skops file can name only trusted types, but it can fill them with anything. A
tree whose child or feature lies outside its arrays crashes the process, or reads
memory that is none of its business, at the first prediction. Everything that
`py_mlops.model.trusted` adds to what skops trusts and that holds such positions is
checked here. Not covered: what skops trusts by itself, and the constructors
that run while a file is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from py_mlops.errors import Hostile

# Ensembles that hand their own checked input to their members' trees unchecked.
_UNCHECKED = (
    "sklearn.ensemble._forest", "sklearn.ensemble._gb", "sklearn.ensemble._bagging",
    "sklearn.ensemble._iforest", "sklearn.ensemble._hist_gradient_boosting.gradient_boosting",
)  # fmt: skip
_LEAF = -1
_MOST_LEVELS = 60  # of a binary tree: more nodes than 64 bits can number


def check(model: object) -> None:
    """Check every tree, neighbour index, spline and sparse matrix in a model.

    Args:
        model: A model just loaded, not yet used.

    Raises:
        Hostile: When one of them points outside itself.
    """
    try:
        for part in _walk(model):
            inspect = _CHECKS.get(_name(part))
            if inspect is not None:
                inspect(part)
            elif hasattr(part, "check_format"):
                part.check_format(full_check=True)
            _check_features(part)
    except (ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError) as error:
        raise Hostile(
            f"The model's file is not sound: {error}.",
            hint="Do not use it. No training writes such a file; ask its author for the notebook.",
        ) from error


def _name(part: object) -> str:
    return f"{type(part).__module__}.{type(part).__qualname__}"


def _walk(root: object) -> Iterator[Any]:
    """Yield every object that a model consists of, once."""
    waiting: list[object] = [root]
    seen: dict[int, object] = {}
    while waiting:
        part = waiting.pop()
        if id(part) in seen or isinstance(part, (str, bytes, int, float, type(None))):
            continue
        seen[id(part)] = part  # kept, so that its id is not given to another
        yield part
        waiting.extend(_inside(part))
        waiting.extend(getattr(part, "__dict__", {}).values() if not _is_code(part) else ())


def _is_code(part: object) -> bool:
    return isinstance(part, type) or callable(getattr(part, "__code__", None))


def _inside(part: object) -> Iterable[object]:
    if isinstance(part, dict):
        return [*part.keys(), *part.values()]
    if isinstance(part, (list, tuple, set, frozenset)):
        return part
    if isinstance(part, np.ndarray) and part.dtype == object:
        return list(part.flat)
    return ()


def _require(holds: object, what: str) -> None:
    if not holds:
        raise ValueError(what)


def _tree(tree: Any) -> None:
    left, right = np.asarray(tree.children_left), np.asarray(tree.children_right)
    inner = left != _LEAF
    _require(left.size, "a tree has no nodes")
    _require(np.all((right == _LEAF) == ~inner), "a tree's node has one child")
    _forward(left, right, inner)


def _forward(left: Any, right: Any, inner: Any) -> None:
    # Every builder numbers a child after its parent, so a walk must come to an end.
    here = np.flatnonzero(inner)
    for child in (left[inner].astype(np.int64), right[inner].astype(np.int64)):
        _require(np.all((child > here) & (child < left.size)), "a tree points outside itself")


def _predictor(predictor: Any) -> None:
    nodes = predictor.nodes
    inner = nodes["is_leaf"] == 0
    _require(nodes.size, "a tree has no nodes")
    _forward(nodes["left"], nodes["right"], inner)
    chosen = nodes["bitset_idx"][inner & (nodes["is_categorical"] != 0)]
    for bitsets in (predictor.raw_left_cat_bitsets, predictor.binned_left_cat_bitsets):
        _require(np.all(chosen < len(bitsets)), "a tree's categories lie outside its sets")


def _index(index: Any) -> None:
    data, order, nodes, bounds, _, levels, count, *_, metric, weight = index.__getstate__()
    rows, features = data.shape
    sides = 2 if _name(index).endswith("KDTree") else 1
    _require(order.shape == (rows,), "a neighbour index misses rows")
    _require(np.all((order >= 0) & (order < rows)), "a neighbour index points outside its data")
    _require(1 <= levels < _MOST_LEVELS, "a neighbour index has no levels")
    _require(count == len(nodes) == 2**levels - 1, "a neighbour index's levels do not add up")
    _require(bounds.shape == (sides, count, features), "a neighbour index lacks bounds")
    start, end = nodes["idx_start"], nodes["idx_end"]
    _require(np.all((start >= 0) & (start <= end) & (end <= rows)), "a node lies outside its data")
    _require(np.all(nodes["is_leaf"][count // 2 :] == 1), "a neighbour index has no last level")
    _require(weight is None or weight.shape == (rows,), "its weights do not fit its data")
    _require(metric.__getstate__()[1].size in {0, 1, features}, "a metric does not fit its data")


def _spline(spline: Any) -> None:
    type(spline)(spline.t, spline.c, spline.k)  # its constructor checks what it is given


_CHECKS: dict[str, Callable[[Any], None]] = {
    "sklearn.tree._tree.Tree": _tree,
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor": _predictor,
    "sklearn.neighbors._kd_tree.KDTree": _index,
    "sklearn.neighbors._ball_tree.BallTree": _index,
    "scipy.interpolate._bsplines.BSpline": _spline,
}


def _check_features(part: Any) -> None:
    """Check that an estimator's trees ask only for columns that its input has."""
    own = [value for value in getattr(part, "__dict__", {}).values() if value is not part]
    parts = list(_nested(own))
    holders = [part]
    if type(part).__module__ in _UNCHECKED:
        holders += [item for item in parts if hasattr(item, "tree_")]
    trees = [item for item in parts if _name(item) in _FEATURES]
    trees += [item.tree_ for item in holders[1:]]
    if not trees:
        return
    widths = [holder.n_features_in_ for holder in holders]
    widths += [len(chosen) for chosen in getattr(part, "estimators_features_", [])]
    for tree in trees:
        used = _FEATURES[_name(tree)](tree)
        _require(used.max(initial=-1) < min(widths), "a tree asks for a column that is not there")


def _nested(values: Iterable[object]) -> Iterator[Any]:
    for value in values:
        yield value
        yield from _nested(_inside(value))


def _tree_features(tree: Any) -> Any:
    features = np.asarray(tree.feature)[np.asarray(tree.children_left) != _LEAF]
    _require(np.all(features >= 0), "a tree asks for a column below zero")
    return features


def _predictor_features(predictor: Any) -> Any:
    nodes = predictor.nodes
    return nodes["feature_idx"][nodes["is_leaf"] == 0].astype(np.int64)


_FEATURES: dict[str, Callable[[Any], Any]] = {
    "sklearn.tree._tree.Tree": _tree_features,
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor": _predictor_features,
}
