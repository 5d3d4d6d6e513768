from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.interpolate
import scipy.sparse
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.neighbors import BallTree, KDTree
from sklearn.tree import DecisionTreeClassifier

from py_mlops.errors import Hostile
from py_mlops.model.soundness import check

X = np.random.default_rng(0).normal(size=(80, 4))
Y = (X[:, 0] > X[:, 1]).astype(int)

TREE = {"left_child": 10**6, "right_child": -7, "feature": 99}


def altered_tree(tree: Any, field: str, value: int) -> Any:
    """Return a tree with one field of its root changed, as a crafted file would hold it."""
    state = tree.__getstate__()
    state["nodes"] = state["nodes"].copy()
    state["nodes"][field][0] = value
    kind, arguments, _ = tree.__reduce__()
    again = kind(*arguments)
    again.__setstate__(state)
    return again


@pytest.mark.parametrize("field", TREE)
def test_tree(field: str) -> None:
    """A tree that points outside its nodes or columns is refused."""
    model = DecisionTreeClassifier(random_state=0).fit(X, Y)
    check(model)
    model.tree_ = altered_tree(model.tree_, field, TREE[field])
    with pytest.raises(Hostile, match="a tree"):
        check(model)


def test_tree_that_goes_in_circles() -> None:
    """A tree whose child is its own parent would never come to an end; it is refused."""
    model = DecisionTreeClassifier(random_state=0).fit(X, Y)
    model.tree_ = altered_tree(model.tree_, "left_child", 0)
    with pytest.raises(Hostile, match="points outside itself"):
        check(model)


@pytest.mark.parametrize("where", ["member", "ensemble"])
def test_forest_whose_member_wants_more_columns(where: str) -> None:
    """A forest checks its input once, so each member must ask for no more than the forest does."""
    model = RandomForestClassifier(3, random_state=0).fit(X, Y)
    check([{"deep": (model,)}])
    member = model.estimators_[1]
    member.tree_ = altered_tree(member.tree_, "feature", 50)
    member.n_features_in_ = 100
    if where == "ensemble":
        model.n_features_in_ = 100
    with pytest.raises(Hostile, match="a column that is not there"):
        check([{"deep": (model,)}])


def test_gradient_boosting() -> None:
    """The trees of gradient boosting are checked against the whole model's columns."""
    model = GradientBoostingClassifier(n_estimators=2).fit(X, Y)
    check(model)
    del model.n_features_in_
    with pytest.raises(Hostile):
        check(model)


@pytest.mark.parametrize(("field", "value"), [("left", 10**6), ("right", 0), ("feature_idx", 99)])
def test_histogram_boosting(field: str, value: int) -> None:
    """The trees of histogram gradient boosting are checked like any other."""
    model = HistGradientBoostingClassifier(max_iter=2).fit(X, Y)
    check(model)
    model._predictors[1][0].nodes[field][0] = value
    with pytest.raises(Hostile, match="a tree"):
        check(model)


def test_histogram_boosting_with_categories() -> None:
    """A node's set of categories must be one that is there."""
    codes = np.random.default_rng(0).integers(0, 5, (200, 1)).astype(float)
    model = HistGradientBoostingClassifier(max_iter=1, categorical_features=[0], min_samples_leaf=2)
    model.fit(codes, codes[:, 0] % 2)
    check(model)
    nodes = model._predictors[0][0].nodes
    assert nodes["is_categorical"].any()
    nodes["bitset_idx"][nodes["is_categorical"] != 0] = 10**6
    with pytest.raises(Hostile, match="categories"):
        check(model)


@pytest.mark.parametrize("kind", [KDTree, BallTree])
@pytest.mark.parametrize("place", [1, 2, 3, 5])
def test_neighbour_index(kind: Any, place: int) -> None:
    """A neighbour index whose parts do not fit each other is refused."""
    index = kind(X, leaf_size=5)
    check(index)
    state = list(index.__getstate__())
    broken: dict[int, Callable[[Any], Any]] = {
        1: lambda order: order + 1,
        2: lambda nodes: nodes[:-1],
        3: lambda bounds: bounds[:, :-1].copy(),
        5: lambda levels: levels + 1,
    }
    state[place] = broken[place](state[place])
    crafted = kind.__new__(kind)
    crafted.__setstate__(tuple(state))
    with pytest.raises(Hostile):
        check(crafted)


def test_sparse_matrix() -> None:
    """A sparse matrix that points outside its columns is refused."""
    matrix = scipy.sparse.csr_matrix(np.eye(3))
    check([matrix])
    matrix.indices[1] = 1000
    with pytest.raises(Hostile):
        check([matrix])


def test_spline() -> None:
    """A spline with fewer knots than its degree needs is refused."""
    spline = scipy.interpolate.BSpline(np.arange(9.0), np.ones(5), 3)
    check(spline)
    spline.k = 50
    with pytest.raises(Hostile):
        check(spline)


def test_a_model_that_holds_itself() -> None:
    """A model that refers to itself is walked once."""
    model = DecisionTreeClassifier().fit(X, Y)
    model.again = [model]
    check(model)
