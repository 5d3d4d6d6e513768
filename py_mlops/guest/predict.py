"""What the model answers on the held-out inputs; neither it nor any randomness is disturbed."""

from __future__ import annotations

import contextlib
import io
import os
import random
import sys
import warnings
from typing import Any, Callable, Iterator

from . import tables
from .problem import Problem

_METHODS = ("predict_proba", "decision_function", "predict")
_WIDEST_TEXTS = _LARGEST_COPY = 1 << 30


def holdout(obj: Any, inputs: Any, variable: str, folder: str) -> dict[str, Any]:
    """Store held-out inputs and the model's answers on them.

    Args:
        obj: The model.
        inputs: The inputs, see `tables.save`.
        variable: Their name in the notebook.
        folder: Where the files are written.

    Returns:
        The shape of ``records.handover.SeenHoldout``; its ``problem`` says what
        could not be stored or answered, and ``file`` is empty when the inputs
        are not there.
    """
    seen: dict[str, Any] = {
        "variable": variable,
        "spec": {"shape": [], "dtype": "", "columns": []},
        "file": "",
        "predictions": [],
        "problem": "",
    }
    try:
        seen["spec"] = tables.save(inputs, os.path.join(folder, "holdout.npz"))
        seen["file"] = "holdout.npz"
    except Exception as error:
        seen["problem"] = f"The held-out inputs {variable} were not stored: {_why(error)}"
    try:
        seen["predictions"] = predictions(obj, inputs, folder)
    except Exception as error:
        seen["problem"] = (seen["problem"] + " " + _why(error)).strip()
    return seen


def predictions(obj: Any, inputs: Any, folder: str) -> list[dict[str, Any]]:
    """Ask the model and store its answers as ``.npy`` files without pickles.

    It is asked by ``predict_proba``, ``decision_function`` and ``predict``, or
    called when it has none of them. A torch module answers in evaluation mode
    without gradients, and is put back into the mode it was in. Several answers
    at once (a tuple, list or dict of arrays) are stored as ``method.0`` or
    ``method.key``. The state of the random number generators is the same
    afterwards.

    Args:
        obj: The model.
        inputs: What it is asked about, in whatever form it takes.
        folder: Where the files are written.

    Returns:
        Dicts in the shape of ``records.handover.SeenPrediction``. A method that
        fails is left out.

    Raises:
        Problem: When none gave an answer; it says why.
    """
    answers: list[dict[str, Any]] = []
    failures = []
    asked = _askers(obj)
    for method, ask in asked:
        try:
            with _undisturbed():
                answer = ask(inputs)
            stored = [
                _store(name, array, os.path.join(folder, f"answer-{number}.npy"))
                for number, (name, array) in enumerate(_parts(method, answer), len(answers))
            ]
        except Exception as error:  # noqa: PERF203 - each method may fail by itself
            failures.append(f"{method} failed: {_why(error)}")
        else:
            answers.extend(stored)
    if not asked:
        failures.append("it has no predict method and cannot be called")
    why = "; ".join(failures)
    if not answers:
        raise Problem(f"The model gave no answer on the held-out inputs: {why}.")
    return answers


def _askers(obj: Any) -> list[tuple[str, Callable[[Any], Any]]]:
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(obj, torch.nn.Module):
        return [("call", lambda inputs: _ask_torch(torch, obj, inputs))]
    xgboost = sys.modules.get("xgboost")
    if xgboost is not None and isinstance(obj, xgboost.Booster):
        return [("predict", lambda inputs: obj.predict(_matrix(xgboost, inputs)))]
    session = _onnx_session(obj)
    if session is not None:
        return [("call", lambda inputs: _ask_onnx(session, inputs))]
    asked = []
    for method in _METHODS:
        with contextlib.suppress(Exception):
            bound = getattr(obj, method)
            if callable(bound):
                asked.append((method, bound))
    if not asked and callable(obj):
        asked.append(("call", obj))
    return [(method, _on_copy(bound)) for method, bound in asked]


