"""The cells of a saved notebook as a reader compares them: what they say, beside what they show."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from py_mlops.notebook.document import Document, Json
from py_mlops.records import digest_of

_MOST_ALIGNED = 3000
"""Longer notebooks are compared place by place: aligning them could take minutes."""


@dataclass(frozen=True)
class Cell:
    """A cell.

    Attributes:
        id: Its id; empty when it has none.
        type: ``code``, ``markdown``, ``raw``; whatever the notebook says.
        source: What a person wrote into it.
        outputs: The digest of what it shows.
    """

    id: str
    type: str
    source: str
    outputs: str

    @property
    def first_line(self) -> str:
        """Return the first line of its source, cut."""
        return self.source.lstrip().partition("\n")[0][:120]


def cells_of(document: Document) -> list[Cell]:
    """Return a notebook's cells, without what merely viewing it rewrites."""
    return [_cell(cell) for cell in document.normalised_cells]


def sources_digest(cells: list[Cell]) -> str:
    """Return the digest of what a person wrote: types and sources, in order, no outputs."""
    said = [[cell.type, cell.source] for cell in cells]
    return digest_of(json.dumps(said, ensure_ascii=True).encode())


Step = tuple[Literal["added", "removed", "changed"], int | None, int | None]
"""What happened, to which cell of the older and which of the newer notebook, from 0."""


def steps(old: list[Cell], new: list[Cell]) -> list[Step]:
    """Return how one list of cells becomes the other, by what a person wrote into them.

    Args:
        old: The older notebook's cells.
        new: The newer notebook's cells.

    Returns:
        The steps in the order of the newer notebook; a cell that was rewritten
        where it stood is ``changed``. Empty when they say the same.
    """
    found: list[Step] = []
    for tag, a, b, c, d in _aligned(*([(one.type, one.source) for one in side]
                                      for side in (old, new))):  # fmt: skip
        if tag == "equal":
            continue
        both = min(b - a, d - c)
        found += [("changed", a + place, c + place) for place in range(both)]
        found += [("removed", place, None) for place in range(a + both, b)]
        found += [("added", None, place) for place in range(c + both, d)]
    return found


def shown_otherwise(old: list[Cell], new: list[Cell]) -> int:
    """Return how many cells say the same but show something else."""
    return sum(
        old[a + place].outputs != new[c + place].outputs
        for tag, a, b, c, _ in _aligned(
            *([(one.type, one.source) for one in side] for side in (old, new))
        )
        if tag == "equal"
        for place in range(b - a)
    )


def _aligned(
    old: list[tuple[str, str]], new: list[tuple[str, str]]
) -> Sequence[tuple[str, int, int, int, int]]:
    """Return difflib's opcodes; those of very long notebooks place by place."""
    if max(len(old), len(new)) > _MOST_ALIGNED:
        same = min(len(old), len(new))
        codes = [
            ("equal" if old[place] == new[place] else "replace", place, place + 1, place, place + 1)
            for place in range(same)
        ]
        return [*codes, ("replace", same, len(old), same, len(new))]
    return difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()


def _cell(cell: Json) -> Cell:
    shown = json.dumps(cell.get("outputs", []), sort_keys=True, ensure_ascii=True)
    kind = cell.get("cell_type")
    return Cell(
        id=_string(cell.get("id")),
        type=kind if isinstance(kind, str) else "",
        source=_string(cell.get("source")) or _string(cell.get("input")),
        outputs=digest_of(shown.encode()),
    )


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""
