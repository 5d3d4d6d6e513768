"""Reads a model back, the safest way there is; what could run code waits for a yes.

`py_mlops.guest.deserialise` reads the same forms where anything may run, from files and
with whatever libraries wrote them.
"""

from __future__ import annotations

import importlib
import io
import pickle
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from py_mlops.errors import Corrupt, EnvironmentFailure, Hostile, MlopsError, NotTrusted
from py_mlops.guest.deserialise import CATBOOST, XGBOOST
from py_mlops.model import soundness, trusted
from py_mlops.records import Artifact, Model
from py_mlops.store.base import Blobs

Allow = Callable[[str], bool]

_ELSEWHERE = (
    "Ask it with `mlops predict`, which builds the snapshot's own environment and loads it there; "
    "or install these versions here: `mlops restore` writes the lock."
)

SUFFIXES = (
    *(".bin", ".cbm", ".ckpt", ".h5", ".joblib", ".json", ".keras", ".model", ".npz", ".onnx"),
    *(".pickle", ".pkl", ".pt", ".pth", ".safetensors", ".skops", ".txt", ".ubj"),
)
"""How the names of files end in which people keep models."""

_FILES = {
    "skops": ".skops", "xgboost-ubj": ".ubj", "lightgbm-text": ".txt", "catboost-cbm": ".cbm",
    "onnx": ".onnx", "keras": ".keras", "torch-state": ".pt", "pickle": ".pkl",
    "cloudpickle": ".pkl",
}  # fmt: skip


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
    for artifact in ranked(model):
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


def ranked(model: Model) -> list[Artifact]:
    """Return a model's forms in the order in which loading tries them; see `load`."""
    return sorted(model.artifacts, key=lambda item: _rank(model, item))


def suffix(form: str) -> str:
    """Return how the name of a file of a format ends, which some libraries insist on."""
    return _FILES[form]


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
        return 4
    return {"skops": 1, "keras": 2, "pickle": 3, "cloudpickle": 3}.get(artifact.format, 0)


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
    _check_zip(data, "skops")
    try:
        found = skops.get_untrusted_types(data=data)
    except Exception as error:  # a hostile file can make skops raise anything
        raise _unreadable("skops", error) from error
    return sorted(set(found) - trusted.ALLOWED)


def _check_zip(data: bytes, form: str) -> None:
    """Refuse a zip file that is larger inside than outside: no library writes a model so."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(info.file_size for info in archive.infolist())
    except Exception as error:  # a hostile file can make zipfile raise anything
        raise _unreadable(form, error) from error
    if size > len(data):
        raise Hostile(
            f"The model's file of {len(data):,} bytes would grow to {size:,}.",
            hint="Do not use it: a snapshot never writes a compressed model.",
        )


def _unreadable(form: str, error: Exception) -> Corrupt:
    return Corrupt(
        f"The model's file is no {form} file: {type(error).__name__}.",
        hint="Run `mlops verify`; if the store is sound, the snapshot's model is unusable.",
    )


def _xgboost(model: Model, data: bytes, _allow: Allow) -> object:
    library = _library("xgboost", model)
    kind = model.type.rpartition(".")[2]
    booster = getattr(library, kind if kind in XGBOOST else "Booster")()
    _read(model, lambda: booster.load_model(bytearray(data)))
    return booster


def _lightgbm(model: Model, data: bytes, _allow: Allow) -> object:
    library = _library("lightgbm", model)
    return _read(model, lambda: library.Booster(model_str=data.decode()))


def _catboost(model: Model, data: bytes, _allow: Allow) -> object:
    library = _library("catboost", model)
    kind = model.type.rpartition(".")[2]
    loaded = getattr(library, kind if kind in CATBOOST else "CatBoost")()
    return _read(model, lambda: loaded.load_model(blob=data))


def _onnx(model: Model, data: bytes, _allow: Allow) -> object:
    # Parsed and no more: the tensors of another file, which it may name, are not looked for.
    library = _library("onnx", model)
    return _read(model, lambda: library.load_model_from_string(data))


def _keras(model: Model, data: bytes, allow: Allow) -> object:
    library = _library("keras", model)
    _ask(model, allow, "is a Keras file: it names the classes and functions that loading it calls")
    _check_zip(data, "keras")
    with tempfile.TemporaryDirectory(prefix="mlops-model-", ignore_cleanup_errors=True) as folder:
        path = Path(folder, "model.keras")
        path.write_bytes(data)
        return _read(model, lambda: library.models.load_model(path))


def _torch(model: Model, data: bytes, _allow: Allow) -> object:
    torch = _library("torch", model)
    return _read(model, lambda: torch.load(io.BytesIO(data), weights_only=True, map_location="cpu"))


def _pickle(model: Model, data: bytes, allow: Allow) -> object:
    _ask(model, allow, "is a pickle: loading it runs whatever code is in it")
    return _read(model, lambda: pickle.loads(data))  # noqa: S301 - asked, see above


def _ask(model: Model, allow: Allow, what: str) -> None:
    if not allow(f"{model.variable} ({model.type}) {what}. Load it?"):
        raise NotTrusted(
            f"The model {model.variable} {what}.",
            hint="If you trust its author, load it again with --allow-pickle; or ask it with "
            "`mlops predict`, which loads it in a sandbox; or reproduce the snapshot, which trains "
            "the model again.",
        )


_LOADERS: dict[str, Callable[[Model, bytes, Allow], object]] = {
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


def _library(name: str, model: Model) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise EnvironmentFailure(
            f"Loading {model.variable} ({model.type}) needs {name.partition('.')[0]}, which is "
            "not installed here.",
            hint=_ELSEWHERE,
        ) from error


def _read(model: Model, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except Exception as error:  # what a library raises on another version's file is anyone's guess
        raise EnvironmentFailure(
            f"{model.variable} ({model.type}) cannot be loaded with the libraries installed here: "
            f"{type(error).__name__}: {str(error)[:200]}",
            hint=_ELSEWHERE,
        ) from error
