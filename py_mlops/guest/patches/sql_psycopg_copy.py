"""``COPY`` through psycopg 3: what comes is recorded, of what is sent a digest."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import re
import sys
from typing import Any, AsyncIterator, Callable, Iterator

from .sql_answer import KIND, Question, Rowless, Writing, begin, playing, text_of

Source = Callable[[Any], str]
"""Returns the database of a cursor."""

_COPY_IN = 4  # libpq's PGRES_COPY_IN
_HELD, _HELD_BYTES = 1000, 1 << 20


class Pieces:
    """Data that comes, recorded some pieces at a time: each is a row, and behind them is a count.

    Attributes:
        description: Its one column.
        rowcount: Known only at the end.
    """

    description = (("data", None, None, None, None, None, None),)
    rowcount = -1

    def __init__(self, writing: Writing, *first: Any) -> None:
        """Begin with what is known of the data."""
        self._writing = writing
        self._held: list[Any] = []
        self._size = 0
        writing.head(self)
        writing.rows([first])

    def take(self, data: bytes) -> None:
        """Record a piece."""
        self._held.append((data,))
        self._size += len(data)
        if len(self._held) >= _HELD or self._size >= _HELD_BYTES:
            self._flush()

    def end(self, rowcount: int) -> None:
        """Say that there is no more, and how many rows it was."""
        self._held.append((rowcount,))
        self._flush()
        self._writing.end()

    def leave(self, error: BaseException | None) -> None:
        """End where the program stopped to read, or the database to send."""
        if error is not None and hasattr(error, "sqlstate"):
            self._writing.take_back("It broke off in the midst of its data.")
        self._flush()
        self._writing.leave(self)

    def _flush(self) -> None:
        held, self._held, self._size = self._held, [], 0
        self._writing.passed(self, held, ended=False)


def sending(source: str, sql: str, parameters: Any, digest: str) -> Question:
    """Return the question that data which is sent to a database puts.

    Args:
        source: The database.
        sql: The statement.
        parameters: Its parameters.
        digest: Of the data.
    """
    return Question(source, sql, {"given": parameters, "sent": digest})


def patch_copy(module: Any, source: Source) -> None:
    """Let ``copy`` record what the program reads, as it reads.

    Args:
        module: ``psycopg``.
        source: Returns the database of a cursor.
    """
    module.Cursor.copy = _copy(module.Cursor.copy, source)
    module.AsyncCursor.copy = _async_copy(module.AsyncCursor.copy, source)


def _copy(copy: Any, source: Source) -> Any:
    @contextlib.contextmanager
    @functools.wraps(copy)
    def run(cursor: Any, statement: Any, params: Any = None, **kwargs: Any) -> Iterator[Any]:
        copying = _Copying(cursor, source, statement, params)
        with copying, copy(cursor, statement, params, **kwargs) as given:
            yield copying.follow(given)

    return run


def _async_copy(copy: Any, source: Source) -> Any:
    @contextlib.asynccontextmanager
    @functools.wraps(copy)
    async def run(
        cursor: Any, statement: Any, params: Any = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        with _Copying(cursor, source, statement, params) as copying:
            async with copy(cursor, statement, params, **kwargs) as given:
                yield copying.follow(given)

    return run


class _Copying:
    """One ``copy`` of a cursor."""

    def __init__(self, cursor: Any, source: Source, sql: Any, parameters: Any) -> None:
        self._cursor = cursor
        self._asked: Callable[[], Question] = lambda: Question(
            source(cursor), text_of(sql), parameters or None
        )
        self._pieces: Pieces | None = None
        self._sent: Any = None
        self._began = self._lost = False

    def __enter__(self) -> Any:
        return self

    def follow(self, copy: Any) -> Any:
        """See what passes through psycopg's own copy; return that."""
        self._began = True
        try:
            self._follow(copy)
        except Exception as error:  # another psycopg than those we know; the program goes on
            self._lost = True
            writing = begin(self._asked)
            if writing is not None:
                writing.abandon(f"What Cursor.copy moves cannot be followed: {error}")
        return copy

    def _follow(self, copy: Any) -> None:
        if int(copy._direction) == _COPY_IN:  # noqa: SLF001 - psycopg says it nowhere else
            self._sent = hashlib.sha256()
            copy._write = self._seen(copy._write)  # noqa: SLF001 - all that is sent goes there
            return
        read, form = copy._read_gen, copy.formatter.format  # noqa: SLF001 - all that comes does
        columns = self._cursor.pgresult.nfields
        writing = begin(self._asked)
        if writing is not None:
            self._pieces = Pieces(writing, int(form) == 1, columns)
            copy._read_gen = self._reading(self._pieces, read)  # noqa: SLF001

    def _seen(self, write: Any) -> Any:
        def run(data: Any) -> Any:
            self._sent.update(data)
            return write(data)

        return run

    def _reading(self, pieces: Pieces, read: Any) -> Any:
        def run() -> Any:
            data = yield from read()
            if data:
                pieces.take(bytes(data))
            else:
                pieces.end(self._cursor.rowcount)
            return data

        return run

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if self._lost:
            return
        if self._pieces is not None:
            self._pieces.leave(error)
        elif error is None or hasattr(error, "sqlstate"):  # and none of the program's own
            self._answer(error)

    def _answer(self, error: Any) -> None:
        """Record what the database said to what was sent, or to the statement."""
        writing = begin(self._put if self._began else self._asked)
        if writing is None:
            return
        if error is not None:
            writing.failed(error)
        else:
            writing.head(Rowless(self._cursor))
            writing.end()

    def _put(self) -> Question:
        asked = self._asked()
        return sending(asked.source, asked.sql, asked.parameters, self._sent.hexdigest())


