"""Held-out inputs as plain arrays in an ``.npz`` file that can be read without running any code.

The file holds a member ``layout``, a JSON text:
``{"kind": …, "shape": […], "columns": […], "shapes": [[…], …]}``.

==========  =======================================================================
kind        further members
==========  =======================================================================
``array``   one value, called ``array``: numpy arrays, tensors, Series, lists
``table``   one value per column, called ``c0``, ``c1``, …: data frames and dicts;
            a data frame's index and a time zone's name are not kept
``sparse``  ``data``, ``indices`` and ``indptr`` of scipy's CSR form
==========  =======================================================================

A value of numbers, times or fixed-width strings is one member under its own
name. Texts are two: ``NAME.text``, their UTF-8 bytes one behind the other, and
``NAME.ends``, where each ends (a numpy text array would make every row as wide
as the longest). ``NAME.missing``, when there, marks values that are missing;
what stands in their place means nothing.
"""

from __future__ import annotations

import datetime as dt
import json
import numbers
import sys
import uuid
from typing import Any

from .problem import Problem

_AS_TEXT = (str, dt.date, dt.time, dt.timedelta, uuid.UUID)


def save(inputs: Any, path: str) -> dict[str, Any]:
    """Write inputs to an ``.npz`` file without pickles.

    Args:
        inputs: A numpy array, data frame, Series, scipy sparse matrix, torch
            tensor, list of texts, list of (lists of) numbers, or dict of these.
        path: The file to write.

    Returns:
        Shape and type, in the shape of ``records.ArraySpec``.

    Raises:
        Problem: When the inputs are none of these, or numpy is not there.
    """
    try:
        import numpy as np
    except ImportError:
        raise Problem("The held-out inputs cannot be stored: this kernel has no numpy.") from None
    members, spec = _members(inputs)
    layout = {"kind": spec.pop("kind"), "shape": spec["shape"], "columns": spec["columns"]}
    layout["shapes"] = spec.pop("shapes")
    members["layout"] = np.array(json.dumps(layout))
    with open(path, "wb") as stream:
        np.savez(stream, **members)
    return spec


