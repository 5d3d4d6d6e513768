"""One answer of a database on the tape: what is known of its columns, its rows, or its error."""

from __future__ import annotations

import collections
import contextlib
import json
import weakref
from typing import Any, Callable, Iterable, Iterator, NamedTuple, Sequence

from ..observe import observer
from . import rows, sql_error
from .layers import inside, is_inside
from .recording import Recording
from .sql_parameters import normal
from .tape import Tape, Unrecorded, tape

KIND = "sql"
_MOST, _FIRST = 1000, 16  # rows of one line of an answer: at most, and before any is known
_MUTABLE = frozenset({list, dict, set, bytearray, memoryview})
_LINE = 4 << 20
"""Bytes that one line of an answer shall have; a single row may be larger."""
Column = collections.namedtuple(  # noqa: PYI024 - the fields of a DBAPI description are of any type
    "Column", "name type_code display_size internal_size precision scale null_ok"
)


class Question(NamedTuple):
    """A statement put to a database.

    Attributes:
        source: The database, without user and password: ``postgresql://host:5432/name``.
        sql: Its text.
        parameters: Its parameters, in any form the driver takes.
        shown: The database as people are told of it, where that is more than `source`.
    """

    source: str
    sql: str
    parameters: Any = None
    shown: str = ""

    def key(self) -> bytes:
        """Return what tells this question from others."""
        return json.dumps([self.source, self.sql, normal(self.parameters)]).encode()

    def record(self, tape: Tape) -> Writing:
        """Begin to record the answer."""
        return Writing(tape.record(KIND, self.shown or self.source, self.sql, self.key()))

    def replay(self, tape: Tape, driver: Any = None) -> Reading:
        """Open the recorded answer.

        Args:
            tape: Where it is.
            driver: The DBAPI module whose errors the database raised.

        Raises:
            Unrecorded: When there is none.
            Exception: The error that the database answered with.
        """
        path = tape.replay(KIND, self.source, self.sql, self.key())
        return Reading(path, self, driver)


def text_of(sql: Any) -> str:
    """Return a statement's text, in whatever form a driver takes it."""
    if isinstance(sql, (bytes, bytearray, memoryview)):
        return bytes(sql).decode("utf-8", "backslashreplace")
    if not isinstance(sql, str) and hasattr(sql, "as_string"):
        with contextlib.suppress(Exception):
            return str(sql.as_string(None))
    return sql if isinstance(sql, str) else repr(sql)