def _on_copy(ask: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the same for inputs that it may well write into: they are the program's own."""
    return lambda inputs: ask(_copied(inputs))


def _matrix(xgboost: Any, inputs: Any) -> Any:
    if isinstance(inputs, xgboost.DMatrix):
        return inputs
    return xgboost.DMatrix(inputs, enable_categorical=True)


def _onnx_session(obj: Any) -> Any:
    """Return what runs an ONNX model; ``None`` for any other."""
    session = getattr(sys.modules.get("onnxruntime"), "InferenceSession", None)
    if isinstance(session, type) and isinstance(obj, session):
        return obj
    proto: Any = getattr(sys.modules.get("onnx"), "ModelProto", None)
    if isinstance(proto, type) and isinstance(obj, proto):
        import onnxruntime

        data = obj.SerializeToString()  # type: ignore[attr-defined]  # it is a ModelProto
        return onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return None


def _ask_onnx(session: Any, inputs: Any) -> Any:
    wanted = session.get_inputs()
    if not isinstance(inputs, dict):
        if hasattr(inputs, "iloc") and len(wanted) > 1:
            inputs = {one.name: inputs[[one.name]] for one in wanted}
        else:
            inputs = {wanted[0].name: inputs}
    fed = {one.name: _typed(inputs[one.name], one.type) for one in wanted}
    names = [one.name for one in session.get_outputs()]
    return dict(zip(names, map(_rows_of, session.run(names, fed))))


def _typed(value: Any, kind: str) -> Any:
    """Return an array of the type that an ONNX input asks for, ``tensor(float)``."""
    array, _ = tables.plain(value.to_numpy() if hasattr(value, "iloc") else value)
    types = {"float": "float32", "double": "float64", "float16": "float16", "bool": "bool"}
    name = kind[len("tensor(") : -1]
    return array if name == "string" else array.astype(types.get(name, name))


def _rows_of(answer: Any) -> Any:
    """Return an ONNX output; a list of one dict a row, as classifiers give, as an array."""
    if isinstance(answer, list) and answer and isinstance(answer[0], dict):
        return tables.plain([[row[key] for key in answer[0]] for row in answer])[0]
    return answer


def _ask_torch(torch: Any, module: Any, inputs: Any) -> Any:
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        with torch.no_grad():
            return module(_tensor(torch, module, inputs))
    finally:
        for part, training in modes.items():
            part.training = training


def _tensor(torch: Any, module: Any, inputs: Any) -> Any:
    weight = next(iter(module.parameters()), None)
    if isinstance(inputs, torch.Tensor):
        inputs = _copied(inputs)  # a layer may write into what it is given
    else:
        array, _ = tables.plain(inputs.to_numpy() if hasattr(inputs, "iloc") else inputs)
        inputs = torch.from_numpy(array.copy())
        if weight is not None and inputs.is_floating_point() and weight.is_floating_point():
            inputs = inputs.to(weight.dtype)
    return inputs if weight is None else inputs.to(weight.device)


def _copied(inputs: Any) -> Any:
    """Return a copy, in the same layout; very large inputs and those without a copy as they are."""
    if isinstance(inputs, dict):
        return {name: _copied(value) for name, value in inputs.items()}
    with contextlib.suppress(Exception):
        size = inputs.memory_usage() if hasattr(inputs, "iloc") else getattr(inputs, "nbytes", 0)
        if getattr(size, "sum", lambda: size)() <= _LARGEST_COPY:
            copy = getattr(inputs, "copy", None) or inputs.clone
            return copy("K") if hasattr(inputs, "__array_interface__") else copy()
    return inputs


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    numpy, torch = sys.modules.get("numpy.random"), sys.modules.get("torch")
    state = random.getstate()
    numpy_state = numpy.get_state() if numpy is not None else None
    torch_state = torch.get_rng_state() if torch is not None else None
    devices = torch.cuda.get_rng_state_all() if torch is not None and _on_gpu(torch) else None
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        random.setstate(state)
        if numpy is not None:
            numpy.set_state(numpy_state)
        if torch is not None:
            torch.set_rng_state(torch_state)
            if devices is not None:
                torch.cuda.set_rng_state_all(devices)


def _on_gpu(torch: Any) -> bool:
    return bool(torch.cuda.is_available() and torch.cuda.is_initialized())


def _parts(method: str, answer: Any) -> list[tuple[str, Any]]:
    if isinstance(answer, dict):
        pairs = list(answer.items())
    elif isinstance(answer, (list, tuple)) and answer and all(map(_is_array, answer)):
        pairs = list(enumerate(answer))
    else:
        return [(method, answer)]
    parts = []
    for key, value in pairs:
        parts.extend(_parts(f"{method}.{key}", value))
    return parts


def _is_array(value: Any) -> bool:
    return len(getattr(value, "shape", ())) > 0 or isinstance(value, (dict, tuple))


def _store(method: str, answer: Any, path: str) -> dict[str, Any]:
    import numpy as np

    if hasattr(answer, "toarray"):
        answer = answer.toarray()
    elif hasattr(answer, "iloc"):
        answer = answer.to_numpy()
    array, missing = tables.plain(answer)
    if array.dtype == object:
        if array.size * max(map(len, array.ravel().tolist()), default=0) * 4 > _WIDEST_TEXTS:
            raise Problem("its texts are too long to be compared")
        array = array.astype(str)
        if missing is not None:
            array = np.where(missing, "None", array)
    elif missing is not None:
        array = np.where(missing, np.nan, array)
    with open(path, "wb") as stream:
        np.lib.format.write_array(stream, np.asarray(array), allow_pickle=False)
    shape = [int(side) for side in array.shape]
    dtype = "str" if array.dtype.kind == "U" else array.dtype.name
    spec = {"shape": shape, "dtype": dtype, "columns": []}
    return {"method": method, "spec": spec, "file": os.path.basename(path)}


def _why(error: Exception) -> str:
    if isinstance(error, Problem):
        return error.message.rstrip(".")
    return (f"{type(error).__name__}: {error}")[:300].rstrip(".")
