"""Who did something, and how we know."""

from __future__ import annotations

from typing import Literal

from py_mlops.records.base import Part


class Author(Part, frozen=True):
    """A person as a record names them.

    Attributes:
        name: Their name.
        email: Their address, when known.
        source: Where the name comes from. Only ``jupyterhub`` was checked by
            someone else; ``unverified`` is the operating system's login name.
    """

    name: str
    email: str | None
    source: Literal["git", "jupyterhub", "environment", "unverified"]
