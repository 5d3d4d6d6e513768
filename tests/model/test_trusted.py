from __future__ import annotations

import importlib
import types
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, Matern, WhiteKernel
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, SGDClassifier, TweedieRegressor
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, SplineTransformer, StandardScaler
from sklearn.svm import SVC, LinearSVC

from py_mlops.model import soundness, trusted
from py_mlops.model.formats import untrusted_types

RANDOM = np.random.default_rng(0)
X = np.abs(RANDOM.normal(size=(80, 4)))
Y = (X[:, 0] > X[:, 1]).astype(int)

STOCK: list[Any] = [
    AdaBoostClassifier(n_estimators=3),
    BaggingClassifier(KNeighborsClassifier(), n_estimators=2, max_features=0.5),
    BaggingClassifier(n_estimators=2, max_features=0.5),
    CalibratedClassifierCV(LinearSVC(), cv=2),
    ExtraTreesRegressor(3),
    GaussianProcessClassifier(Matern()),
    GaussianProcessRegressor(RBF() + WhiteKernel()),
    GradientBoostingClassifier(n_estimators=3),
    GradientBoostingRegressor(loss="huber", n_estimators=3),
    GridSearchCV(SVC(), {"C": [1, 2]}, cv=StratifiedKFold(2), scoring="f1"),
    HistGradientBoostingClassifier(max_iter=3),
    HistGradientBoostingRegressor(max_iter=3, loss="poisson"),
    IsolationForest(n_estimators=3, max_features=0.5),
    KNeighborsClassifier(algorithm="ball_tree"),
    KNeighborsClassifier(metric="minkowski", p=3, algorithm="kd_tree"),
    KNeighborsRegressor(metric="manhattan"),
    MLPClassifier((3,), max_iter=2000, tol=1.0),
    OneVsRestClassifier(SVC()),
    RandomForestClassifier(3),
    RandomForestRegressor(3, max_leaf_nodes=5, ccp_alpha=0.001),
    SGDClassifier(loss="modified_huber"),
    StackingClassifier([("tree", RandomForestClassifier(2))], cv=2),
    TweedieRegressor(power=1.5),
    VotingClassifier([("a", LogisticRegression()), ("b", RandomForestClassifier(2))]),
    make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()),
    make_pipeline(SelectKBest(chi2, k=2), LogisticRegression()),
    make_pipeline(SplineTransformer(4), LogisticRegression()),
    make_pipeline(
        make_column_transformer(
            (KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf"), [0]),
            remainder="passthrough",
        ),
        RandomForestClassifier(2),
    ),
]


@pytest.mark.parametrize(
    "estimator", STOCK, ids=[f"{place}-{type(item).__name__}" for place, item in enumerate(STOCK)]
)
def test_stock_models_need_no_question(estimator: Any) -> None:
    """A stock scikit-learn model loads without a question, is sound, and answers as before."""
    estimator.fit(X, Y)
    data = skops.io.dumps(estimator)
    assert untrusted_types(data) == []
    again = skops.io.loads(data, trusted=list(trusted.ALLOWED))
    soundness.check(again)
    assert np.array_equal(again.predict(X), estimator.predict(X))


def found(name: str) -> Any:
    """Import what a name of the list stands for; ``None`` where this version has no such thing."""
    module, _, attribute = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), attribute, None)
    except ImportError:
        return None


def test_only_the_scientific_stack() -> None:
    """The list holds nothing outside scikit-learn, scipy and numpy."""
    assert {name.partition(".")[0] for name in trusted.ALLOWED} == {"numpy", "scipy", "sklearn"}


def test_types_are_types_and_functions_functions() -> None:
    """What is listed as data is a class, and what is listed as a function only computes."""
    for name in trusted.TYPES:
        assert isinstance(found(name), type | None), name
    for name in trusted.FUNCTIONS:
        assert isinstance(found(name), types.FunctionType | types.NoneType) or callable(found(name))
    known = [name for name in trusted.ALLOWED if found(name) is not None]
    assert len(known) > 0.8 * len(trusted.ALLOWED)


@pytest.mark.parametrize(
    "name",
    [
        "numpy.load", "numpy.frompyfunc", "scipy.stats._distn_infrastructure.rv_continuous_frozen",
        "functools.partial", "builtins.eval", "os.system", "sklearn.datasets._openml.fetch_openml",
        "sklearn.metrics._dist_metrics.MahalanobisDistance64", "joblib.numpy_pickle.load",
    ],
)  # fmt: skip
def test_what_must_never_be_listed(name: str) -> None:
    """Nothing that reads files, runs code or indexes unchecked is on the list."""
    assert name not in trusted.ALLOWED
