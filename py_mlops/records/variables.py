"""Which environment variables a program read."""

from __future__ import annotations

from py_mlops.records.base import Part


class Variable(Part, frozen=True):
    """An environment variable that the program's own code read; its value is not kept.

    Attributes:
        name: Its name.
        was_set: Whether it had a value before the program itself set one.
        known: What of the value stands in the recorded answers anyway: an
            address without user and password, or a part of one. A rerun gets
            this, or else a stand-in that says that the value was not kept.
    """

    name: str
    was_set: bool
    known: str
