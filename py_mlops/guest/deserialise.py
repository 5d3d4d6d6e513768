"""The model out of the files of `serialise`, in the environment that wrote them.

Only for a process that may run whatever is in them: a sandbox, or its owner's own model.
"""

from __future__ import annotations

import importlib.util
import os
import pickle
from typing import Any, Callable

from .problem import Problem

XGBOOST = ("XGBClassifier", "XGBRegressor", "XGBRanker", "XGBRFClassifier", "XGBRFRegressor")
CATBOOST = ("CatBoostClassifier", "CatBoostRegressor", "CatBoostRanker")
"""Classes that read a file of their library's own; of any other kind the general one does."""


def model(artifacts: list[dict[str, Any]], kind: str) -> Any:
    """Load a model from the first of its forms that can be loaded.

    Args:
        artifacts: Dicts of ``format`` and ``file``, the best first.
        kind: The model's class, as recorded.

    Returns:
        The model.

    Raises:
        Problem: When none could be loaded; it says why, form by form.
    """
    failures = []
    for artifact in artifacts:
        try:
            return _LOADERS[artifact["format"]](artifact["file"], kind.rpartition(".")[2])
        except Exception as error:  # noqa: PERF203 - each form may fail by itself
            failures.append(f"{artifact['format']}: {type(error).__name__}: {error}"[:300])
    raise Problem("The model could not be loaded: {}.".format("; ".join(failures) or "no form"))


def _skops(path: str, _kind: str) -> Any:
    import skops.io

    return skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))


def _xgboost(path: str, kind: str) -> Any:
    import xgboost

    loaded = getattr(xgboost, kind if kind in XGBOOST else "Booster")()
    loaded.load_model(path)
    return loaded


def _lightgbm(path: str, _kind: str) -> Any:
    import lightgbm

    return lightgbm.Booster(model_file=path)


def _catboost(path: str, kind: str) -> Any:
    import catboost

    return getattr(catboost, kind if kind in CATBOOST else "CatBoost")().load_model(path)


def _keras(path: str, _kind: str) -> Any:
    for name, library in (("tensorflow", "tensorflow"), ("jax", "jax"), ("torch", "torch")):
        if "KERAS_BACKEND" not in os.environ and importlib.util.find_spec(library):
            os.environ["KERAS_BACKEND"] = name  # a notebook sets it in a cell
    import keras

    return keras.models.load_model(path, safe_mode=False)


def _onnx(path: str, _kind: str) -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def _pickle(path: str, _kind: str) -> Any:
    with open(path, "rb") as stream:
        return pickle.load(stream)  # noqa: S301 - see above


def _torch(_path: str, kind: str) -> Any:
    raise ImportError(f"a state_dict holds the weights, not the program of {kind}")


_LOADERS: dict[str, Callable[[str, str], Any]] = {
    "skops": _skops,
    "xgboost-ubj": _xgboost,
    "lightgbm-text": _lightgbm,
    "catboost-cbm": _catboost,
    "onnx": _onnx,
    "keras": _keras,
    "torch-state": _torch,
    "pickle": _pickle,
    "cloudpickle": _pickle,
}
