"""The server itself: what store it looks at, and the document of its interface."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, get_args

import msgspec

from py_mlops import __version__
from py_mlops.commands.catalogue.inspect import NOTEBOOK_BYTES
from py_mlops.errors import MlopsError
from py_mlops.records import Author
from py_mlops.server.contract import Content, Nothing, Route
from py_mlops.server.openapi import packaged
from py_mlops.server.problems import Problem, of_error
from py_mlops.server.queue import RUNNING, WAITING
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
    room = desk.room
    return Status(
        version=__version__,
        store=_store(desk),
        author=room.author,
        verbs=list(get_args(JobVerb)),
        nbdime=find_spec("nbdime") is not None,
        limits=Limits(
            page=PAGE_LIMIT, jobs=RUNNING, waiting=WAITING, notebook_bytes=NOTEBOOK_BYTES
        ),
    )


def openapi(_desk: Desk, _: Nothing) -> Content:
    """Return this document."""
    return Content(mime="application/yaml", data=packaged())


def _store(desk: Desk) -> StoreStatus:
    room, address = desk.room, desk.room.settings.store
    empty = StoreStatus(state="none", address=address, id="", records=0, indexed=0, problem=None)
    if not room.is_there():
        return empty
    try:
        catalogue = room.catalogue()
        problem = None if room.is_writable() else _read_only(address)
        return StoreStatus(
            state="read-only" if problem else "ready",
            address=address,
            id=room.workspace().store.ledger.name(),
            records=catalogue.follower.size(),
            indexed=catalogue.follower.size() - catalogue.follower.unread(),
            problem=problem,
        )
    except MlopsError as error:
        return msgspec.structs.replace(empty, state="unavailable", problem=of_error(error)[1])


def _read_only(address: str) -> Problem:
    return Problem(
        code="read-only",
        message=f"The store in {address} can be read, but not written.",
        hint="Give yourself the right to write there, or set MLOPS_STORE to another store.",
    )


ROUTES = [
    Route("GET", "/status", "read", status, Nothing, Status),
    Route("GET", "/openapi.yaml", "read", openapi, Nothing, Content),
]
