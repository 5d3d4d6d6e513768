"""The server itself: what store it looks at, and the document of its interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from py_mlops.records import Author
from py_mlops.server.contract import Content, Nothing, Route
from py_mlops.server.openapi import packaged
from py_mlops.server.problems import Problem
from py_mlops.server.work import JobVerb

if TYPE_CHECKING:
    from py_mlops.server.desk import Desk

PAGE_LIMIT = 200


class StoreStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The store that the server looks at.

    Attributes:
        state: ``ready``; ``read-only``; ``none`` no snapshot was ever taken, the
            first one makes it; ``unavailable`` see `problem`.
        address: Where it is, as a person knows it.
        id: The store's own name; empty while there is none.
        records: How many records its log has.
        indexed: How many of them are in the lists with all their details.
        problem: Why it is unavailable or read-only; ``null`` when it is ready.
    """

    state: Literal["ready", "read-only", "none", "unavailable"]
    address: str
    id: str
    records: int
    indexed: int
    problem: Problem | None


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What the server bounds.

    Attributes:
        page: The most items of a page.
        jobs: How many jobs run at once.
        waiting: How many jobs may wait.
        notebook_bytes: The largest notebook it sends, in bytes.
    """

    page: int
    jobs: int
    waiting: int
    notebook_bytes: int


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The server.

    Attributes:
        version: The version of py-mlops.
        store: The store.
        author: Who works here.
        verbs: What jobs can do here.
        nbdime: Whether notebooks are compared inside their cells.
        limits: What it bounds.
    """

    version: str
    store: StoreStatus
    author: Author
    verbs: list[JobVerb]
    nbdime: bool
    limits: Limits


def status(desk: Desk, _: Nothing) -> Status:
    """Tell what the server looks at; it answers also while the store cannot be opened."""
    raise NotImplementedError


def openapi(_desk: Desk, _: Nothing) -> Content:
    """Return this document."""
    return Content(mime="application/yaml", data=packaged())


ROUTES = [
    Route("GET", "/status", "read", status, Nothing, Status),
    Route("GET", "/openapi.yaml", "read", openapi, Nothing, Content),
]
