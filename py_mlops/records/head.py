"""A named head and its moves."""

from __future__ import annotations

from py_mlops.records.author import Author
from py_mlops.records.base import Digest, Record, Time


class HeadMove(Record, frozen=True, tag="head-move"):
    """A head came to point at another record.

    Attributes:
        head: Its name, ``digits@main``.
        previous: What it pointed at before; ``None`` when it is new.
        target: What it points at now.
        created: When.
        author: Who moved it.
        reason: Why, ``snapshot`` or a sentence.
    """

    head: str
    previous: Digest | None
    target: Digest
    created: Time
    author: Author
    reason: str
