"""Two snapshots side by side."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import msgspec

from py_mlops.commands.comparison.compare import compare as side_by_side
from py_mlops.commands.comparison.notebooks import NotebookComparison
from py_mlops.commands.comparison.notebooks import (
    compare_notebooks as notebooks_side_by_side,
)
from py_mlops.commands.comparison.shapes import Comparison
from py_mlops.records import Digest
from py_mlops.server.contract import Nothing, Route

if TYPE_CHECKING:
    from py_mlops.server.desk import Desk


class Pair(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two snapshots.

    Attributes:
        a: Whole id of the older one.
        b: Whole id of the newer one.
    """

    a: Digest
    b: Digest


class NotebookPair(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two snapshots whose notebooks are compared.

    Attributes:
        a: Whole id of the older one.
        b: Whole id of the newer one.
        whole: Send unchanged cells, too.
    """

    a: Digest
    b: Digest
    whole: bool = False


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """That notebooks will be compared soon is known.

    Attributes:
        nbdime: Whether they are compared inside their cells.
    """

    nbdime: bool


def expect_comparison(desk: Desk, _: Nothing) -> Ready:
    """Get ready to compare notebooks; it saves most of the time of the first comparison."""
    there = find_spec("nbdime") is not None
    if there:
        desk.differ.prepare()
    return Ready(nbdime=there)


def compare(desk: Desk, query: Pair) -> Comparison:
    """Compare data, environment, parameters, metrics, signature and figures."""
    return side_by_side(desk.room.workspace(), query.a, query.b)


def compare_notebooks(desk: Desk, query: NotebookPair) -> NotebookComparison:
    """Compare the notebooks; the answer is bounded in time and size."""
    workspace = desk.room.workspace()
    return notebooks_side_by_side(
        workspace, query.a, query.b, differ=desk.differ, whole=query.whole
    )


ROUTES = [
    Route("GET", "/compare/ready", "read", expect_comparison, Nothing, Ready),
    Route("GET", "/compare", "read", compare, Pair, Comparison, slow=60),
    Route("GET", "/compare/notebook", "read", compare_notebooks, NotebookPair, NotebookComparison,
          slow=60),
]  # fmt: skip
