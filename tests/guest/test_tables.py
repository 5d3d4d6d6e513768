from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from py_mlops.guest.problem import Problem
from py_mlops.guest.tables import save
from py_mlops.model.tables import Sparse, load_inputs
from py_mlops.records import ArraySpec


def there_and_back(value: object, folder: Path) -> tuple[ArraySpec, Any]:
    """Save a value, check the spec's shape, and load it again."""
    path = folder / "inputs.npz"
    spec = msgspec.convert(save(value, str(path)), ArraySpec)
    return spec, load_inputs(path.read_bytes())


@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "uint16", "int64", "float16", "float32", "float64", "complex64",
              "datetime64[ns]", "timedelta64[s]", "S3", ">f4"],
)  # fmt: skip
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 4)])
def test_arrays(dtype: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    """An array comes back with its shape, type and every bit."""
    array = np.ones(shape, dtype="int64").astype(dtype)
    spec, again = there_and_back(array, tmp_path)
    assert spec == ArraySpec(shape=list(shape), dtype=array.dtype.name, columns=[])
    assert again.dtype == array.dtype
    assert again.shape == shape
    assert again.tobytes() == array.tobytes()


def test_fortran_order(tmp_path: Path) -> None:
    """An array stored by columns comes back with its elements in place."""
    array = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    assert np.array_equal(there_and_back(array, tmp_path)[1], array)


def test_lists(tmp_path: Path) -> None:
    """Lists of numbers come back as arrays, and lists of texts as arrays of texts."""
    assert there_and_back([[1, 2], [3, 4]], tmp_path)[1].tolist() == [[1, 2], [3, 4]]
    spec, texts = there_and_back(["a", "", "zoë\ud800"], tmp_path)
    assert spec == ArraySpec(shape=[3], dtype="str", columns=[])
    assert texts.tolist() == ["a", "", "zoë\ud800"]


def test_one_long_text_costs_its_own_length(tmp_path: Path) -> None:
    """Documents of unequal length take the space of their letters, not of the longest."""
    texts = ["x"] * 1000 + ["y" * 100_000]
    assert there_and_back(texts, tmp_path)[1].tolist() == texts
    assert (tmp_path / "inputs.npz").stat().st_size < 120_000


def test_series(tmp_path: Path) -> None:
    """A Series comes back without its index; missing numbers are NaN, missing texts None."""
    numbers = pd.Series([1, None, 3], dtype="Int64", index=[7, 8, 9])
    assert np.array_equal(there_and_back(numbers, tmp_path)[1], [1, np.nan, 3], equal_nan=True)
    texts = pd.Series(["a", None])
    assert there_and_back(texts, tmp_path)[1].tolist() == ["a", None]


def test_data_frame(tmp_path: Path) -> None:
    """A data frame comes back as its columns, whatever their types."""
    frame = pd.DataFrame(
        {
            "whole": [1, 2],
            "float": [1.5, np.nan],
            "text": ["x", None],
            "category": pd.Categorical(["u", "v"]),
            "date": pd.to_datetime(["2020-01-01", "2021-01-01"]),
            "zone": pd.to_datetime(["2020-01-01", "2021-01-01"]).tz_localize("UTC"),
            "maybe": pd.array([True, None], dtype="boolean"),
            7: np.array([b"\0", b"a"]),
        },
        index=["first", "second"],
    ).drop(columns=7)
    spec, columns = there_and_back(frame, tmp_path)
    assert spec == ArraySpec(shape=[2, 7], dtype="table", columns=list(frame.columns))
    assert list(columns) == list(frame.columns)
    assert columns["whole"].tolist() == [1, 2]
    assert np.array_equal(columns["float"], [1.5, np.nan], equal_nan=True)
    assert columns["text"].tolist() == ["x", None]
    assert columns["category"].tolist() == ["u", "v"]
    assert columns["date"].dtype.kind == "M"
    assert columns["zone"].tolist()[0] == "2020-01-01 00:00:00+00:00"
    assert np.array_equal(columns["maybe"], [1.0, np.nan], equal_nan=True)


def test_columns_of_one_name(tmp_path: Path) -> None:
    """Columns that share a name are told apart by a number."""
    frame = pd.DataFrame([[1, 2, 3]], columns=["a", "a", 0])
    assert list(there_and_back(frame, tmp_path)[1]) == ["a", "a.1", "0"]


def test_dict_of_arrays(tmp_path: Path) -> None:
    """A dict of arrays of any width, as networks take it, comes back as it was."""
    _, again = there_and_back({"ids": np.ones((2, 3)), "text": ["a", "b"]}, tmp_path)
    assert again["ids"].shape == (2, 3)
    assert again["text"].tolist() == ["a", "b"]


def test_masked_array(tmp_path: Path) -> None:
    """What is masked is missing, whatever number stands below the mask."""
    values = np.ma.array([1, 2, 3], mask=[False, True, False])
    assert np.array_equal(there_and_back(values, tmp_path)[1], [1, np.nan, 3], equal_nan=True)


def test_objects_of_numpy_and_pandas_in_a_column(tmp_path: Path) -> None:
    """Intervals, periods, times and truth values in a column of objects are kept as they read."""
    mixed = [np.True_, None, np.False_]
    frame = pd.DataFrame(
        {
            "cut": pd.cut(pd.Series([1.0, 2.0, 3.0]), [0, 2, 4]),
            "month": pd.period_range("2020-01", periods=3, freq="M"),
            "true": pd.Series(mixed, dtype=object),
            "time": pd.Series([np.datetime64("2020-01-01"), None, None], dtype=object),
        }
    )
    _, columns = there_and_back(frame, tmp_path)
    assert columns["cut"].tolist() == ["(0, 2]", "(0, 2]", "(2, 4]"]
    assert columns["month"].tolist() == ["2020-01", "2020-02", "2020-03"]
    assert np.array_equal(columns["true"], [1, np.nan, 0], equal_nan=True)
    assert columns["time"].tolist() == ["2020-01-01", None, None]


def test_sparse(tmp_path: Path) -> None:
    """A sparse matrix of any kind comes back in its compressed form, never made dense."""
    matrix = scipy.sparse.coo_matrix(([1.0, 2.0], ([0, 9], [5, 99_999])), shape=(10, 100_000))
    spec, again = there_and_back(matrix, tmp_path)
    assert spec.shape == [10, 100_000]
    assert isinstance(again, Sparse)
    back = scipy.sparse.csr_matrix((again.data, again.indices, again.indptr), shape=again.shape)
    assert (back != matrix.tocsr()).nnz == 0


def test_same_bytes_again(tmp_path: Path) -> None:
    """The same inputs give the same file, so that storing them again is free."""
    frame = pd.DataFrame({"a": [1.0], "b": ["x"]})
    for name in ("one", "two"):
        save(frame, str(tmp_path / name))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize(
    "value",
    [object(), [[1], [1, 2]], [{"a": 1}], {"a": [1], "b": [1, 2]}, np.zeros(2, dtype="i4,f4")],
)
def test_refused(value: object, tmp_path: Path) -> None:
    """Inputs that are no plain values are refused in words, and nothing is pickled."""
    with pytest.raises(Problem):
        save(value, str(tmp_path / "inputs.npz"))
