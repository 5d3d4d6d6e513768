"""Reads held-out inputs back: the ``.npz`` files that `py_mlops.guest.tables` describes."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np

from py_mlops.errors import Corrupt
from py_mlops.model.arrays import Array, read_npy

_MOST_MEMBERS = 400_000


class _Layout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: Literal["array", "table", "sparse"]
    shape: list[int]
    columns: list[str]
    shapes: list[list[int]]


@dataclass(frozen=True)
class Sparse:
    """A sparse matrix in scipy's CSR form, checked to stay within its shape.

    Attributes:
        shape: Rows and columns.
        data: The stored elements.
        indices: Each one's column.
        indptr: Where each row begins in the other two; one more than rows.
    """

    shape: tuple[int, int]
    data: Array
    indices: Array
    indptr: Array


def load_inputs(data: bytes) -> Array | dict[str, Array] | Sparse:
    """Return held-out inputs.

    Texts come back as arrays of ``str`` objects; a missing number is NaN, a
    missing time NaT, a missing text ``None``.

    Args:
        data: An ``.npz`` file; hostile until it passes.

    Returns:
        An array; a data frame as its columns by name, in order; or a sparse
        matrix.

    Raises:
        Corrupt: When it is not such a file, holds objects, or its parts do not
            fit each other.
    """
    members = _Members(data)
    layout = members.layout()
    if layout.kind == "sparse":
        return members.sparse(layout.shape)
    if layout.kind == "array":
        return members.value("array", layout.shape)
    if len(layout.columns) != len(layout.shapes) or len(set(layout.columns)) != len(layout.columns):
        raise _corrupt("its columns and their shapes do not fit each other")
    return {
        name: members.value(f"c{position}", shape)
        for position, (name, shape) in enumerate(zip(layout.columns, layout.shapes, strict=True))
    }


class _Members:
    """The arrays in an ``.npz`` file, each checked when it is taken."""

    def __init__(self, data: bytes) -> None:
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
            raise _corrupt("it is no zip file") from error
        infos = self._archive.infolist()
        stored = all(info.compress_type == zipfile.ZIP_STORED for info in infos)
        # Stored, and together no longer than the file: nothing in it can grow.
        if not stored or sum(info.file_size for info in infos) > len(data):
            raise _corrupt("it is compressed, which ours never are")
        if len(infos) > _MOST_MEMBERS:
            raise _corrupt(f"it has {len(infos):,} members")
        self._names = {info.filename for info in infos}

    def layout(self) -> _Layout:
        text = self.array("layout")
        if text.dtype.kind != "U" or text.ndim:
            raise _corrupt("its layout is no text")
        try:
            return msgspec.json.decode(str(text[()]), type=_Layout)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise _corrupt("its layout cannot be read") from error

    def array(self, name: str) -> Array:
        try:
            return read_npy(self._archive.read(f"{name}.npy"))
        except (KeyError, zipfile.BadZipFile, RuntimeError, ValueError, OSError) as error:
            raise _corrupt(f"its member {name[:40]} is missing or damaged") from error

    def value(self, name: str, shape: list[int]) -> Array:
        found = self._texts(name) if f"{name}.text.npy" in self._names else self.array(name)
        if f"{name}.missing.npy" in self._names:
            missing = self.array(f"{name}.missing").ravel()
            if missing.dtype != bool or missing.size != found.size:
                raise _corrupt(f"the missing values of {name[:40]} do not fit it")
            found = _without(found, missing.reshape(found.shape))
        if list(found.shape) != shape:
            try:
                found = found.reshape(shape)
            except (ValueError, OverflowError, TypeError) as error:
                raise _corrupt(f"the shape of {name[:40]} does not fit it") from error
        return found

    def _texts(self, name: str) -> Array:
        body, ends = self.array(f"{name}.text"), self.array(f"{name}.ends")
        if body.dtype != np.uint8 or ends.dtype != np.int64 or body.ndim != 1 or ends.ndim != 1:
            raise _corrupt(f"the texts of {name[:40]} are of a wrong type")
        edges = np.concatenate([np.zeros(1, np.int64), ends])
        if np.any(np.diff(edges) < 0) or edges[-1] != body.size:
            raise _corrupt(f"the texts of {name[:40]} overlap")
        whole, texts = body.tobytes(), np.empty(ends.size, dtype=object)
        try:
            for row in range(ends.size):
                texts[row] = whole[edges[row] : edges[row + 1]].decode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise _corrupt(f"the texts of {name[:40]} are not UTF-8") from error
        return texts

    def sparse(self, shape: list[int]) -> Sparse:
        data, indices, indptr = (self.array(name) for name in ("data", "indices", "indptr"))
        fits = (
            len(shape) == 2  # noqa: PLR2004 - rows and columns
            and all(part.ndim == 1 for part in (data, indices, indptr))
            and indices.dtype.kind == indptr.dtype.kind == "i"
            and indptr.size == shape[0] + 1
            and indices.size == data.size
            and indptr[0] == 0
            and indptr[-1] == data.size
            and bool(np.all(np.diff(indptr) >= 0))
            and bool(np.all((indices >= 0) & (indices < shape[1])))
        )
        if not fits:
            raise _corrupt("its sparse matrix points outside itself")
        return Sparse((shape[0], shape[1]), data, indices, indptr)


def _without(found: Array, missing: Array) -> Array:
    if found.dtype == object:
        nothing: object = None
    elif found.dtype.kind in "mM":
        nothing = np.array("NaT", dtype=found.dtype)
    else:
        found, nothing = found.astype(np.result_type(found, np.float64)), np.nan
    result = found.copy()
    result[missing] = nothing
    return result


def _corrupt(why: str) -> Corrupt:
    return Corrupt(
        f"Held-out inputs cannot be read: {why}.",
        hint="Run `mlops verify`; if the store is sound, the snapshot came from a broken or "
        "hostile kernel and should not be used.",
    )