class Writing:
    """An answer that is being recorded. No method ever raises.

    Attributes:
        batch: How many rows to read next, so that little is held at a time however
            large each of them is.
    """

    def __init__(self, recording: Recording) -> None:
        """Begin with nothing written."""
        self.batch = _FIRST
        self._recording = recording
        self._began = False
        self._made = {"rows": "list", "row": "tuple"}
        self._gathered: list[Sequence[Any]] = []
        recording.before_look = weakref.WeakMethod(self.write_gathered)

    @property
    def ended(self) -> bool:
        """Whether nothing is recorded from now on."""
        return self._recording.ended

    def head(self, cursor: Any) -> None:
        """Record what a cursor knows after the execution; only the first time."""
        if self._began:
            return
        self._began = True
        try:
            description = getattr(cursor, "description", None)
            columns = None if description is None else [_column(item) for item in description]
            about = {
                name: rows.encode_loosely(getattr(cursor, name, None))
                for name in ("rowcount", "lastrowid", "statusmessage")
            }
        except Exception as error:  # of a driver that asks its server
            self._recording.abandon(f"Its columns could not be read: {error}")
            return
        self._line({"columns": columns, **about})
        self._recording.as_far = True

    def made(self, kind: dict[str, str]) -> None:
        """Record of what kind the rows are that follow, where they are no list of tuples.

        Args:
            kind: As a rerun is to make them, by names of our own.
        """
        known = {**self._made, **kind}
        if known != self._made:
            self.write_gathered()
            self._made = known
            self._line({"made": known})

    def one(self, values: Sequence[Any]) -> None:
        """Record one row, together with the next ones unless the program could change it.

        Args:
            values: The row's.
        """
        self._gathered.append(values)
        if len(self._gathered) >= self.batch or not _MUTABLE.isdisjoint(map(type, values)):
            self.write_gathered()

    def write_gathered(self) -> None:
        """Record the rows that were given one by one."""
        gathered, self._gathered = self._gathered, []
        self.rows(gathered)

    def rows(self, batch: Sequence[Any]) -> None:
        """Record rows."""
        try:
            start = 0
            while start < len(batch) and not self.ended:
                some = batch[start : start + self.batch]
                data = rows.dumps(some).encode() + b"\n"
                self._recording.write(data)
                start += len(some)
                self.batch = max(1, min(_MOST, _LINE * len(some) // len(data)))
        except Exception as error:
            self._recording.abandon(str(error))

    def end(self, cursor: Any = None) -> None:
        """Say that there are no more rows.

        Args:
            cursor: Whose they were: some drivers count them as they are read.
        """
        self.write_gathered()
        line: dict[str, Any] = {"end": True}
        with contextlib.suppress(Exception):
            line["rowcount"] = int(cursor.rowcount)
        self._line(line)
        self._recording.finish()

    def passed(self, cursor: Any, batch: Sequence[Any], *, ended: bool) -> None:
        """Record rows that the program has read from the server just now.

        Args:
            cursor: Whose rows they are.
            batch: The rows.
            ended: Whether there are no more.
        """
        if not self.ended:
            self.head(cursor)  # some drivers know the columns after the first row only
            self.write_gathered()
            self.rows(batch)
            if ended:
                self.end(cursor)

    def leave(self, cursor: Any) -> None:
        """Stop where the program stopped to read: it needs no more in a rerun either.

        Args:
            cursor: Whose rows it read.
        """
        if not self.ended:
            self.head(cursor)
            self.write_gathered()
            self._recording.finish()

    def failed(self, error: BaseException, hidden: Iterable[Any] = ()) -> None:
        """Record the error that the database answered with.

        Args:
            error: The driver's.
            hidden: What must not be told of it, see `sql_error.told_of`.
        """
        try:
            line = sql_error.told_of(error, hidden)
        except Exception as problem:  # of a driver's own
            self._recording.abandon(f"The error could not be read: {type(problem).__name__}.")
            return
        self._line(line)
        self._recording.finish()

    def values(self, values: dict[str, Any]) -> None:
        """Record named values instead of rows, those that can be."""
        self._line({"values": {name: rows.encode_loosely(value) for name, value in values.items()}})
        self._recording.finish()

    @property
    def limit(self) -> int:
        """Most bytes of an answer."""
        return self._recording.limit

    def table(self, kind: str) -> None:
        """Begin to record a whole table instead of rows.

        Args:
            kind: Of what type it is.
        """
        self._line({"table": kind})

    def data(self, data: bytes) -> None:
        """Record the next bytes of a table as Arrow's stream."""
        self._recording.write(data)

    def finish(self) -> None:
        """Say that the table is whole."""
        self._recording.finish()

    def abandon(self, problem: str) -> None:
        """Keep only why there is no answer."""
        self._recording.abandon(problem)

    def take_back(self, problem: str) -> None:
        """Abandon it even where it had ended."""
        self._recording.take_back(problem)

    def _line(self, content: dict[str, Any]) -> None:
        try:
            self._recording.write(json.dumps(content).encode() + b"\n")
        except Exception as error:
            self._recording.abandon(f"It could not be written: {error}.")


class Reading:
    """A recorded answer, read as far as the program asks.

    Attributes:
        description: The columns; ``None`` for a statement without rows.
        rowcount: As the driver gave it.
        lastrowid: As the driver gave it.
        statusmessage: As the driver gave it.
        values: The named values, see `Writing.values`.
        table: The type of the whole table that the answer is; empty for rows.
        made: Of what kind the rows are, see `Writing.made`; known with the first of them.
    """

    def __init__(self, path: str, question: Question, driver: Any = None) -> None:
        """Open the answer, or raise the error that it is."""
        self._path, self._question, self._driver = path, question, driver
        with observer().paused():
            self._stream = open(path, "rb")  # noqa: SIM115 - it is read as the program reads
        head = self._next_line()
        if "error" in head:
            raise sql_error.again(head, driver) or Unrecorded(sql_error.text_of(head))
        columns = head.get("columns")
        self.description = columns and [Column(*map(rows.decode_loosely, item)) for item in columns]
        self.rowcount = rows.decode_loosely(head.get("rowcount", -1))
        self.lastrowid = rows.decode_loosely(head.get("lastrowid"))
        self.statusmessage = rows.decode_loosely(head.get("statusmessage"))
        values = head.get("values", {}).items()
        self.values = {
            name: rows.decode_loosely(value) for name, value in values if value != rows.UNKNOWN
        }
        self.table = str(head.get("table", ""))
        self.made: dict[str, str] = {}
        self._ended = columns is None

    def batches(self) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows as they were recorded, some at a time.

        Raises:
            Unrecorded: When more rows are asked for than the recorded run read.
        """
        while not self._ended:
            line = self._next_line()
            if isinstance(line, list):
                yield rows.load(line)
            elif "made" in line:
                self.made = line["made"]
            else:
                self._ended = True
                self.rowcount = line.get("rowcount", self.rowcount)
        self._stream.close()

    def rest(self) -> bytes:
        """Return the bytes of the table."""
        with observer().paused(), self._stream:
            return bytes(self._stream.read())

    def again(self) -> Reading:
        """Return the same answer, to be read from its first row."""
        return Reading(self._path, self._question, self._driver)

    def _next_line(self) -> Any:
        try:
            with observer().paused():
                line = self._stream.readline()
            if line:
                return json.loads(line)
        except (OSError, ValueError) as error:
            raise Unrecorded(f"A recorded answer is damaged: {self._question.sql}") from error
        raise Unrecorded(
            f"The recorded run read fewer rows of this than are asked for now: {self._question.sql}"
        )


def recorded(
    asked: Callable[[], Question], execute: Callable[[], Any]
) -> tuple[Any, Writing | None]:
    """Execute a statement once, and record the error if it is one.

    Args:
        asked: Returns the question; only called when it is needed.
        execute: Lets the driver do it.

    Returns:
        What the driver returned, and where its rows are to be recorded; ``None``
        where they are not.
    """
    writing = begin(asked)
    try:
        with inside():
            return execute(), writing
    except Exception as error:
        if writing is not None:
            writing.failed(error)
        raise


def begin(asked: Callable[[], Question]) -> Writing | None:
    """Begin to record an answer, unless it is recorded already or nothing records.

    Args:
        asked: Returns the question; only called when it is needed.
    """
    kept = tape()
    if kept is None or kept.mode != "record" or is_inside():
        return None
    try:
        return asked().record(kept)
    except Exception:
        kept.failures += 1
        return None


class Rowless:
    """What is recorded of a cursor whose statement has no rows, whatever the one before had."""

    description = None

    def __init__(self, cursor: Any) -> None:
        """Take what the cursor knows otherwise."""
        self.rowcount = cursor.rowcount
        self.lastrowid = getattr(cursor, "lastrowid", None)
        self.statusmessage = getattr(cursor, "statusmessage", None)


def playing(sql: Any) -> Tape:
    """Return the tape that plays back.

    Args:
        sql: The statement that is to be answered.

    Raises:
        Unrecorded: When there is none.
    """
    kept = tape()
    if kept is None:
        raise Unrecorded(f"Nothing plays back here: {text_of(sql)}")
    return kept


def _column(item: Sequence[Any]) -> list[Any]:
    fields = [rows.encode_loosely(field) for field in tuple(item)[:7]]
    return fields + [None] * (7 - len(fields))
