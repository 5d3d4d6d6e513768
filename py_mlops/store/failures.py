"""What the operating system and the database report, in words that say what to do next."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from py_mlops.errors import Corrupt, StoreError, StoreUnavailable
from py_mlops.store import sqlstate

_FULL = "Free some space there (`mlops gc` shows what can go), or set MLOPS_STORE to another disk."
_FORBIDDEN = (
    "Check who owns the folder and whether its disk is mounted read-only, "
    "or set MLOPS_STORE to a folder you may write."
)
_FAILING = "The disk may be failing: look at the system's log and save a copy of the store."
_LOCKED = "Another process is writing; wait until it has finished and try again."
_DAMAGED = (
    "Make the ledger anew from the objects: `mlops verify --rebuild`; or restore it from a backup."
)
_OTHER = "Check the folder the store is in, and try again."

_HINTS = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _FULL,
    errno.EROFS: _FORBIDDEN,
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.EIO: _FAILING,
}

_SQLITE_HINTS = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: _FORBIDDEN,
    sqlite3.SQLITE_CANTOPEN: _FORBIDDEN,
    sqlite3.SQLITE_PERM: _FORBIDDEN,
    sqlite3.SQLITE_IOERR: _FAILING,
}
_SQLITE_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


@contextmanager
def disk_failures(doing: str) -> Iterator[None]:
    """Turn errors of the operating system into `StoreUnavailable`.

    Args:
        doing: What failed when one occurs, ``"Writing to the store"``.

    Raises:
        StoreUnavailable: For any `OSError` in the block.
    """
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(
            f"{doing} failed: {error.strerror or error}.",
            hint=_HINTS.get(error.errno or 0, _OTHER),
        ) from error


@contextmanager
def database_failures(doing: str) -> Iterator[None]:
    """Turn errors of the database into our own.

    Args:
        doing: What failed when one occurs, ``"Reading the ledger"``.

    Raises:
        Corrupt: When the database file is damaged.
        StoreUnavailable: When it is locked, full, read-only, gone or failing.
    """
    try:
        yield
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise _translated(error, doing) from error
        raise sqlstate.translated(error, doing) from error
    except PoolTimeout as error:
        raise StoreUnavailable(
            f"{doing} failed: too many threads of this process use the database.", hint=_LOCKED
        ) from error


def is_passing(error: StoreError) -> bool:
    """Say whether a database's failure may be gone when one tries again."""
    cause = error.__cause__
    return (
        isinstance(cause, DBAPIError)
        and not isinstance(cause.orig, sqlite3.Error)
        and sqlstate.passes(cause)
    )


def is_forbidden(error: StoreError) -> bool:
    """Say whether a database refused to be written that may be read."""
    cause = error.__cause__
    if not isinstance(cause, DBAPIError):
        return False
    if isinstance(cause.orig, sqlite3.Error):
        code = getattr(cause.orig, "sqlite_errorcode", 0) & 0xFF
        return code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}
    return sqlstate.forbids(cause)


def not_understood(error: DBAPIError) -> bool:
    """Say whether a database did not know what it was asked for, as where its tables are others."""
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorcode", 0) == sqlite3.SQLITE_ERROR
    return sqlstate.unknown(error)


def _translated(error: DBAPIError, doing: str) -> StoreError:
    # Extended codes of SQLite carry the primary code in their low byte.
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    message = f"{doing} failed: {error.orig}."
    if code in _SQLITE_DAMAGED:
        return Corrupt(message, hint=_DAMAGED)
    return StoreUnavailable(message, hint=_SQLITE_HINTS.get(code, _OTHER))
