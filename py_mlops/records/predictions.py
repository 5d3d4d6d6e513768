"""What models answered in use, what was held back from being deleted, and what was deleted."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from py_mlops.records.author import Author
from py_mlops.records.base import Blob, Digest, Part, Record, Time


class Answered(Part, frozen=True):
    """How many predictions of a segment a snapshot's model made.

    Attributes:
        snapshot: Its id.
        rows: How many; those that were deleted since count.
    """

    snapshot: Digest
    rows: Annotated[int, msgspec.Meta(ge=1)]


class PredictionSegment(Record, frozen=True, tag="prediction-segment"):
    """A part of a log of predictions, closed and never appended to again.

    Attributes:
        created: When its last prediction was made.
        author: Who kept the log.
        log: The log's name, such as the head that was served.
        began: When its first prediction was made.
        rows: How many predictions it has.
        root: Merkle tree hash over the commitments to its rows.
        commitments: The commitments, 32 bytes each, in order; kept for ever.
        payload: Digest of the rows with their salts; what is redacted goes with it.
        index: Digest of the index by prediction id.
        answered: Whose models made them, sorted by id.
    """

    created: Time
    author: Author
    log: str
    began: Time
    rows: Annotated[int, msgspec.Meta(ge=1)]
    root: Digest
    commitments: Blob
    payload: Digest
    index: Digest
    answered: list[Answered]


class Redaction(Record, frozen=True, tag="redaction"):
    """Rows of a segment were deleted: what they said, and the salt that their commitments hide.

    Attributes:
        created: When.
        author: Who did it.
        segment: Id of the segment.
        rows: First and last row of each deleted run, in order.
        reason: Why, in words.
        payload: Digest of what is left of the payload; null when nothing is.
        index: Digest of its index; null when nothing is left.
    """

    created: Time
    author: Author
    segment: Digest
    rows: list[tuple[int, int]]
    reason: str
    payload: Digest | None
    index: Digest | None


class Hold(Record, frozen=True, tag="hold"):
    """Something is not to be deleted, whatever the rules say; or no longer held.

    Attributes:
        created: When.
        author: Who says so.
        target: Id of a segment, or of a snapshot.
        state: ``held`` or ``released``; the newest one counts.
        reason: Why, in words.
    """

    created: Time
    author: Author
    target: Digest
    state: Literal["held", "released"]
    reason: str
