"""Documents: a notebook as the server's contents manager has it, beside its snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from py_mlops.commands.catalogue.badge import Badge, badge, no_badge
from py_mlops.notebook.document import parse
from py_mlops.server.contract import Route
from py_mlops.server.files import place, read_text

if TYPE_CHECKING:
    from py_mlops.server.desk import Desk


class DocumentQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A document.

    Attributes:
        path: As the server's file browser names it; only its contents manager is asked.
    """

    path: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]


async def document(desk: Desk, query: DocumentQuery) -> Badge:
    """Say whether a saved notebook is still what was snapshotted; nothing is written."""
    data = await read_text(desk.contents, query.path)
    where = place(desk.contents, query.path)
    found: Badge = await desk.at_store.run(_badge, desk, data, str(where or ""))
    return found


def _badge(desk: Desk, data: bytes, where: str) -> Badge:
    if not desk.room.is_there():
        return no_badge("No snapshot was ever taken.")
    return badge(desk.room.workspace(), desk.room.catalogue(), parse(data), where)


ROUTES = [Route("GET", "/documents/{path+}", "read", document, DocumentQuery, Badge)]
