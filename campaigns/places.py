"""Where the stores of a campaign's folder are: in the folder, or at a team's server."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.postgresql import PostgreSQL


def assign(folder: Path, store: str, server: PostgreSQL, blobs: str) -> None:
    """Give a store of a folder its ledger at a server, in a schema of its own.

    Args:
        folder: The folder.
        store: The store's name in it.
        server: A running server.
        blobs: Where its bytes are: a folder, or a bucket's address.
    """
    schema = "points_" + hashlib.sha256(str(folder / store).encode()).hexdigest()[:16]
    _noted(folder, store).write_text(server.address(schema, blobs=blobs))


def address(folder: Path, store: str = "store") -> str:
    """Return the address of a store of a folder; one that was assigned none is in the folder."""
    noted = _noted(folder, store)
    return noted.read_text() if noted.exists() else str(folder / store)


def _noted(folder: Path, store: str) -> Path:
    return folder / f"{store}.address"