def _members(inputs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    sparse = sys.modules.get("scipy.sparse")
    if sparse is not None and sparse.issparse(inputs):
        rows = inputs.tocsr()
        parts = {"data": rows.data, "indices": rows.indices, "indptr": rows.indptr}
        shape = [int(side) for side in rows.shape]
        if len(shape) != 2:  # noqa: PLR2004 - rows and columns
            raise Problem("A sparse array of one dimension cannot be stored.", "Give it rows.")
        return parts, _spec("sparse", shape, rows.dtype.name)
    columns = _columns(inputs)
    if columns is None:
        members, shape, dtype = _value("array", inputs)
        return members, _spec("array", shape, dtype, shapes=[shape])
    members = {}
    shapes: list[list[int]] = []
    names: list[str] = []
    for position, (label, column) in enumerate(columns):
        parts, shape, _ = _value(f"c{position}", column)
        members.update(parts)
        shapes.append(shape)
        names.append(_unique(str(label), names))
    heights = {tuple(shape[:1]) for shape in shapes}
    if len(heights) > 1:
        raise Problem("The held-out inputs' parts have different numbers of rows.")
    shape = [shapes[0][0] if shapes and shapes[0] else 0, len(shapes)]
    return members, _spec("table", shape, "table", names, shapes)


def _spec(
    kind: str,
    shape: list[int],
    dtype: str,
    columns: list[str] | None = None,
    shapes: list[list[int]] | None = None,
) -> dict[str, Any]:
    return {
        "kind": kind,
        "shape": shape,
        "dtype": dtype,
        "columns": columns or [],
        "shapes": shapes or [],
    }


def _columns(inputs: Any) -> list[tuple[Any, Any]] | None:
    if isinstance(inputs, dict):
        return list(inputs.items())
    if not hasattr(inputs, "columns"):
        return None
    if hasattr(inputs, "iloc"):
        labels = list(inputs.columns)
        return [(label, inputs.iloc[:, place]) for place, label in enumerate(labels)]
    if hasattr(inputs, "get_column"):  # polars
        return [(label, inputs.get_column(label).to_numpy()) for label in inputs.columns]
    return None


def _unique(name: str, taken: list[str]) -> str:
    candidate, count = name, 0
    while candidate in taken:
        count += 1
        candidate = f"{name}.{count}"
    return candidate


def _value(name: str, value: Any) -> tuple[dict[str, Any], list[int], str]:
    array, missing = plain(value)
    members = {}
    if array.dtype.kind in "OU":
        members.update(_texts(name, array))
        dtype = "str"
    else:
        members[name] = array
        dtype = array.dtype.name
    if missing is not None:
        members[name + ".missing"] = missing
    return members, [int(side) for side in array.shape], dtype


def _texts(name: str, array: Any) -> dict[str, Any]:
    import numpy as np

    encoded = [text.encode("utf-8", "surrogatepass") for text in array.ravel().tolist()]
    ends = np.cumsum([len(text) for text in encoded], dtype="int64")
    body = np.frombuffer(b"".join(encoded), dtype="uint8")
    return {name + ".text": body, name + ".ends": ends}


def plain(value: Any) -> tuple[Any, Any]:
    """Turn anything array-like into a numpy array of numbers, times or texts.

    Categories, dates with a time zone and mixed columns become text; decimals
    and pandas' nullable numbers become numbers.

    Args:
        value: An array, tensor, Series, list or number.

    Returns:
        The array, of type ``object`` only when every element is a ``str``, and
        a boolean array of the same shape that marks missing values, or ``None``
        when the type can say so itself (NaN, NaT) or none is missing.

    Raises:
        Problem: When it holds objects that are neither numbers nor texts.
    """
    import numpy as np

    if isinstance(value, np.ma.MaskedArray):
        array, missing = plain(value.data)
        masked = np.ma.getmaskarray(value)
        missing = masked if missing is None else missing | masked
        return array, missing if missing.any() else None
    if hasattr(value, "detach"):  # a torch tensor
        value = value.detach().cpu()
        value = (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()
    dtype = getattr(value, "dtype", None)
    try:
        foreign = dtype is not None and not isinstance(dtype, np.dtype)
        if foreign or _has_texts(value):
            array = np.asarray(value, dtype=object)
        else:
            array = np.asarray(value)
    except Exception as error:
        raise Problem(f"{_kind(value)} cannot be stored as an array: {error}.") from None
    if array.dtype.kind == "V":
        raise Problem(f"Arrays of type {array.dtype} cannot be stored.")
    return _from_objects(array) if array.dtype.kind in "OT" else (array, None)


def _has_texts(value: Any) -> bool:
    # numpy would make every element as wide as the longest: gigabytes, for documents.
    return isinstance(value, (list, tuple)) and any(isinstance(item, str) for item in value)


def _from_objects(array: Any) -> tuple[Any, Any]:
    import numpy as np

    items = array.astype(object).ravel().tolist()
    absent = [_is_missing(item) for item in items]
    present = [item for item, gone in zip(items, absent) if not gone]
    strange = next((item for item in present if not _is_plain(item)), None)
    if strange is not None:
        raise Problem(
            f"Values of type {_kind(strange)} cannot be stored as plain arrays.",
            "Name inputs that hold numbers, texts or dates.",
        )
    if all(isinstance(item, (numbers.Number, np.bool_)) for item in present):
        filled = np.array([0 if gone else item for item, gone in zip(items, absent)])
        if filled.dtype.kind not in "biufc":  # integers beyond 64 bits, fractions
            filled = filled.astype("float64")
    else:
        filled = np.empty(len(items), dtype=object)
        filled[:] = ["" if gone else str(item) for item, gone in zip(items, absent)]
    missing = np.array(absent).reshape(array.shape) if any(absent) else None
    return filled.reshape(array.shape), missing


def _is_missing(item: Any) -> bool:
    if item is None or type(item).__name__ in {"NAType", "NaTType"}:
        return True
    # NaN is what differs from itself.
    return isinstance(item, numbers.Number) and bool(item != item)  # noqa: PLR0124


def _is_plain(item: Any) -> bool:
    return isinstance(item, (numbers.Number, *_AS_TEXT)) or _package(item) in {"numpy", "pandas"}


def _package(item: Any) -> str:
    kind = type(item)
    is_array = hasattr(item, "__len__") or kind.__name__ == "void"
    return "" if is_array else kind.__module__.partition(".")[0]


def _kind(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
