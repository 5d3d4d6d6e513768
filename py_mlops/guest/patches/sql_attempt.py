"""Connections that a server refused: in a rerun they fail again, each in its turn."""

from __future__ import annotations

from typing import Any, Callable, Sequence

from .layers import inside, is_inside
from .sql_answer import KIND, Question, begin
from .sql_postgres import CONNECTION
from .tape import Tape, tape


def attempt(source: str, secrets: Sequence[Any], connect: Callable[[], Any]) -> Any:
    """Let a driver connect, and record the error with which it fails.

    Args:
        source: The database, without user and password.
        secrets: Both of these.
        connect: Lets the driver do it.
    """
    kept = tape()
    if kept is None or kept.mode != "record" or is_inside():
        return connect()
    question = _question(kept, source)
    try:
        with inside():
            return connect()
    except Exception as error:
        writing = begin(lambda: question)
        if writing is not None:
            writing.failed(error, secrets)
        raise


def fail_again(source: str, driver: Any) -> None:
    """Raise what the recorded attempt at this turn raised, if it did.

    Args:
        source: As for `attempt`.
        driver: The module whose errors the server's were.

    Raises:
        Exception: The driver's.
    """
    kept = tape()
    if kept is not None:
        question = _question(kept, source)
        if kept.knows(KIND, question.key()):
            question.replay(kept, driver)


def _question(kept: Tape, source: str) -> Question:
    return Question(source, CONNECTION, {"attempt": kept.nth(KIND, f"attempt {source}")})
