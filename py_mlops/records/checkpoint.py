"""What the ledger was at some moment, kept among the objects it is about."""

from __future__ import annotations

from typing import Annotated

import msgspec

from py_mlops.records.base import Digest, Record, Time
from py_mlops.records.keys import LogSignature


class Checkpoint(Record, frozen=True, tag="checkpoint"):
    """The ledger up to a row, so that it can be made anew where its database was lost.

    Attributes:
        store: The store's own name, drawn when its ledger was made.
        size: How many rows the log had.
        root: Their Merkle tree hash.
        created: The time of the last of them.
        previous: The checkpoint that has the rows before ``records``;
            ``None`` when ``records`` begins with row 0.
        records: The records of the last rows, in the log's order.
        signatures: Who signed which sizes since ``previous``, the smallest first.
    """

    store: str
    size: Annotated[int, msgspec.Meta(ge=1)]
    root: Digest
    created: Time
    previous: Digest | None
    records: list[Digest]
    signatures: list[LogSignature]
