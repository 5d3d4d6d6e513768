"""A store's address: its folder, or the URL of its database with where the bytes are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from py_mlops.errors import InputError

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_DATABASES = ("postgresql", "postgres")
_SECRET = ("password", "sslpassword")
_EXAMPLE = "postgresql://db.example.org/mlops?blobs=s3://bucket/prefix"


@dataclass(frozen=True)
class TeamAddress:
    """Where a team's store is.

    Attributes:
        ledger: The database, without a password.
        blobs: Where the bytes are: a folder, or a bucket.
    """

    ledger: URL
    blobs: str


def parse(address: str) -> Path | TeamAddress:
    """Read a store's address.

    Args:
        address: A folder; or ``postgresql://[USER@]HOST/DATABASE?blobs=PLACE``,
            where further words of the query are libpq's, such as ``sslmode``.

    Returns:
        The folder, or the parts of a team's address.

    Raises:
        InputError: When it is neither, or holds a password: addresses are
            shown, and handed to other processes.
    """
    scheme = _SCHEME.match(address)
    if scheme is None:
        return Path(address)
    if scheme[1].lower() not in _DATABASES:
        raise InputError(
            f"A store's ledger cannot be kept at {scheme[1]}://.",
            hint=f"Name a folder, or a database with where the bytes are: {_EXAMPLE}.",
        )
    return _team(address)


def _team(address: str) -> TeamAddress:
    try:
        url = make_url(address).set(drivername="postgresql")
    except (ArgumentError, ValueError):
        # What was given is not repeated: a password may be in it.
        raise InputError(
            "The store's address cannot be read.", hint=f"It looks like {_EXAMPLE}."
        ) from None
    if url.password is not None or any(word in url.query for word in _SECRET):
        raise InputError(
            "The store's address holds a password.",
            hint="Leave it out there, and put it into ~/.pgpass or PGPASSWORD.",
        )
    blobs = url.query.get("blobs")
    if not isinstance(blobs, str) or not blobs:
        raise InputError(
            "The store's address does not say where the bytes are, or says it twice.",
            hint=f"Name a bucket or a folder: {_EXAMPLE}.",
        )
    return TeamAddress(url.difference_update_query(["blobs"]), blobs)