class StandInCopy:
    """A ``psycopg.Copy`` over recorded data."""

    def __init__(self, cursor: Any, sql: Any, parameters: Any = None) -> None:
        """Look up the data that the statement brought; without it, data is taken.

        Args:
            cursor: The stand-in it belongs to.
            sql: The statement.
            parameters: Its parameters.

        Raises:
            Exception: The error that the database answered with.
        """
        self._cursor, self._psycopg = cursor, cursor.connection.driver
        self._asked = Question(cursor.source, text_of(sql), parameters or None)
        kept = playing(sql)
        self._sent = hashlib.sha256()
        self._pieces: Iterator[Any] = iter(())
        self._sends = not kept.knows(KIND, self._asked.key())
        binary, columns = re.search(r"\bbinary\b", self._asked.sql, re.IGNORECASE) is not None, 0
        if not self._sends:
            reading = self._asked.replay(kept, self._psycopg)
            self._pieces = itertools.chain.from_iterable(reading.batches())
            binary, columns = next(self._pieces)
        own = sys.modules.get("psycopg._copy_base", self._psycopg.copy)
        # The compiled ones want the server's result beside the data.
        own.parse_row_text, own.parse_row_binary = own._parse_row_text, own._parse_row_binary  # noqa: SLF001
        formatter = own.BinaryFormatter if binary else own.TextFormatter
        self.formatter = formatter(self._psycopg.adapt.Transformer(None))
        self.formatter.transformer.set_loader_types([0] * columns, self.formatter.format)

    def __enter__(self) -> Any:
        """Return it."""
        return self

    def __exit__(self, _kind: object, error: object, _trace: object) -> None:
        """Look up what the database said to what was sent."""
        if self._sends and error is None:
            self._sent.update(self.formatter.end())
            digest = self._sent.hexdigest()
            question = sending(self._asked.source, self._asked.sql, self._asked.parameters, digest)
            self._cursor.answer(question)

    def set_types(self, types: Any) -> None:
        """Say of which types the columns are."""
        types_known = self._psycopg.adapters.types
        numbers = [kind if isinstance(kind, int) else types_known.get_oid(kind) for kind in types]
        transformer, form = self.formatter.transformer, self.formatter.format
        transformer.set_loader_types(numbers, form)
        if self._sends:
            transformer.set_dumper_types(numbers, form)

    def read(self) -> Any:
        """Return the next piece of data; empty after the last."""
        piece = next(self._pieces, (b"",))[0]
        if isinstance(piece, int):
            self._cursor.rowcount, piece = piece, b""
        return memoryview(piece)

    def read_row(self) -> Any:
        """Return the next row, ``None`` after the last."""
        data = self.read()
        return self.formatter.parse_row(data) if data else None

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the pieces that are left."""
        return iter(self.read, memoryview(b""))

    def rows(self) -> Iterator[Any]:
        """Iterate over the rows that are left."""
        return iter(self.read_row, None)

    def write(self, buffer: Any) -> None:
        """Take data."""
        self._sent.update(self.formatter.write(buffer))

    def write_row(self, row: Any) -> None:
        """Take a row."""
        self._sent.update(self.formatter.write_row(row))


class AsyncStandInCopy(StandInCopy):
    """A ``psycopg.AsyncCopy`` over recorded data."""

    async def __aenter__(self) -> Any:
        """Return it."""
        return self

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        """Look up what the database said to what was sent."""
        self.__exit__(kind, error, trace)

    async def read(self) -> Any:
        """Return the next piece of data; empty after the last."""
        return super().read()

    async def read_row(self) -> Any:
        """Return the next row, ``None`` after the last."""
        data = super().read()
        return self.formatter.parse_row(data) if data else None

    async def __aiter__(self) -> Any:
        """Iterate over the pieces that are left."""
        for piece in iter(super().read, memoryview(b"")):
            yield piece

    async def rows(self) -> Any:
        """Iterate over the rows that are left."""
        while (row := await self.read_row()) is not None:
            yield row

    async def write(self, buffer: Any) -> None:  # type: ignore[override] # awaited
        """Take data."""
        super().write(buffer)

    async def write_row(self, row: Any) -> None:  # type: ignore[override] # awaited
        """Take a row."""
        super().write_row(row)
