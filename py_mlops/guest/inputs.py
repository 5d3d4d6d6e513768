"""Inputs for a model, read from a file in the environment that the model lives in."""

from __future__ import annotations

import csv
import json
import os
from typing import Any

from .problem import Problem

SUFFIXES = (".csv", ".npy", ".npz", ".parquet")
"""How the names of files end that can be read; an ``.npz`` is one of `tables`."""


def read(path: str, columns: list[str], table: bool | None) -> Any:
    """Read inputs.

    Args:
        path: The file; the end of its name says what it is.
        columns: Names of the columns that the model takes, in order; empty when
            it takes them as they come. What else a table has is left out.
        table: Whether the model takes a data frame or an array; ``None`` when
            that is not known.

    Returns:
        A data frame, where pandas is there, or an array.

    Raises:
        Problem: When it cannot be read, or a column is missing.
    """
    import numpy as np

    ending = os.path.splitext(path)[1].lower()
    try:
        if ending == ".npy":
            return np.load(path, allow_pickle=False)
        if ending == ".npz":
            return _stored(path)
        frame = _frame(path, ending)
    except Problem:
        raise
    except Exception as error:
        why = f"{type(error).__name__}: {error}"[:300]
        raise Problem(f"The inputs {os.path.basename(path)} cannot be read: {why}.") from None
    if frame is None:
        return _numbers(path, columns)
    if columns:
        missing = [name for name in columns if name not in frame.columns]
        if missing:
            raise Problem(
                "The inputs lack {}.".format(", ".join(missing[:20])),
                "The model takes these columns: {}.".format(", ".join(columns[:50])),
            )
        frame = frame[list(columns)]
    return frame.to_numpy() if table is False else frame


def _frame(path: str, ending: str) -> Any:
    """Return the file as a data frame; ``None`` where there is no pandas."""
    try:
        import pandas as pd
    except ImportError:
        if ending == ".csv":
            return None
        raise Problem(
            f"Reading {ending} needs pandas, which the model's environment lacks."
        ) from None
    if ending == ".parquet":
        return pd.read_parquet(path)
    with open(path, encoding="utf-8", errors="replace", newline="") as stream:
        first = next(csv.reader(stream), [])
    return pd.read_csv(path, header=None if first and all(map(_is_number, first)) else 0)


def _numbers(path: str, columns: list[str]) -> Any:
    import numpy as np

    with open(path, encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.reader(stream) if row]
    names = rows.pop(0) if rows and not all(map(_is_number, rows[0])) else []
    chosen = [names.index(name) for name in columns if name in names] if names else []
    if len(chosen) != len(columns) and names:
        raise Problem(
            "The inputs lack columns that the model takes: {}.".format(", ".join(columns))
        )
    return np.array([[float(row[n]) for n in chosen or range(len(row))] for row in rows])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _stored(path: str) -> Any:
    """Return what `tables.save` wrote."""
    import numpy as np

    with np.load(path, allow_pickle=False) as members:
        layout = json.loads(str(members["layout"]))
        if layout["kind"] == "sparse":
            from scipy.sparse import csr_matrix

            parts = (members["data"], members["indices"], members["indptr"])
            return csr_matrix(parts, shape=tuple(layout["shape"]))
        if layout["kind"] == "array":
            return _value(members, "array", layout["shape"])
        values = [
            _value(members, f"c{place}", shape) for place, shape in enumerate(layout["shapes"])
        ]
    try:
        import pandas as pd
    except ImportError:
        return dict(zip(layout["columns"], values))
    return pd.DataFrame(
        {place: _one_dimension(value) for place, value in enumerate(values)}
    ).set_axis(layout["columns"], axis=1)


def _one_dimension(value: Any) -> Any:
    return value if value.ndim == 1 else list(value)


def _value(members: Any, name: str, shape: list[int]) -> Any:
    import numpy as np

    if name + ".text" in members:
        body, ends = members[name + ".text"].tobytes(), members[name + ".ends"].tolist()
        value = np.empty(len(ends), dtype=object)
        for place, (begin, end) in enumerate(zip([0, *ends], ends)):
            value[place] = body[begin:end].decode("utf-8", "surrogatepass")
    else:
        value = members[name]
    if name + ".missing" in members:
        missing = members[name + ".missing"].ravel()
        value = value.ravel()
        if value.dtype == object:
            value[missing] = None
        else:
            value = np.where(missing, np.nan, value)
    return value.reshape(shape)
