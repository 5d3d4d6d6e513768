"""A statement with many sets of parameters: they are digested on their way to the driver."""

from __future__ import annotations

import contextlib
import hashlib
import json
import types
from typing import Any, Callable, Iterable, Iterator

from .layers import inside, is_inside, outside
from .sql_answer import KIND, Question, Reading, Writing, begin, text_of
from .sql_parameters import normal
from .tape import Tape, tape

Source = Callable[[], str]
"""Returns the database; only called when it is needed."""


class Many:
    """An ``executemany`` that a driver is about to do.

    Attributes:
        parameters: What the driver is to be given. A list, or what is like one, is the
            program's own; anything else is read once, as far and as fast as the
            driver reads it, and nothing of it is held.
        writing: Where its answer is recorded, once it is done; ``None`` where it is not.
    """

    def __init__(self, parameters: Any) -> None:
        """Take what the program gave, to be handed on as it is."""
        self.parameters = parameters
        self.writing: Writing | None = None


class Sets:
    """Sets of parameters that are counted and digested while somebody reads them.

    Attributes:
        count: How many were read.
        error: What the program's own iterator raised.
    """

    def __init__(self, given: Iterable[Any]) -> None:
        """Begin with none read."""
        self.count = 0
        self.error: BaseException | None = None
        self._digest = hashlib.sha256()
        self._given = iter(given)

    def __iter__(self) -> Iterator[Any]:
        """Return itself: it can be read once."""
        return self

    def __next__(self) -> Any:
        """Return the next set, made by the program's own code as if nobody stood between."""
        try:
            with outside():
                one = next(self._given)
        except StopIteration:
            raise
        except BaseException as error:
            self.error = error
            raise
        self.count += 1
        self._digest.update(_text(one))
        return one

    def read(self) -> None:
        """Read them all."""
        for _ in self:
            pass

    def question(self, source: str, sql: str) -> Question:
        """Return the question that was put with the sets read so far."""
        return Question(source, sql, {"sets": self.count, "many": self._digest.hexdigest()})

    def failing(self, source: str, sql: str, before: int) -> Question:
        """Return the same for the database's error after them.

        Args:
            source: The database.
            sql: The statement.
            before: How often it had been given many sets: it may well succeed another time.
        """
        asked = self.question(source, sql)
        return asked._replace(parameters=dict(asked.parameters, failing=before))


@contextlib.contextmanager
def many(source: Source, sql: Any, parameters: Any) -> Iterator[Many]:
    """Return a context in which a driver executes a statement many times; an error is recorded.

    Args:
        source: Returns the database.
        sql: The statement.
        parameters: What the program gave.
    """
    kept, asking = tape(), Many(parameters)
    if kept is None or kept.mode != "record" or is_inside():
        yield asking
        return
    before, sets = 0, None
    with contextlib.suppress(Exception):  # nothing to go through: the driver is to judge it
        before, sets = _before(kept, sql), _sets(asking, parameters)
    if sets is None:
        with inside():
            yield asking
        writing = begin(lambda: Question(source(), text_of(sql)))
        if writing is not None:
            writing.abandon("Its parameters are of a type that is not recorded.")
        return
    try:
        with inside():
            yield asking
    except Exception as error:
        if error is not sets.error:
            writing = begin(lambda: sets.failing(source(), text_of(sql), before))
            if writing is not None:
                writing.failed(error)
        raise
    asking.writing = begin(lambda: sets.question(source(), text_of(sql)))


def _sets(asking: Many, parameters: Any) -> Sets:
    """Begin to digest parameters, without anything that the program would notice."""
    sets = Sets(parameters)
    kind = type(parameters)
    if hasattr(kind, "__getitem__") and hasattr(kind, "__len__"):
        sets.read()  # now: the driver may well change what it is given
    elif kind is types.GeneratorType or iter(parameters) is not parameters:
        # Some drivers take no other iterator; and what gives an iterator may give it only once.
        asking.parameters = (one for one in sets)
    else:
        asking.parameters = sets
    return sets


def replay_many(kept: Tape, source: str, sql: Any, parameters: Any, driver: Any = None) -> Reading:
    """Open the recorded answer; the sets are read as far as the recorded run read them.

    Args:
        kept: Where it is.
        source: The database.
        sql: The statement.
        parameters: What the program gave.
        driver: The DBAPI module whose errors the database raised.

    Raises:
        Unrecorded: When there is none.
        Exception: The error that the database answered with.
    """
    before, text, sets = _before(kept, sql), text_of(sql), Sets(parameters)
    for _ in sets:
        failing = sets.failing(source, text, before)
        if kept.knows(KIND, failing.key()):
            return failing.replay(kept, driver)
    return sets.question(source, text).replay(kept, driver)


def _before(kept: Tape, sql: Any) -> int:
    return kept.nth(KIND, "many " + text_of(sql))


def _text(one: Any) -> bytes:
    try:
        return json.dumps(normal(one)).encode() + b"\n"
    except Exception:  # of a type of the program's own; the driver is to judge it
        return type(one).__qualname__.encode("utf-8", "backslashreplace") + b"\n"
