"""The model as files, in the safest form its library offers, a pickle only as the last."""

from __future__ import annotations

import os
import pickle
import sys
import types
import warnings
from typing import Any, Callable

from . import ufuncs

# What the notebook defines itself: a plain pickle would only name it.
_NOTEBOOK = "__main__"


def model(obj: Any, variable: str, folder: str) -> dict[str, Any]:
    """Write a model in every form worth having, the safest first.

    ==========================  =============================================
    model                       forms
    ==========================  =============================================
    xgboost                     its own binary JSON
    lightgbm ``Booster``        its own text
    catboost                    its own binary form
    ONNX model or session       as it is
    lightgbm estimator          its booster's text; the estimator as below
    Keras model                 its own ``.keras``; a pickle when that fails
    torch module                its ``state_dict``; the module pickled
    scikit-learn estimator      skops when the kernel has it, else a pickle
    anything else               a pickle; cloudpickle when it needs what the
                                notebook defines
    ==========================  =============================================

    Args:
        obj: The model; it is left as it is.
        variable: Its name in the notebook.
        folder: Where the files are written.

    Returns:
        The shape of ``records.handover.SeenModel``.
    """
    artifacts: list[dict[str, Any]] = []
    problems: list[str] = []
    for form, write in _native(obj):
        try:
            artifacts.append(_write(form, write, folder))
        except Exception as error:  # noqa: PERF203 - each form may fail by itself
            problems.append(_why(form, error))
    if not artifacts or not _is_complete(obj):
        artifacts.extend(_general(obj, folder, problems))
    usable = artifacts and not any(_needs_notebook(item, folder) for item in artifacts)
    return {
        "variable": variable,
        "type": _type_of(obj),
        "artifacts": artifacts,
        "problem": "" if usable else _problem(artifacts, problems),
    }


_FILES = {
    "skops": "model.skops",
    "xgboost-ubj": "model.ubj",
    "lightgbm-text": "model.txt",
    "catboost-cbm": "model.cbm",
    "onnx": "model.onnx",
    "keras": "model.keras",
    "torch-state": "model.pt",
    "pickle": "model.pkl",
    "cloudpickle": "model.cloudpickle",
}
# A Keras file names what loading it calls.
_EXECUTES = ("keras", "pickle", "cloudpickle")
_Writer = Callable[[str], Any]


def _write(form: str, write: _Writer, folder: str) -> dict[str, Any]:
    path = os.path.join(folder, _FILES[form])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            write(path)
    except BaseException:
        if os.path.exists(path):
            os.remove(path)
        raise
    return {"format": form, "executes": form in _EXECUTES, "file": _FILES[form]}


def _native(obj: Any) -> list[tuple[str, _Writer]]:
    """Return its library's own format, if it has one, and what writes it."""
    for module, name, form, writer in _NATIVE:
        if _is(obj, module, name):
            return [(form, writer(obj))]
    return []


def _saving_state(module: Any) -> _Writer:
    return lambda path: sys.modules["torch"].save(module.state_dict(), path)


def _putting(data: Callable[[], bytes]) -> _Writer:
    def put(path: str) -> None:
        with open(path, "wb") as stream:
            stream.write(data())

    return put


def _bytes_of(session: Any) -> bytes:
    """Return the model that an ONNX session was made from."""
    data = getattr(session, "_model_bytes", None)
    if data is None:
        with open(session._model_path, "rb") as stream:  # noqa: SLF001 - there is no other way
            data = stream.read()
    return bytes(data)


_NATIVE: tuple[tuple[str, str, str, Callable[[Any], _Writer]], ...] = (
    ("xgboost", "Booster", "xgboost-ubj", lambda obj: obj.save_model),
    ("xgboost", "XGBModel", "xgboost-ubj", lambda obj: obj.save_model),
    ("lightgbm", "Booster", "lightgbm-text", lambda obj: obj.save_model),
    ("lightgbm", "LGBMModel", "lightgbm-text", lambda obj: obj.booster_.save_model),
    ("catboost", "CatBoost", "catboost-cbm", lambda obj: obj.save_model),
    ("onnx", "ModelProto", "onnx", lambda obj: _putting(obj.SerializeToString)),
    ("onnxruntime", "InferenceSession", "onnx", lambda obj: _putting(lambda: _bytes_of(obj))),
    ("keras", "Model", "keras", lambda obj: obj.save),
    ("torch.nn", "Module", "torch-state", _saving_state),
)
"""Module, class, format, and what gives the function that writes a path."""


def _is_complete(obj: Any) -> bool:
    """Say whether the native form holds all of the model.

    A booster's text lacks the estimator's classes; a state lacks the program.
    """
    return not (_is(obj, "lightgbm", "LGBMModel") or _is(obj, "torch.nn", "Module"))


def _general(obj: Any, folder: str, problems: list[str]) -> list[dict[str, Any]]:
    if _is(obj, "sklearn.base", "BaseEstimator"):
        try:
            return [_write("skops", lambda path: _dump_skops(obj, path), folder)]
        except Exception as error:
            problems.append(_why("skops", error))
    made = []
    try:
        made.append(_write("pickle", lambda path: _dump(pickle, obj, path), folder))
    except Exception as error:
        problems.append(_why("pickle", error))
    if made and not _needs_notebook(made[0], folder):
        return made
    try:
        import cloudpickle

        better = _write("cloudpickle", lambda path: _dump(cloudpickle, obj, path), folder)
    except Exception as error:
        problems.append(_why("cloudpickle", error))
        return made
    for item in made:
        os.remove(os.path.join(folder, item["file"]))
    return [better]


def _dump_skops(obj: Any, path: str) -> None:
    with ufuncs.found_at_once():
        import skops.io

    skops.io.dump(obj, path)
    untrusted = skops.io.get_untrusted_types(file=path)
    own = [name for name in untrusted if name.startswith(_NOTEBOOK + ".") or "<" in name]
    if own:
        # skops stores names, and nobody else has these.
        raise ValueError("it uses what the notebook defines: " + ", ".join(own))


def _dump(library: Any, obj: Any, path: str) -> None:
    with open(path, "wb") as stream:
        library.dump(obj, stream, protocol=4)


def _needs_notebook(artifact: dict[str, Any], folder: str) -> bool:
    """Say whether a pickle names something that only the notebook defines."""
    if artifact["format"] != "pickle":
        return False
    name, tail = _NOTEBOOK.encode(), b""
    with open(os.path.join(folder, artifact["file"]), "rb") as stream:
        for chunk in iter(lambda: stream.read(1 << 20), b""):
            if name in tail + chunk:
                return True
            tail = chunk[-len(name) :]
    return False


def _is(obj: Any, module: str, name: str) -> bool:
    # A model's library is imported already; asking must not import it.
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(obj, kind)


def _type_of(obj: Any) -> str:
    named = obj if isinstance(obj, (types.FunctionType, type)) else type(obj)
    return f"{named.__module__}.{named.__qualname__}"


def _problem(artifacts: list[dict[str, Any]], problems: list[str]) -> str:
    if artifacts:
        return (
            "The model uses what the notebook defines, and its pickle only names that: it cannot "
            "be loaded elsewhere. Install cloudpickle in this kernel and take the snapshot again."
        )
    why = "; ".join(problems)
    return f"The model could not be stored: {why}."


def _why(form: str, error: Exception) -> str:
    return (f"{form}: {type(error).__name__}: {error}")[:300].rstrip(".")
