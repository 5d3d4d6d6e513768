"""Reads someone else's ``.npy`` file: checked before a byte is believed, never unpickled."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from py_mlops.errors import Corrupt

Array = NDArray[Any]

_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_KINDS = "biufcmMSU"


def read_npy(data: bytes) -> Array:
    """Return the array in an ``.npy`` file, without copying it.

    Only plain elements are read (numbers, booleans, times, fixed-width texts);
    the shape must account for every byte of the file, so that a header cannot
    make us allocate anything.

    Args:
        data: The file; hostile until it passes.

    Returns:
        A read-only array.

    Raises:
        Corrupt: When it is truncated, not of this format, or holds objects.
    """
    stream = io.BytesIO(data)
    try:
        header = _HEADERS[npy.read_magic(stream)](stream)
    except Exception as error:
        raise _corrupt("its header cannot be read") from error
    shape, fortran, dtype = header
    if dtype.hasobject or dtype.kind not in _KINDS or dtype.itemsize == 0:
        raise _corrupt(f"its elements are of type {dtype.str[:20]}, which we do not read")
    count = math.prod(shape)
    if min(shape, default=0) < 0 or count * dtype.itemsize != len(data) - stream.tell():
        raise _corrupt("its shape and its length do not fit each other")
    try:
        flat = np.frombuffer(data, dtype, count, stream.tell()) if count else np.empty(0, dtype)
        return flat.reshape(shape, order="F" if fortran else "C")
    except ValueError as error:  # sides beyond what numpy can count, beside an empty one
        raise _corrupt("its shape is beyond numpy's limits") from error


def _corrupt(why: str) -> Corrupt:
    return Corrupt(
        f"An array in the store cannot be read: {why}.",
        hint="Run `mlops verify`; if the store is sound, the snapshot came from a broken or "
        "hostile kernel and should not be used.",
    )
