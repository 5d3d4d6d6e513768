"""A snapshot that came from someone else's store."""

from __future__ import annotations

from py_mlops.records.author import Author
from py_mlops.records.base import Digest, Record, Time


class Import(Record, frozen=True, tag="import"):
    """A snapshot came in from a bundle, or from another store.

    Attributes:
        snapshot: Id of the snapshot.
        bundle: sha256 of the bundle file; null when it came from a store.
        created: When it came in.
        author: Who brought it in; not the snapshot's own author.
        store: The name that the other store drew for itself; empty for a bundle.
    """

    snapshot: Digest
    bundle: Digest | None
    created: Time
    author: Author
    store: str = ""
