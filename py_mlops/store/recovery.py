"""Opens a store whose ledger is lost or damaged, and puts a new one in its place."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from py_mlops.errors import InputError, StoreError
from py_mlops.store import checkpoints
from py_mlops.store.address import TeamAddress, parse
from py_mlops.store.base import Blobs
from py_mlops.store.blobs.folder import FolderBlobs
from py_mlops.store.blobs.intake import sync_folder
from py_mlops.store.blobs.kind import open_blobs
from py_mlops.store.blobs.leased import LeasedBlobs
from py_mlops.store.failures import disk_failures
from py_mlops.store.ledger.claims import Claims
from py_mlops.store.ledger.ledger import SqlLedger
from py_mlops.store.opening import LEDGER, check_format, holds_objects, url_of
from py_mlops.store.rebuild import Rebuilt, rebuild

_SUFFIXES = ("", "-wal", "-shm")


def recover(address: str | Path) -> Rebuilt:
    """Make a store's ledger anew from its objects.

    A folder's damaged ledger is moved aside, never removed. A team's ledger is
    filled where it is empty.

    Args:
        address: The store's folder, or a team's address.

    Returns:
        What is known again, and what is not.

    Raises:
        InputError: When there are no objects, or the ledger that is there is
            as it was written.
        StoreError: When objects cannot be read, or the ledger not be written.
    """
    place = parse(str(address))
    if isinstance(place, TeamAddress):
        return _recover_team(place)
    return _recover_folder(place.absolute())


def _recover_team(place: TeamAddress) -> Rebuilt:
    blobs = open_blobs(place.blobs)
    _check_objects(blobs, place.blobs)
    ledger = SqlLedger(place.ledger)
    try:
        if ledger.size() and ledger.marks() and not list(_wrong(blobs, ledger)):
            return _mend_lineage(blobs, ledger, str(place.ledger))
        return rebuild(LeasedBlobs(blobs, Claims(ledger.database)), ledger)
    finally:
        ledger.close()


def _recover_folder(folder: Path) -> Rebuilt:
    with disk_failures(f"Opening the store in {folder}"):
        known = check_format(folder)
    blobs = FolderBlobs(folder)
    if not known:
        raise InputError(
            f"There is no store in {folder}.", hint="Set MLOPS_STORE to the store's folder."
        )
    _check_objects(blobs, str(folder))
    if (mended := _if_whole(blobs, folder / LEDGER)) is not None:
        return mended
    draft = folder / f"{LEDGER}-anew"
    with disk_failures("Making the ledger anew"):
        for suffix in _SUFFIXES:  # of a rebuilding that was interrupted
            Path(f"{draft}{suffix}").unlink(missing_ok=True)
    ledger = SqlLedger(url_of(draft))
    try:
        found = rebuild(blobs, ledger)
    finally:
        ledger.close()  # SQLite then brings all into the one file
    with disk_failures("Making the ledger anew"):
        _put_in_place(draft, folder / LEDGER)
    return found


def _wrong(blobs: Blobs, ledger: SqlLedger) -> Iterator[str]:
    yield from ledger.verify()
    yield from checkpoints.check(blobs, ledger)


def _if_whole(blobs: Blobs, path: Path) -> Rebuilt | None:
    """Return what came of mending the index of a ledger that is whole; ``None`` for a damaged one.

    Raises:
        InputError: When its index is whole, too.
    """
    if not path.exists() or path.stat().st_size == 0:
        return None
    try:
        ledger = SqlLedger(url_of(path))
    except StoreError:
        return None
    try:
        if not ledger.size() or list(_wrong(blobs, ledger)):
            return None
        return _mend_lineage(blobs, ledger, str(path))
    except StoreError:
        return None
    finally:
        ledger.close()


def _mend_lineage(blobs: Blobs, ledger: SqlLedger, where: str) -> Rebuilt:
    """Make the index of lineage anew, which follows from the records.

    Raises:
        InputError: When it is as it must be.
    """
    lineage = ledger.lineage(blobs)
    if not list(lineage.differences()):
        raise InputError(
            f"The ledger in {where} is as it was written; there is nothing to make anew.",
            hint="`mlops verify` checks it and the objects; heal objects from a backup or a "
            "bundle.",
        )
    lineage.forget()
    lineage.catch_up()
    said = "Only the index of lineage was made anew; the ledger is as it was written."
    return Rebuilt(ledger.size(), 0, ledger.heads(), (said,))


def _put_in_place(draft: Path, ledger: Path) -> None:
    """Move what is there aside and the new ledger into its place; an interruption harms neither."""
    aside = ledger.with_name(f"{LEDGER}-damaged-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}")
    # The database last: while it is there, its log of writes belongs beside it.
    for suffix in reversed(_SUFFIXES):
        path = Path(f"{ledger}{suffix}")
        if path.exists():
            path.rename(f"{aside}{suffix}")
    draft.rename(ledger)
    sync_folder(ledger.parent)


def _check_objects(blobs: Blobs, where: str) -> None:
    if not holds_objects(blobs):
        raise InputError(
            f"There are no objects in {where} to make a ledger from.",
            hint="Check the store's address.",
        )
