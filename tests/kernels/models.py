"""Code that trains a small model of every library, each in a notebook's cell of its own."""

from __future__ import annotations

DATA = """\
import numpy as np, pandas as pd
rng = np.random.default_rng(0)
X = rng.normal(size=(80, 3)).astype("float32")
y = (X[:, 0] > X[:, 1]).astype(int)
X_test = X[::2]
"""

MODULE = """\
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin


class Log(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return np.log1p(np.abs(X))
"""
"""A module ``steps`` beside the notebook."""

_PIPELINE = """
from sklearn.pipeline import make_pipeline
from sklearn.linear_model import LogisticRegression
model = make_pipeline({step}(), LogisticRegression()).fit(X, y)"""
_ONNX = """
from sklearn.linear_model import LogisticRegression
from skl2onnx import to_onnx
model = to_onnx(LogisticRegression().fit(X, y), X[:1])"""

MODELS = {
    "xgboost": ("xgboost-ubj", """\
import xgboost
model = xgboost.XGBClassifier(n_estimators=3, subsample=0.5, random_state=0).fit(X, y)"""),
    "xgboost-booster": ("xgboost-ubj", """\
import xgboost
model = xgboost.train({"max_depth": 2}, xgboost.DMatrix(X, y), 3)"""),
    "lightgbm": ("skops", """\
import lightgbm
model = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(X, y)"""),
    "lightgbm-booster": ("lightgbm-text", """\
import lightgbm
model = lightgbm.train({"verbose": -1}, lightgbm.Dataset(X, y), 3)"""),
    "catboost": ("catboost-cbm", """\
import catboost
model = catboost.CatBoostClassifier(iterations=3, verbose=False, allow_writing_files=False)
model.fit(X, np.array(["no", "yes"])[y])"""),
    "statsmodels": ("pickle", """\
import statsmodels.formula.api as smf
table = pd.DataFrame(X, columns=list("abc")).assign(y=y)
X_test = table[["a", "b", "c"]]
model = smf.ols("y ~ a + np.sin(b)", table).fit()"""),
    "own-module": ("skops", "from steps import Log" + _PIPELINE.format(step="Log")),
    "own-cell": ("cloudpickle", MODULE.replace("class Log", "class Root")
                 + _PIPELINE.format(step="Root")),
    "onnx": ("onnx", _ONNX),
    "onnx-session": ("onnx", _ONNX + """
import onnxruntime
model = onnxruntime.InferenceSession(model.SerializeToString())"""),
    "keras": ("keras", """\
import os
os.environ["KERAS_BACKEND"] = "jax"
import keras
keras.utils.set_random_seed(0)
layers = [keras.Input((3,)), keras.layers.Dense(4, activation="relu"), keras.layers.Dense(1)]
model = keras.Sequential(layers)
model.compile(loss="mse")
_ = model.fit(X, y, epochs=1, verbose=0)"""),
    "torch": ("pickle", """\
import torch
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))"""),
}  # fmt: skip
"""By name: the format that holds all of it, and the code that makes ``model``."""
