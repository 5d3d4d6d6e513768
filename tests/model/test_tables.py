from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np
import pytest

from py_mlops.errors import Corrupt
from py_mlops.model.tables import load_inputs


def npz(layout: object, /, **members: Any) -> bytes:
    """Return a forged inputs file."""
    text = layout if isinstance(layout, str) else json.dumps(layout)
    stream = io.BytesIO()
    np.savez(stream, **{"layout": np.array(text), **members})
    return stream.getvalue()


def squeezed(data: bytes) -> bytes:
    """Return a zip file with every member compressed."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as plain,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as small,
    ):
        for name in plain.namelist():
            small.writestr(name, plain.read(name))
    return stream.getvalue()


def layout(kind: str, shape: list[int], columns: list[str] | None = None) -> dict[str, Any]:
    """Return a layout whose columns are all as high as the table."""
    names = columns or []
    shapes = [shape] if kind == "array" else [shape[:1]] * len(names)
    return {"kind": kind, "shape": shape, "columns": names, "shapes": shapes}


SPARSE: dict[str, Any] = {
    "data": np.ones(2),
    "indices": np.array([0, 1]),
    "indptr": np.array([0, 1, 2]),
}
TEXT: dict[str, Any] = {
    "array.text": np.frombuffer(b"abc", "uint8"),
    "array.ends": np.array([1, 3]),
}


def test_written_by_anyone() -> None:
    """A file written by hand after the description is read."""
    assert load_inputs(npz(layout("array", [2]), array=np.ones(2))).tolist() == [1, 1]  # type: ignore[union-attr]  # an array
    assert load_inputs(npz(layout("array", [2]), **TEXT)).tolist() == ["a", "bc"]  # type: ignore[union-attr]  # an array
    assert load_inputs(npz(layout("sparse", [2, 2]), **SPARSE)).shape == (2, 2)  # type: ignore[union-attr]  # sparse
    table = load_inputs(npz(layout("table", [2, 1], ["a"]), c0=np.ones(2)))
    assert isinstance(table, dict)
    assert list(table) == ["a"]


BROKEN: dict[str, bytes] = {
    "no zip": b"PK\3\4 not really",
    "no layout": npz("{}"),
    "layout of another kind": npz(layout("code", [1]), array=np.ones(1)),
    "layout nested beyond reason": npz("[" * 100_000),
    "member missing": npz(layout("array", [1])),
    "objects": npz(layout("array", [1]), array=np.array([{}], dtype=object)),
    "wrong shape": npz(layout("array", [3]), array=np.ones(2)),
    "negative shape": npz(layout("array", [-1, 5]), array=np.ones(2)),
    "huge shape": npz(layout("array", [10**30]), array=np.ones(2)),
    "bomb": squeezed(npz(layout("array", [10**6]), array=np.zeros(10**6))),
    "columns without shapes": npz({**layout("table", [1, 1], ["a"]), "shapes": []}, c0=np.ones(1)),
    "one name twice": npz(layout("table", [1, 2], ["a", "a"]), c0=np.ones(1), c1=np.ones(1)),
    "texts overlap": npz(layout("array", [2]), **{**TEXT, "array.ends": np.array([3, 1])}),
    "texts too long": npz(layout("array", [2]), **{**TEXT, "array.ends": np.array([1, 9])}),
    "texts not UTF-8": npz(
        layout("array", [2]), **{**TEXT, "array.text": np.frombuffer(b"\xff\xfeb", "uint8")}
    ),
    "missing of another size": npz(
        layout("array", [2]), **{"array": np.ones(2), "array.missing": np.ones(3, bool)}
    ),
    "sparse column outside": npz(
        layout("sparse", [2, 2]), **{**SPARSE, "indices": np.array([0, 2])}
    ),
    "sparse rows outside": npz(
        layout("sparse", [2, 2]), **{**SPARSE, "indptr": np.array([0, 5, 2])}
    ),
    "sparse without shape": npz(layout("sparse", []), **SPARSE),
    "sparse with floats": npz(layout("sparse", [2, 2]), **{**SPARSE, "indptr": np.zeros(3)}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_hostile(name: str) -> None:
    """A file whose parts do not fit each other is refused in words."""
    with pytest.raises(Corrupt) as caught:
        load_inputs(BROKEN[name])
    assert caught.value.hint


def test_damaged_byte() -> None:
    """A single flipped byte in an array is noticed."""
    data = npz(layout("array", [1000]), array=np.arange(1000.0))
    middle = len(data) // 2
    with pytest.raises(Corrupt):
        load_inputs(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])


def test_members_that_share_bytes() -> None:
    """Members whose sizes add up to more than the file are refused before one is read."""
    stream = io.BytesIO(npz(layout("array", [1]), array=np.zeros(500)))
    with zipfile.ZipFile(stream, "a") as archive:
        again = archive.getinfo("array.npy")
        archive.filelist += [again] * 50
        archive._didModify = True  # type: ignore[attr-defined]  # so that the list is written
    with pytest.raises(Corrupt, match="compressed"):
        load_inputs(stream.getvalue())
