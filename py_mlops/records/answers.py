"""What a program was told from outside: by a database, a web server, or whoever sat there."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from py_mlops.records.base import Blob, Part

AnswerKind = Literal["sql", "http", "input"]
"""How the question was asked."""

KeyDigest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""Hex sha256 of everything that makes one question equal to another."""


class Answer(Part, frozen=True):
    """One answer, as a rerun is given it again.

    Attributes:
        kind: ``sql`` a database's, ``http`` a web server's, ``input`` what a person typed.
        source: Who answered, without user and password: ``https://example.org``,
            ``the keyboard``.
        request: What was asked, for people: the statement, method and URL, or the prompt.
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
