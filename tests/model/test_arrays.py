from __future__ import annotations

import contextlib
import io
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_mlops.errors import Corrupt
from py_mlops.model.arrays import read_npy


def npy(array: object) -> bytes:
    """Return an array as an ``.npy`` file."""
    stream = io.BytesIO()
    np.save(stream, np.asarray(array), allow_pickle=True)
    return stream.getvalue()


def forged(header: str, body: bytes = b"\0" * 8) -> bytes:
    """Return an ``.npy`` file with a header of one's own."""
    text = header.encode("latin1")
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


@pytest.mark.parametrize("value", [3.5, [1, 2], [[True], [False]], ["a", "bcd"], np.zeros((0, 5))])
def test_plain(value: object) -> None:
    """Plain arrays are read with every bit in place."""
    array = np.asarray(value)
    again = read_npy(npy(array))
    assert again.dtype == array.dtype
    assert np.array_equal(again, array)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUMPY",
        pickle.dumps([1]),
        npy([object()]),
        npy([1.0, 2.0])[:-1],
        npy([1.0]) + b"\0",
        npy(np.zeros(2, "i4,f4")),
        forged("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}"),
        forged("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -1)}"),
        forged("{'descr': '<U0', 'fortran_order': False, 'shape': (99999999,)}", b""),
        forged("{'descr': '<f8', 'fortran_order': False, 'shape': (0, " + "9" * 30 + ")}", b""),
        forged("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"),
        forged("{'descr': '<f8', 'fortran_order': False, 'shape': (" + "(" * 200 + ")"),
        forged("__import__('os').abort()"),
    ],
    ids=range(14),
)
def test_hostile(data: bytes) -> None:
    """A file that is damaged, lies about its shape or holds objects is refused, never run."""
    with pytest.raises(Corrupt):
        read_npy(data)


@given(st.binary(max_size=40), st.integers(0, 200))
def test_any_damage(noise: bytes, place: int) -> None:
    """Whatever bytes are put into a file, it is read or refused, and nothing else happens."""
    data = npy(np.arange(8.0))
    damaged = data[:place] + noise + data[place + len(noise) :]
    with contextlib.suppress(Corrupt):
        assert read_npy(damaged).nbytes <= len(damaged)
