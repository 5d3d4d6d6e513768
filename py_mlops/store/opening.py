"""Opens a store's folder, or makes one, and checks that this version can read it."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import URL

from py_mlops.errors import InputError, StoreFormat
from py_mlops.store.failures import disk_failures
from py_mlops.store.folder import FolderBlobs
from py_mlops.store.intake import sync_folder, temporary_name
from py_mlops.store.ledger import SqlLedger
from py_mlops.store.statcache import StatCache
from py_mlops.store.store import Store

FORMAT = "py-mlops store 1\n"
"""What the file ``format`` says; `docs/format.md` describes the folder."""

_LEDGER = "ledger.sqlite"
_CACHE = "cache.sqlite"
_OURS = ("format", "objects", "tmp", _LEDGER, _CACHE)


def open_store(folder: Path, *, create: bool = True) -> Store:
    """Open the store in a folder.

    Args:
        folder: The store's folder.
        create: Make a store when there is none.

    Returns:
        The store; close it when done.

    Raises:
        InputError: When there is no store and none is to be made, or when the
            folder holds other things.
        StoreFormat: When it was written by a version we cannot read.
        StoreUnavailable: When it cannot be opened or made.
    """
    folder = folder.absolute()
    with disk_failures(f"Opening the store in {folder}"):
        known = _check_format(folder)
        if not known:
            _check_empty(folder, create)
            folder.mkdir(parents=True, exist_ok=True)
    ledger = SqlLedger(URL.create("sqlite", database=str(folder / _LEDGER)))
    if not known:
        with disk_failures(f"Making a store in {folder}"):
            _write_format(folder)
    return Store(FolderBlobs(folder), ledger, StatCache(folder / _CACHE), folder)


def _check_format(folder: Path) -> bool:
    """Say whether the folder is a store of our format; ``False`` when it is none yet."""
    try:
        with (folder / "format").open("rb") as file:
            found = file.read(len(FORMAT) + 80)
    except (FileNotFoundError, NotADirectoryError):
        return False
    if found != FORMAT.encode():
        raise StoreFormat(
            f"The store in {folder} has format {found.decode(errors='replace').strip()!r}; "
            f"this version reads {FORMAT.strip()!r}.",
            hint="Update py-mlops, or set MLOPS_STORE to another folder.",
        )
    return True


def _check_empty(folder: Path, create: bool) -> None:
    """Refuse to make a store where something else is, e.g. in a home folder."""
    if not create:
        raise InputError(
            f"There is no store in {folder}.",
            hint="Take a snapshot first, or set MLOPS_STORE to the store's folder.",
        )
    present = [path.name for path in folder.iterdir()] if folder.exists() else []
    # What an interrupted creation left is ours: it is taken up again.
    others = sorted(name for name in present if not name.startswith(_OURS))
    if others:
        raise InputError(
            f"{folder} holds other files ({others[0]}, …) and is no store.",
            hint="Set MLOPS_STORE to a new or empty folder.",
        )


def _write_format(folder: Path) -> None:
    """Write the file that makes the folder a store, last and all at once."""
    draft = folder / f"format-{temporary_name()}"
    with draft.open("w") as file:
        file.write(FORMAT)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / "format")
    sync_folder(folder)
    sync_folder(folder.parent)
