"""One prediction as a line of a segment, the commitment to it, and its entry in the index."""

from __future__ import annotations

import hashlib
import re
import secrets
import struct
from typing import Any

import msgspec

from py_mlops.errors import Corrupt
from py_mlops.records import Part
from py_mlops.records.base import Digest, Time

GONE = b"-\n"
"""The line of a row that was redacted."""

ENTRY = struct.Struct(">8sQQ")
"""An entry of the index: eight bytes of the id's sha256, the row, where its line begins."""

COMMITMENT = 32
LONGEST = 16 << 20
"""Bytes of the longest line."""

_SALT = 32
_BLANK = 2 * _SALT
_LINE = re.compile(rb"[0-9a-f]{64} \{.*\}\n")


class LoggedPrediction(Part, frozen=True):
    """What a model was asked, and what it answered.

    Attributes:
        id: The prediction's own id; unique in its log.
        time: When it was made.
        snapshot: Id of the model's snapshot.
        inputs: What it was asked, as JSON values.
        outputs: What it answered, as JSON values.
    """

    id: str
    time: Time
    snapshot: Digest
    inputs: Any
    outputs: Any


def line_of(prediction: LoggedPrediction) -> bytes:
    """Return a prediction's line, with a fresh salt."""
    return b"%s %s\n" % (secrets.token_hex(_SALT).encode(), msgspec.json.encode(prediction))


def commitment(line: bytes) -> bytes:
    """Return the commitment to a line: without its salt nobody can guess what it hides."""
    salt = bytes.fromhex(line[:_BLANK].decode("ascii"))
    return hashlib.sha256(salt + line[_BLANK + 1 : -1]).digest()


def read(line: bytes) -> LoggedPrediction:
    """Read a line that is not redacted.

    Raises:
        Corrupt: When it is none.
    """
    try:
        said = line[_BLANK + 1 :] if is_whole(line) else b""
        return msgspec.json.decode(said, type=LoggedPrediction)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Corrupt(
            f"A row of a segment of predictions cannot be read: {error}.",
            hint="Run `mlops verify` to see what else is damaged, and restore it from a backup.",
        ) from error


def is_whole(line: bytes) -> bool:
    """Say whether some bytes are a whole line, salt and object."""
    return _LINE.fullmatch(line) is not None


def key_of(identifier: str) -> bytes:
    """Return what the index sorts an id by."""
    return hashlib.sha256(identifier.encode()).digest()[:8]
