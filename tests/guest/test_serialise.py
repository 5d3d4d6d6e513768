from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import lightgbm
import msgspec
import numpy as np
import xgboost
from sklearn.cluster import Birch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import py_mlops.guest
from py_mlops.guest.serialise import model
from py_mlops.records.handover import SeenModel

X = np.random.default_rng(0).normal(size=(40, 3))
Y = (X[:, 0] > 0).astype(int)


def formats(obj: Any, folder: Path) -> list[tuple[str, bool]]:
    """Serialise a model; return its forms, after checking that the files are there and no other."""
    seen = msgspec.convert(model(obj, "clf", str(folder)), SeenModel)
    assert sorted(item.file for item in seen.artifacts) == sorted(p.name for p in folder.iterdir())
    assert seen.problem == ""
    return [(item.format, item.executes) for item in seen.artifacts]


def in_a_notebook(code: str, folder: Path) -> SeenModel:
    """Run code as a notebook does, in ``__main__``, and serialise its ``clf``."""
    program = (
        "import json, sys\n"
        f"{code}\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from guest.serialise import model\n"
        "print(json.dumps(model(clf, 'clf', sys.argv[2])))\n"
    )
    parent = str(Path(py_mlops.guest.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, parent, str(folder)], capture_output=True, check=True
    )
    return msgspec.convert(json.loads(done.stdout), SeenModel)


def test_scikit_learn(tmp_path: Path) -> None:
    """A scikit-learn estimator is stored by skops, without a pickle beside it."""
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    assert formats(pipeline, tmp_path) == [("skops", False)]


def test_what_skops_cannot(tmp_path: Path) -> None:
    """An estimator that skops does not support is pickled, and marked as executing."""
    assert formats(Birch().fit(X), tmp_path) == [("pickle", True)]


def test_xgboost(tmp_path: Path) -> None:
    """Models of xgboost are stored in its own format only."""
    estimator = xgboost.XGBClassifier(n_estimators=2).fit(X, Y)
    assert formats(estimator, tmp_path) == [("xgboost-ubj", False)]
    assert formats(estimator.get_booster(), tmp_path) == [("xgboost-ubj", False)]


def test_lightgbm(tmp_path: Path) -> None:
    """A lightgbm booster is stored as text; an estimator whole as well."""
    estimator = lightgbm.LGBMClassifier(n_estimators=2, verbose=-1).fit(X, Y)
    (tmp_path / "whole").mkdir()
    (tmp_path / "booster").mkdir()
    assert formats(estimator, tmp_path / "whole") == [("lightgbm-text", False), ("skops", False)]
    assert formats(estimator.booster_, tmp_path / "booster") == [("lightgbm-text", False)]


def test_lambda_in_a_pipeline(tmp_path: Path) -> None:
    """An estimator with a lambda in it is stored by cloudpickle: skops would keep its name."""
    pipeline = make_pipeline(FunctionTransformer(lambda x: x * 2), LogisticRegression()).fit(X, Y)
    assert formats(pipeline, tmp_path) == [("cloudpickle", True)]


def test_anything_else(tmp_path: Path) -> None:
    """Any other picklable object is pickled."""
    assert formats({"weights": [1, 2]}, tmp_path) == [("pickle", True)]


def test_a_class_of_the_notebook(tmp_path: Path) -> None:
    """A class that the notebook defines is stored by value, so that it loads elsewhere."""
    code = "class Mean:\n    def predict(self, x): return [2.0 for row in x]\nclf = [Mean()]"
    seen = in_a_notebook(code, tmp_path)
    assert [item.format for item in seen.artifacts] == ["cloudpickle"]
    load = "import pickle, sys; print(pickle.load(open(sys.argv[1], 'rb'))[0].predict([1]))"
    done = subprocess.run(
        [sys.executable, "-c", load, str(tmp_path / seen.artifacts[0].file)],
        capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout == b"[2.0]\n"


def test_a_function_of_the_notebook_without_cloudpickle(tmp_path: Path) -> None:
    """Without cloudpickle, a function of the notebook is kept and the problem named."""
    code = "sys.modules['cloudpickle'] = None\ndef clf(x): return x"
    seen = in_a_notebook(code, tmp_path)
    assert seen.type == "__main__.clf"
    assert [item.format for item in seen.artifacts] == ["pickle"]
    assert "Install cloudpickle" in seen.problem


def test_what_cannot_be_stored(tmp_path: Path) -> None:
    """An object that cannot be serialised leaves no file, and the reason is given."""
    seen = msgspec.convert(model((letter for letter in "ab"), "clf", str(tmp_path)), SeenModel)
    assert seen.artifacts == []
    assert "cannot pickle 'generator' object" in seen.problem
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk(tmp_path: Path) -> None:
    """When nothing can be written, the model's variable is named and nothing is raised."""
    seen = msgspec.convert(model({}, "clf", str(tmp_path / "missing")), SeenModel)
    assert "FileNotFoundError" in seen.problem


def test_nothing_is_imported_for_a_plain_object(tmp_path: Path) -> None:
    """Serialising a plain object imports no library into the user's kernel."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from guest.serialise import model; "
        "model({}, 'clf', sys.argv[2]); print([name for name in sys.modules])"
    )
    parent = str(Path(py_mlops.guest.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, parent, str(tmp_path)],
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    libraries = {"cloudpickle", "lightgbm", "numpy", "skops", "sklearn", "torch", "xgboost"}
    assert libraries.isdisjoint(ast.literal_eval(done.stdout))
