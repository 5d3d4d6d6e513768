"""Whole tables that a driver gives as Arrow, pandas or polars: each is recorded as one answer."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
from typing import Any, Callable, Iterator

from ..observe import observer
from .layers import inside
from .sql_answer import Question, begin, playing

METHODS = frozenset(
    {
        *("fetch_arrow_table", "fetch_arrow_all", "fetchall_arrow", "fetchallarrow", "fetch_arrow"),
        *("fetch_pandas_all", "fetch_df", "fetch_dataframe", "fetch_polars"),
    }
)
"""By these, cursors of ADBC, Snowflake, Databricks and Redshift give all rows that are left."""

_OBJECTS = b"objects"
"""Where a table says which columns were of objects, for which pandas has other types, too."""


def asked(question: Callable[[], Question], ask: Callable[[], Any]) -> Any:
    """Let a driver answer with a table, and record it or the error.

    Args:
        question: Returns the question; only called when it is needed.
        ask: Lets the driver answer.

    Returns:
        What it answered. A stream that can be read once is another of the same content.
    """
    writing = begin(question)
    try:
        with inside(), _driving():
            result = ask()
    except Exception as error:
        if writing is not None:
            writing.failed(error)
        raise
    if writing is not None:
        try:
            kind, data, result = _packed(result)
        except Exception as error:
            writing.abandon(f"The table cannot be kept: {error}")
        else:
            writing.table(kind, data)
    return result


def replayed(question: Question, driver: Any = None) -> Any:
    """Return the recorded table.

    Args:
        question: What is asked for it.
        driver: The module whose errors the database raised.

    Raises:
        Unrecorded: When there is none.
        Exception: The error that the database answered with.
    """
    reading = question.replay(playing(question.sql), driver)
    return _unpacked(reading.table, reading.rest())


@contextlib.contextmanager
def _driving() -> Iterator[None]:
    """Take what any thread connects to inside for a driver's: compiled ones have some."""
    tracer = observer().level.trace.tracer
    tracer.drivers(1)
    try:
        with observer().driver():
            yield
    finally:
        tracer.drivers(-1)


def _packed(result: Any) -> tuple[str, bytes, Any]:
    """Return the kind of a table, its bytes, and what the program is to be given."""
    kind = type(result)
    place = f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}"
    if result is None:
        return "none", b"", None
    if place == "polars.DataFrame":
        target = io.BytesIO()
        result.write_ipc_stream(target)
        return place, target.getvalue(), result
    arrow = importlib.import_module("pyarrow")
    if place == "pandas.DataFrame":
        table = _of_pandas(arrow, result)
        if not _same(_to_pandas(table), result):
            raise TypeError("a column is of a type that Arrow does not give back")
        return place, _stream(arrow, table), result
    if isinstance(result, arrow.Table):
        return "pyarrow.Table", _stream(arrow, result), result
    if isinstance(result, arrow.RecordBatchReader):
        table = result.read_all()
        return "pyarrow.RecordBatchReader", _stream(arrow, table), table.to_reader()
    if hasattr(result, "__arrow_c_stream__"):
        table = arrow.table(result)
        return "stream", _stream(arrow, table), _Stream(table)
    raise TypeError(f"it is of type {kind.__module__}.{kind.__qualname__}")


def _unpacked(kind: str, data: bytes) -> Any:
    if kind == "none":
        return None
    if kind == "polars.DataFrame":
        return importlib.import_module("polars").read_ipc_stream(data)
    table = importlib.import_module("pyarrow").ipc.open_stream(data).read_all()
    makers: dict[str, Callable[[], Any]] = {
        "pyarrow.Table": lambda: table,
        "pyarrow.RecordBatchReader": table.to_reader,
        "pandas.DataFrame": lambda: _to_pandas(table),
        "stream": lambda: _Stream(table),
    }
    return makers[kind]()


def _of_pandas(arrow: Any, frame: Any) -> Any:
    """Return a frame as a table that says which columns were of Python's objects."""
    table = arrow.Table.from_pandas(frame)
    objects = [place for place, dtype in enumerate(frame.dtypes) if str(dtype) == "object"]
    told = {**(table.schema.metadata or {}), _OBJECTS: json.dumps(objects).encode()}
    return table.replace_schema_metadata(told)


def _to_pandas(table: Any) -> Any:
    frame = table.to_pandas()
    for place in json.loads(table.schema.metadata[_OBJECTS]):
        series = type(frame.iloc[:, place])
        column = series(table.column(place).to_pylist(), index=frame.index, dtype=object)
        frame[frame.columns[place]] = column
    return frame


def _stream(arrow: Any, table: Any) -> bytes:
    target = arrow.BufferOutputStream()
    with arrow.ipc.new_stream(target, table.schema) as writer:
        writer.write_table(table)
    return bytes(target.getvalue())


def _same(one: Any, other: Any) -> bool:
    alike = list(one.columns) == list(other.columns) and list(one.dtypes) == list(other.dtypes)
    return alike and type(one.index) is type(other.index) and bool(one.equals(other))


class _Stream:
    """What ADBC's newest cursors give: a table for whoever speaks Arrow's C interface."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._table.__arrow_c_stream__(requested_schema)
