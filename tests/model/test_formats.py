from __future__ import annotations

import io
import pickle
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import msgspec
import numpy as np
import pytest
import scipy.stats
import skops.io
import xgboost
from sklearn.cluster import Birch
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import Ridge
from sklearn.model_selection import RandomizedSearchCV

from py_mlops.errors import Corrupt, EnvironmentFailure, Hostile, NotTrusted
from py_mlops.model.formats import load, untrusted_types
from py_mlops.records import Artifact, Model
from py_mlops.store.base import Blobs

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(40, 3))
Y = (X[:, 0] > 0).astype(int)

Keep = Callable[[Any], Model]


class Asked:
    """Answers every question alike and remembers them."""

    def __init__(self, answer: bool) -> None:
        """Answer so."""
        self.answer = answer
        self.questions: list[str] = []

    def __call__(self, question: str) -> bool:
        self.questions.append(question)
        return self.answer


class Bomb:
    """Tells when it is unpickled."""

    exploded = False

    def __reduce__(self) -> tuple[Any, ...]:
        """Explode when unpickled."""
        return (explode, ())


def explode() -> None:
    """Do what a hostile pickle would."""
    Bomb.exploded = True


def test_scikit_learn(keep: Keep, blobs: Blobs) -> None:
    """A stock estimator loads without a question and answers as before."""
    forest = RandomForestClassifier(5, random_state=0).fit(X, Y)
    asked = Asked(False)
    again: Any = load(keep(forest), blobs, allow=asked)
    assert np.array_equal(again.predict_proba(X), forest.predict_proba(X))
    assert asked.questions == []


@pytest.mark.parametrize("kind", [xgboost.XGBClassifier, xgboost.XGBRegressor])
def test_xgboost(kind: Any, keep: Keep, blobs: Blobs) -> None:
    """An xgboost estimator comes back as the class it was, its booster as a booster."""
    estimator = kind(n_estimators=3).fit(X, Y)
    again: Any = load(keep(estimator), blobs, allow=Asked(False))
    assert type(again) is kind
    assert np.array_equal(again.predict(X), estimator.predict(X))
    booster: Any = load(keep(estimator.get_booster()), blobs, allow=Asked(False))
    assert type(booster) is xgboost.Booster


def test_lightgbm(keep: Keep, blobs: Blobs) -> None:
    """A lightgbm estimator comes back whole after a yes, and as its booster after a no."""
    estimator = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(X, Y)
    record = keep(estimator)
    whole: Any = load(record, blobs, allow=Asked(True))
    assert np.array_equal(whole.predict_proba(X), estimator.predict_proba(X))
    part: Any = load(record, blobs, allow=Asked(False))
    assert type(part) is lightgbm.Booster
    assert np.array_equal(part.predict(X), np.asarray(estimator.predict_proba(X))[:, 1])
    booster: Any = load(keep(estimator.booster_), blobs, allow=Asked(False))
    assert np.array_equal(booster.predict(X), part.predict(X))


def test_pickle_waits_for_a_yes(keep: Keep, blobs: Blobs) -> None:
    """A pickle is loaded after a yes, and never after a no."""
    record = keep(Birch(n_clusters=2).fit(X))
    asked = Asked(False)
    with pytest.raises(NotTrusted) as caught:
        load(record, blobs, allow=asked)
    assert "--allow-pickle" in caught.value.hint
    [question] = asked.questions
    assert "clf (sklearn.cluster._birch.Birch) is a pickle" in question
    assert isinstance(load(record, blobs, allow=Asked(True)), Birch)


def test_a_record_that_lies(blobs: Blobs) -> None:
    """A pickle whose record calls it harmless is still not loaded without a yes."""
    blob = blobs.put_bytes(pickle.dumps(Bomb()))
    artifact = Artifact(format="pickle", executes=False, untrusted=[], blob=blob)
    record = Model(variable="clf", type="x.Y", artifacts=[artifact], loaded_from=None)
    with pytest.raises(NotTrusted):
        load(record, blobs, allow=Asked(False))
    for name in ("skops", "xgboost-ubj", "lightgbm-text"):
        renamed = msgspec.structs.replace(artifact, format=name)
        with pytest.raises((Corrupt, EnvironmentFailure)):
            load(msgspec.structs.replace(record, artifacts=[renamed]), blobs, allow=Asked(True))
    assert not Bomb.exploded


def test_types_that_nobody_vouched_for(keep: Keep, blobs: Blobs) -> None:
    """Types outside our list are named in the question and in the record."""
    search = RandomizedSearchCV(Ridge(), {"alpha": scipy.stats.uniform(0, 1)}, n_iter=2).fit(X, Y)
    record = keep(search)
    strange = record.artifacts[0].untrusted
    assert "scipy.stats._continuous_distns.uniform_gen" in strange
    asked = Asked(False)
    with pytest.raises(NotTrusted, match="uniform_gen"):
        load(record, blobs, allow=asked)
    assert all(name in asked.questions[0] for name in strange)
    assert isinstance(load(record, blobs, allow=Asked(True)), RandomizedSearchCV)


def test_untrusted_types_of_bytes_and_files(tmp_path: Path) -> None:
    """The types are told from bytes and from a file alike; stock models have none."""
    data = skops.io.dumps(Ridge().fit(X, Y))
    (tmp_path / "model.skops").write_bytes(data)
    assert untrusted_types(data) == untrusted_types(tmp_path / "model.skops") == []
    assert untrusted_types(skops.io.dumps(io.StringIO)) == ["_io.StringIO"]


def test_without_skops(keep: Keep, blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where skops is not installed, the hint leads to the snapshot's own environment."""
    record = keep(Ridge().fit(X, Y))
    monkeypatch.setitem(sys.modules, "skops.io", None)
    with pytest.raises(EnvironmentFailure, match="needs skops, which is not installed") as caught:
        load(record, blobs, allow=Asked(True))
    assert "environment" in caught.value.hint
    assert untrusted_types(b"anything") == []


def test_a_model_without_artifacts(blobs: Blobs) -> None:
    """A model that could not be stored is said to be so."""
    record = Model(variable="clf", type="x.Y", artifacts=[], loaded_from=None)
    with pytest.raises(EnvironmentFailure, match="No form of clf"):
        load(record, blobs, allow=Asked(True))


@pytest.mark.parametrize("data", [b"", b"PK\3\4", b"not a zip", b"\x80\x04."])
def test_no_skops_file(data: bytes) -> None:
    """Bytes that are no skops file are refused in words."""
    with pytest.raises(Corrupt):
        untrusted_types(data)


def test_schema_nested_beyond_reason() -> None:
    """A schema made to exhaust the stack is refused."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("schema.json", "[" * 200_000)
    with pytest.raises(Corrupt):
        untrusted_types(stream.getvalue())


def test_zip_bomb() -> None:
    """A file that would grow when unpacked is refused before it is."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", b" " * 10_000_000)
    with pytest.raises(Hostile, match="would grow to 10,000,000"):
        untrusted_types(stream.getvalue())


def test_damaged_bytes(keep: Keep, blobs: Blobs, tmp_path: Path) -> None:
    """A model whose bytes are not what the record says is not even parsed."""
    record = keep(Ridge().fit(X, Y))
    hexes = record.artifacts[0].blob.digest.removeprefix("sha256:")
    [path] = [path for path in (tmp_path / "objects").rglob("*") if path.name == hexes]
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(Corrupt):
        load(record, blobs, allow=Asked(True))
