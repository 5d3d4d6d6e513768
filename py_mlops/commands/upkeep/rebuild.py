"""Rebuild: make a lost or damaged ledger anew from the objects of the store."""

from __future__ import annotations

from pathlib import Path

from py_mlops.store.rebuild import Rebuilt
from py_mlops.store.recovery import recover
from py_mlops.workspace import read_settings


def rebuild(store: str | Path | None = None) -> Rebuilt:
    """Make the store's ledger anew, up to the last checkpoint.

    It opens no workspace: a store without its ledger does not open.

    Args:
        store: The store's address; by default the person's own, see `read_settings`.

    Returns:
        What is known again, and a sentence for each thing that cannot be.

    Raises:
        InputError: When there is nothing to rebuild from, or nothing to rebuild.
        StoreError: When objects cannot be read, or the ledger not be written.
    """
    return recover(read_settings(store).store)
