"""Whole tables that a driver gives as Arrow, pandas or polars: each is recorded as one answer."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
from typing import Any, Callable, Iterator

from ..observe import observer
from .layers import inside
from .sql_answer import Question, Writing, begin, playing

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
        What it answered. A stream is another of the same batches.
    """
    writing = begin(question)
    try:
        with inside(), _driving():
            result = ask()
    except Exception as error:
        if writing is not None:
            writing.failed(error)
        raise
    return result if writing is None else _kept(writing, result)


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


def _kept(writing: Writing, result: Any) -> Any:
    """Record a result and return it, or what gives the same piece by piece as it is recorded."""
    kind = type(result)
    place = f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}"
    try:
        if place == "pyarrow.RecordBatchReader":
            return _passing(importlib.import_module("pyarrow"), place, result, writing)
        if kind.__qualname__ == "ArrowArrayStreamHandle":  # ADBC's
            arrow = importlib.import_module("pyarrow")
            reader = arrow.RecordBatchReader.from_stream(result)
            return _Stream(_passing(arrow, "stream", reader, writing))
        _keep(writing, place, result)
    except Exception as error:
        writing.abandon(f"The table cannot be kept: {error}")
    return result


def _keep(writing: Writing, place: str, result: Any) -> None:
    if result is None:
        writing.table("none")
    elif place == "polars.DataFrame":
        _bounded(writing, result.estimated_size())
        writing.table(place)
        result.write_ipc_stream(_Sink(writing))
    else:
        arrow = importlib.import_module("pyarrow")
        table = result
        if place == "pandas.DataFrame":
            _bounded(writing, int(result.memory_usage(deep=False).sum()))
            table = _of_pandas(arrow, result)
            if not _same(_to_pandas(table), result):
                raise TypeError("a column is of a type that Arrow does not give back")
        elif place != "pyarrow.Table":
            raise TypeError(f"it is of type {type(result).__module__}.{type(result).__qualname__}")
        _bounded(writing, table.nbytes)
        writing.table(place)
        with arrow.ipc.new_stream(_Sink(writing), table.schema) as writer:
            writer.write_table(table)
    writing.finish()


def _bounded(writing: Writing, size: int) -> None:
    """Refuse what could not be kept, before anything is made of it."""
    if size > writing.limit:
        raise ValueError(f"it is larger than {writing.limit:,} bytes")


def _passing(arrow: Any, kind: str, reader: Any, writing: Writing) -> Any:
    """Return a reader of the same batches, each of which is recorded as the program reads it."""

    def batches() -> Iterator[Any]:
        writing.table(kind)
        writer = arrow.ipc.new_stream(_Sink(writing), reader.schema)
        try:
            for batch in reader:
                with contextlib.suppress(Exception):  # the program's own reading goes on
                    if not writing.ended:
                        writer.write_batch(batch)
                yield batch
        except BaseException as error:
            writing.abandon(f"It was not read to its end: {error}")
            raise
        with contextlib.suppress(Exception):
            writer.close()
        writing.finish()

    return arrow.RecordBatchReader.from_batches(reader.schema, batches())


class _Sink(io.RawIOBase):
    """A file that is an answer's."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._writing.data(bytes(data))
        return len(data)


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


def _same(one: Any, other: Any) -> bool:
    alike = list(one.columns) == list(other.columns) and list(one.dtypes) == list(other.dtypes)
    return alike and type(one.index) is type(other.index) and bool(one.equals(other))


class _Stream:
    """What ADBC's newest cursors give: batches for whoever speaks Arrow's C interface."""

    def __init__(self, batches: Any) -> None:
        self._batches = batches

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._batches.__arrow_c_stream__(requested_schema)
