"""Opens a store, a folder's or a team's, or makes one, and checks that this version reads it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

from sqlalchemy import URL

from py_mlops.errors import Corrupt, InputError, NoStore, StoreFormat
from py_mlops.store.address import TeamAddress, parse
from py_mlops.store.base import Blobs, Signer
from py_mlops.store.blobs.folder import FolderBlobs
from py_mlops.store.blobs.intake import sync_folder, temporary_name
from py_mlops.store.blobs.kind import open_blobs
from py_mlops.store.blobs.leased import LeasedBlobs
from py_mlops.store.blobs.statcache import StatCache
from py_mlops.store.failures import disk_failures
from py_mlops.store.ledger.claims import Claims
from py_mlops.store.ledger.ledger import SqlLedger
from py_mlops.store.patience import Patience
from py_mlops.store.store import Store

FORMAT = "py-mlops store 1\n"
"""What the file ``format`` says; `docs/format.md` describes the folder."""

LEDGER = "ledger.sqlite"
_CACHE = "cache.sqlite"
_OURS = ("format", "objects", "tmp", LEDGER, _CACHE)


def open_store(
    address: str | Path,
    *,
    create: bool = True,
    cache: Path | None = None,
    signer: Signer | None = None,
    patience: Patience | None = None,
) -> Store:
    """Open a store.

    Args:
        address: The store's folder, or a team's address, see `address.parse`.
        create: Make a store when there is none.
        cache: Folder for what a team's store keeps on this machine; without
            one it keeps nothing. A folder's store keeps it in its own.
        signer: Signs what is added to it.
        patience: How long a team's servers are waited for.

    Returns:
        The store; close it when done.

    Raises:
        NoStore: When there is no store and none is to be made.
        InputError: When the folder holds other things, or the address is none.
        Corrupt: When the objects are there and the ledger is not.
        StoreFormat: When it was written by a version we cannot read.
        StoreUnavailable: When it cannot be opened or made.
    """
    place = parse(str(address))
    if isinstance(place, TeamAddress):
        opened = _open_team(place, create=create, cache=cache, patience=patience)
        return replace(opened, signer=signer)
    return replace(_open_folder(place, create=create), signer=signer)


def _open_team(
    place: TeamAddress, *, create: bool, cache: Path | None, patience: Patience | None
) -> Store:
    blobs = open_blobs(place.blobs, timeout=patience.request if patience else None)

    def making() -> None:
        if not create:
            raise NoStore(
                f"There is no store in {place.ledger}.",
                hint="Take a snapshot first, or correct the store's address.",
            )
        if holds_objects(blobs):
            raise Corrupt(
                f"The database {place.ledger} is empty, but there are objects in {place.blobs}.",
                hint="When it is another store's database, correct the address; when it is new "
                "or was lost, make the ledger from the objects: `mlops verify --rebuild`.",
            )

    ledger = SqlLedger(place.ledger, making=making, patience=patience)
    folder = Path()
    known = Path(":memory:")
    if cache is not None:
        # The name of a team's address, which may hold what no file's name may.
        name = hashlib.sha256(f"{place.ledger} {place.blobs}".encode()).hexdigest()[:16]
        folder = cache / "stores" / name
        with disk_failures(f"Making the folder {folder}"):
            folder.mkdir(parents=True, exist_ok=True)
        known = folder / _CACHE
    leased = LeasedBlobs(blobs, Claims(ledger.database))
    return Store(leased, ledger, StatCache(known), folder)


def _open_folder(folder: Path, *, create: bool) -> Store:
    folder = folder.absolute()
    with disk_failures(f"Opening the store in {folder}"):
        known = check_format(folder)
        if not known:
            _check_empty(folder, create)
            folder.mkdir(parents=True, exist_ok=True)
    blobs = FolderBlobs(folder)

    def making() -> None:
        if known or holds_objects(blobs):
            raise Corrupt(
                f"The store in {folder} has lost its ledger.",
                hint=f"Put {LEDGER} back from a backup, or make it anew from the objects: "
                "`mlops verify --rebuild`.",
            )

    ledger = SqlLedger(url_of(folder / LEDGER), making=making)
    if not known:
        with disk_failures(f"Making a store in {folder}"):
            _write_format(folder)
    return Store(blobs, ledger, StatCache(folder / _CACHE), folder)


def url_of(path: Path) -> URL:
    """Return SQLAlchemy's URL of an SQLite file, whatever characters are in its name."""
    return URL.create("sqlite", database=str(path))


def holds_objects(blobs: Blobs) -> bool:
    """Say whether there is any object at all."""
    return next(iter(blobs), None) is not None


def check_format(folder: Path) -> bool:
    """Say whether a folder is a store of our format; ``False`` when it is none yet.

    Raises:
        StoreFormat: When it is one of another format.
    """
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
        raise NoStore(
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
