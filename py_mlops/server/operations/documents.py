"""Documents: a notebook as the server's contents manager has it, beside its snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from py_mlops.commands.badge import Badge
from py_mlops.server.contract import Route

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
    raise NotImplementedError


ROUTES = [Route("GET", "/documents/{path+}", "read", document, DocumentQuery, Badge)]
