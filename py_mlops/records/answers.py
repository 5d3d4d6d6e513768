"""What a program was told from outside, by a database or a web server."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from py_mlops.records.base import Blob, Part

AnswerKind = Literal["sql", "http"]
"""How the question was asked."""

KeyDigest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""Hex sha256 of everything that makes one question equal to another."""


class Answer(Part, frozen=True):
    """One answer, as a rerun is given it again.

    Attributes:
        kind: ``sql`` a database's, ``http`` a web server's.
        source: Who answered, without user and password: ``https://example.org``.
        request: What was asked, for people: the statement, or method and URL.
        key: What makes this question equal to another one.
        occurrence: How many equal questions were asked before it.
        cell: Execution count of the cell that asked.
        blob: The answer's bytes; ``docs/format.md`` specifies them.
    """

    kind: AnswerKind
    source: str
    request: str
    key: KeyDigest
    occurrence: Annotated[int, msgspec.Meta(ge=0)]
    cell: int
    blob: Blob
