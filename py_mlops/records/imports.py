"""A snapshot that came from someone else's store."""

from __future__ import annotations

from py_mlops.records.author import Author
from py_mlops.records.base import Digest, Record, Time


class Import(Record, frozen=True, tag="import"):
    """A snapshot came in from a bundle.

    Attributes:
        snapshot: Id of the snapshot.
        bundle: sha256 of the bundle file.
        created: When it came in.
        author: Who brought it in; not the snapshot's own author.
    """

    snapshot: Digest
    bundle: Digest
    created: Time
    author: Author
