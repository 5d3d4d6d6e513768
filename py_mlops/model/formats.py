"""Reads a model back, the safest way there is; what could run code waits for a yes."""

from __future__ import annotations

import importlib
import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from py_mlops.errors import Corrupt, EnvironmentFailure, Hostile, MlopsError, NotTrusted
from py_mlops.model import soundness, trusted
from py_mlops.records import Artifact, Model
from py_mlops.store.base import Blobs

Allow = Callable[[str], bool]

SUFFIXES = (
    *(".bin", ".cbm", ".ckpt", ".h5", ".joblib", ".json", ".keras", ".model", ".npz", ".onnx"),
    *(".pickle", ".pkl", ".pt", ".pth", ".safetensors", ".skops", ".txt", ".ubj"),
)
"""How the names of files end in which people keep models."""

_XGBOOST = {"XGBClassifier", "XGBRegressor", "XGBRanker", "XGBRFClassifier", "XGBRFRegressor"}


def load(model: Model, blobs: Blobs, *, allow: Allow) -> object:
    """Load a model from one of its artifacts.

    Whole forms that cannot run code come first, then whole forms for which
    ``allow`` says yes, then forms that hold only a part: of a torch module
    its ``state_dict``, of a lightgbm estimator its ``Booster``. So nothing runs
    without a yes, and a no still gives what can be given. Whether a form can
    run code is known from its format; what the record says of it is not believed.

    Args:
        model: The model's record.
        blobs: Where its bytes are.
        allow: Asked, in one or two sentences, before anything is loaded that
            can run code or holds types that nobody vouched for.

    Returns:
        The model, or the part of it described above.

    Raises:
        NotTrusted: When it would take a yes and there was none.
        EnvironmentFailure: When its library is not installed here, or too
            different a version of it.
        Hostile: When its file tries what no training writes.
        Corrupt, Missing: When its bytes are damaged or gone.
    """
    failures: list[MlopsError] = []
    for artifact in sorted(model.artifacts, key=lambda item: _rank(model, item)):
        try:
            return _LOADERS[artifact.format](model, blobs.read(artifact.blob.digest), allow)
        except (NotTrusted, EnvironmentFailure) as error:
            failures.append(error)
    if not failures:
        raise EnvironmentFailure(
            f"No form of {model.variable} ({model.type}) could be stored with its snapshot.",
            hint="Reproduce the snapshot: the rerun trains the model again.",
        )
    raise next((error for error in failures if isinstance(error, NotTrusted)), failures[0])


def untrusted_types(source: Path | bytes) -> list[str]:
    """Return the types in a skops file that loading it would ask about.

    Args:
        source: The file, or its bytes.

    Returns:
        Their names, sorted; empty when skops is not installed here.

    Raises:
        Hostile: When the file is compressed.
        Corrupt: When it is no skops file.
    """
    try:
        skops = importlib.import_module("skops.io")
    except ImportError:
        return []
    return _untrusted(skops, source.read_bytes() if isinstance(source, Path) else source)


def _rank(model: Model, artifact: Artifact) -> int:
    part = artifact.format == "torch-state" or (
        artifact.format == "lightgbm-text" and not model.type.endswith(".Booster")
    )
    if part:
        return 3
    return {"skops": 1, "pickle": 2, "cloudpickle": 2}.get(artifact.format, 0)


def _skops(model: Model, data: bytes, allow: Allow) -> object:
    skops = _library("skops.io", model)
    strange = _untrusted(skops, data)
    question = (
        f"Its file holds types that nobody vouched for: {', '.join(strange)}. Loading them can "
        "run code of theirs. Load it?"
    )
    if strange and not allow(question):
        raise NotTrusted(
            f"The model {model.variable} holds types that nobody vouched for: "
            f"{', '.join(strange)}.",
            hint="If you trust its author, load it again with --allow-pickle.",
        )
    known = [*trusted.ALLOWED, *strange]
    loaded = _read(model, lambda: skops.loads(data, trusted=known))
    soundness.check(loaded)
    return loaded


def _untrusted(skops: Any, data: bytes) -> list[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(info.file_size for info in archive.infolist())
        found = skops.get_untrusted_types(data=data) if size <= len(data) else []
    except Exception as error:  # a hostile file can make skops raise anything
        raise Corrupt(
            f"The model's file is no skops file: {type(error).__name__}.",
            hint="Run `mlops verify`; if the store is sound, the snapshot's model is unusable.",
        ) from error
    if size > len(data):
        raise Hostile(
            f"The model's file of {len(data):,} bytes would grow to {size:,}.",
            hint="Do not use it: a snapshot never writes a compressed model.",
        )
    return sorted(set(found) - trusted.ALLOWED)


def _xgboost(model: Model, data: bytes, _allow: Allow) -> object:
    library = _library("xgboost", model)
    kind = model.type.rpartition(".")[2]
    booster = getattr(library, kind if kind in _XGBOOST else "Booster")()
    _read(model, lambda: booster.load_model(bytearray(data)))
    return booster


def _lightgbm(model: Model, data: bytes, _allow: Allow) -> object:
    library = _library("lightgbm", model)
    return _read(model, lambda: library.Booster(model_str=data.decode()))


def _torch(model: Model, data: bytes, _allow: Allow) -> object:
    torch = _library("torch", model)
    return _read(model, lambda: torch.load(io.BytesIO(data), weights_only=True, map_location="cpu"))


def _pickle(model: Model, data: bytes, allow: Allow) -> object:
    question = (
        f"{model.variable} ({model.type}) is a pickle: loading it runs whatever code is in it. "
        "Load it?"
    )
    if not allow(question):
        raise NotTrusted(
            f"The model {model.variable} is a pickle, and loading one runs whatever code is in it.",
            hint="If you trust its author, load it again with --allow-pickle; or reproduce the "
            "snapshot, which trains the model again.",
        )
    return _read(model, lambda: pickle.loads(data))  # noqa: S301 - asked, see above


_LOADERS: dict[str, Callable[[Model, bytes, Allow], object]] = {
    "skops": _skops,
    "xgboost-ubj": _xgboost,
    "lightgbm-text": _lightgbm,
    "torch-state": _torch,
    "pickle": _pickle,
    "cloudpickle": _pickle,
}


def _library(name: str, model: Model) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise EnvironmentFailure(
            f"Loading {model.variable} ({model.type}) needs {name.partition('.')[0]}, which is "
            "not installed here.",
            hint="Use the snapshot's own environment: `mlops restore` writes its lock, and "
            "`mlops reproduce` builds it.",
        ) from error


def _read(model: Model, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except Exception as error:  # what a library raises on another version's file is anyone's guess
        raise EnvironmentFailure(
            f"{model.variable} ({model.type}) cannot be loaded with the libraries installed here: "
            f"{type(error).__name__}: {str(error)[:200]}",
            hint="Use the snapshot's own environment: `mlops restore` writes its lock, and "
            "`mlops reproduce` builds it.",
        ) from error
