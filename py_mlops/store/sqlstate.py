"""What PostgreSQL reports, in words that say what to do next, and which of it passes."""

from __future__ import annotations

from typing import Any

from sqlalchemy.exc import DBAPIError

from py_mlops.errors import Corrupt, StoreError, StoreUnavailable

_GONE = "Check that the server runs and can be reached, and try again; nothing is half done."
_BUSY = "Others are writing; wait until they have finished and try again."
_CROWDED = "Wait until others have finished, or raise max_connections on the server."
_STANDBY = (
    "This server is a read-only standby: name the primary in the store's address. "
    "Reading works here."
)
_FULL = "The server's disk is full: free some space there and try again; nothing is half done."
_LOGIN = (
    "Put the password into ~/.pgpass or PGPASSWORD (never into the address), "
    "and ask the server's administrator for access."
)
_ABSENT = "Check the address; `createdb` on the server makes a new database."
_RIGHTS = "Ask the server's administrator to grant your role this database and its tables."
_DAMAGED = (
    "Restore the database from a backup, or make it anew from the objects: "
    "`mlops verify --rebuild`."
)
_OTHER = "Look at the server's log, and try again."

# Appendix A of PostgreSQL's manual; two letters are a whole class.
_HINTS = {
    "08": _GONE,
    "57P": _GONE,
    "40": _BUSY,
    "55P03": _BUSY,
    "57014": _BUSY,
    "53300": _CROWDED,
    "25006": _STANDBY,
    "53100": _FULL,
    "28": _LOGIN,
    "3D000": _ABSENT,
    "42501": _RIGHTS,
}
_PASSING = ("08", "57P", "40", "53300")
"""Failures that a repetition may not meet again."""

_READ_ONLY = ("25006", "42501")

_UNKNOWN = ("42P01", "42703")

_CORRUPT = ("XX001", "XX002")

_UNKNOWN_HOST = ("translate host name", "resolve host", "Name or service not known")
_NO_LOGIN = ("password authentication failed", "no password supplied", "no pg_hba.conf entry")
_NO_DATABASE = ("does not exist",)
_NO_WORD = ("invalid connection option",)
_RECOVERING = "during recovery"
_CROWD = ("too many clients", "remaining connection slots", "too many connections")


def translated(error: DBAPIError, doing: str) -> StoreError:
    """Return our error for one of PostgreSQL's.

    Args:
        error: SQLAlchemy's.
        doing: What failed, ``"Reading the ledger"``.
    """
    state, said = _state(error), _first_line(error.orig)
    message = f"{doing} failed: {said}."
    if state in _CORRUPT:
        return Corrupt(message, hint=_DAMAGED)
    hint = next((_HINTS[state[:n]] for n in (5, 3, 2) if state[:n] in _HINTS), _OTHER)
    return StoreUnavailable(message, hint=hint)


def passes(error: DBAPIError) -> bool:
    """Say whether a failure may be gone when one tries again."""
    unknown = any(text in str(error.orig) for text in _UNKNOWN_HOST)
    return _state(error).startswith(_PASSING) and not unknown


def forbids(error: DBAPIError) -> bool:
    """Say whether a failure is that of somebody who may read and not write."""
    return _state(error) in _READ_ONLY


def unknown(error: DBAPIError) -> bool:
    """Say whether a table or a column that was asked for is not there."""
    return _state(error) in _UNKNOWN


def _state(error: DBAPIError) -> str:
    """Return the code of a failure; what kept us from connecting has none of its own."""
    original: Any = error.orig
    if _RECOVERING in str(original):
        return "25006"  # the server says only that it lacks a feature
    if state := getattr(original, "sqlstate", None):
        return str(state)
    text = str(original)
    for state, signs in (
        ("28P01", _NO_LOGIN),
        ("53300", _CROWD),
        ("3D000", _NO_DATABASE),
        ("3D000", _NO_WORD),
    ):
        if any(sign in text for sign in signs):
            return state
    # No code and a lost connection, or none at all: the server is gone or restarting.
    return "08006" if type(original).__name__ in {"OperationalError", "ConnectionTimeout"} else ""


def _first_line(original: object) -> str:
    lines = [line.strip() for line in str(original).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(original).__name__
