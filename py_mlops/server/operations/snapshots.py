"""Models and snapshots: lists, one snapshot, one verdict, a model's metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from py_mlops.commands.catalogue.inspect import (
    executed_notebook,
    reproduction_detail,
    snapshot_detail,
)
from py_mlops.commands.catalogue.summaries import (
    ExecutedNotebook,
    Limit,
    MetricHistory,
    ModelPage,
    ReproductionDetail,
    SnapshotDetail,
    SnapshotPage,
)
from py_mlops.commands.comparison.figures import figure_of
from py_mlops.commands.lineage.drawn import SnapshotLineage, snapshot_lineage
from py_mlops.errors import UnknownReference
from py_mlops.records import Digest
from py_mlops.server.contract import Content, Route

if TYPE_CHECKING:
    from py_mlops.server.desk import Desk

Search = Annotated[str, msgspec.Meta(max_length=200)]
Cursor = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,18}\Z")]


class ModelsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which models.

    Attributes:
        search: Words that each must be in the model's name.
        cursor: The last page's `next`.
        limit: The most items.
    """

    search: Search = ""
    cursor: Cursor | None = None
    limit: Limit = 50


class SnapshotsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which snapshots.

    Attributes:
        search: Words that each must be in the model's name, the author, the
            notebook's name, a metric's name, the verdict, the date or the id.
        model: Only this model's.
        cursor: The last page's `next`.
        limit: The most items.
    """

    search: Search = ""
    model: Annotated[str, msgspec.Meta(max_length=300)] | None = None
    cursor: Cursor | None = None
    limit: Limit = 50


class One(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record.

    Attributes:
        id: Its whole id.
    """

    id: Digest


class FigureQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A figure of a snapshot's saved notebook.

    Attributes:
        id: The snapshot's whole id.
        digest: The figure's digest.
    """

    id: Digest
    digest: Digest


class HistoryQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far back.

    Attributes:
        id: Whole id of a snapshot of the model.
        limit: The most snapshots.
    """

    id: Digest
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 200


def models(desk: Desk, query: ModelsQuery) -> ModelPage:
    """List models, the one with the newest snapshot first."""
    if not desk.room.is_there():
        return ModelPage(items=[], next=None)
    return desk.room.catalogue().models(
        query.search, before=_place(query.cursor), limit=query.limit
    )


def snapshots(desk: Desk, query: SnapshotsQuery) -> SnapshotPage:
    """List snapshots, newest first."""
    if not desk.room.is_there():
        return SnapshotPage(items=[], next=None)
    return desk.room.catalogue().snapshots(
        query.search, model=query.model, before=_place(query.cursor), limit=query.limit
    )


def snapshot(desk: Desk, query: One) -> SnapshotDetail:
    """Return everything about one snapshot."""
    return snapshot_detail(desk.room.workspace(), desk.room.catalogue(), query.id)


def notebook(desk: Desk, query: One) -> ExecutedNotebook:
    """Return the notebook of a snapshot as it was executed."""
    return executed_notebook(desk.room.workspace(), query.id)


def history(desk: Desk, query: HistoryQuery) -> MetricHistory:
    """Return how the metrics of a snapshot's model went."""
    catalogue = desk.room.catalogue()
    found = catalogue.snapshot(query.id)
    if found is None:
        raise UnknownReference(
            f"No snapshot {query.id[:19]}… is in this store.", hint="Reload the list."
        )
    return catalogue.metrics(found.model, limit=query.limit)


def lineage(desk: Desk, query: One) -> SnapshotLineage:
    """Return what a snapshot was made of and what came of it, as pictures."""
    return snapshot_lineage(desk.room.workspace(), query.id)


def figure(desk: Desk, query: FigureQuery) -> Content:
    """Return an image of a snapshot's saved notebook."""
    mime, data = figure_of(desk.room.workspace(), query.id, query.digest)
    return Content(mime=mime, data=data)


def reproduction(desk: Desk, query: One) -> ReproductionDetail:
    """Return everything about one verdict."""
    return reproduction_detail(desk.room.workspace(), query.id)


def _place(cursor: str | None) -> int | None:
    return None if cursor is None else int(cursor)


ROUTES = [
    Route("GET", "/models", "read", models, ModelsQuery, ModelPage),
    Route("GET", "/snapshots", "read", snapshots, SnapshotsQuery, SnapshotPage),
    Route("GET", "/snapshots/{id}", "read", snapshot, One, SnapshotDetail),
    Route("GET", "/snapshots/{id}/notebook", "read", notebook, One, ExecutedNotebook),
    Route("GET", "/snapshots/{id}/history", "read", history, HistoryQuery, MetricHistory),
    Route("GET", "/snapshots/{id}/lineage", "read", lineage, One, SnapshotLineage, slow=60),
    Route("GET", "/snapshots/{id}/figures/{digest}", "read", figure, FigureQuery, Content),
    Route("GET", "/reproductions/{id}", "read", reproduction, One, ReproductionDetail),
]
