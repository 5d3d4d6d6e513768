"""nbdime's diff of two lists of cells, in time that grows with what changed, not with its square.

Equal cells are found first, cells of the same id next; nbdime, whose own alignment is
quadratic, is asked only about the short stretches between. As a program,
``python -m py_mlops.notebook.celldiff``, it reads ``{"a": cells, "b": cells}`` and
writes ``{"diff", "complete"}``.
"""

from __future__ import annotations

import difflib
import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

Cells = list[dict[str, Any]]
Entry = dict[str, Any]
Stretch = tuple[int, int, int, int]
"""``a[low:high]`` became ``b[low:high]``."""

PATIENCE = 6.0
"""Seconds after which the rest is told by whole cells."""

_BLOCK = 400
"""The most pairs of cells of one stretch that nbdime is asked about."""

_CHECKS = (
    "arrow", "fqdn", "idna", "isoduration", "jsonpointer", "rfc3339_validator",
    "rfc3986_validator", "rfc3987_syntax", "uri_template", "webcolors",
)  # fmt: skip
"""What jsonschema, which nbformat imports, checks addresses and dates with, where it is there.

Nothing is checked here, and importing them takes longer than all the rest.
"""


def whole_cells(a: Cells, b: Cells) -> list[Entry]:
    """Return a diff that removes and adds whole cells only.

    Args:
        a: The older cells.
        b: The newer cells.

    Returns:
        nbdime's format, for a list of cells.
    """
    return [entry for stretch in _stretches(a, b) for entry in _replaced(stretch, b)]


def inside_cells(a: Cells, b: Cells, *, seconds: float = PATIENCE) -> tuple[list[Entry], bool]:
    """Return a diff that says what changed inside cells.

    Args:
        a: The older cells.
        b: The newer cells.
        seconds: After so long the rest is told by whole cells.

    Returns:
        nbdime's format, for a list of cells, and whether all of it is nbdime's.
    """
    diff_cells = _nbdime()
    end = time.monotonic() + seconds
    found: list[Entry] = []
    complete = True
    for stretch in _stretches(a, b):
        low, high, start, stop = stretch
        small = 0 < (high - low) * (stop - start) <= _BLOCK
        if small and time.monotonic() < end:
            entries = diff_cells(a[low:high], b[start:stop])
            found += [{**entry, "key": entry["key"] + low} for entry in entries]
        else:
            complete = complete and (low == high or start == stop)
            found += _replaced(stretch, b)
    return found, complete


def only_changed(a: Cells, diff: list[Entry]) -> tuple[Cells, list[Entry], list[int]]:
    """Return the older cells that a diff is about, and the diff for these alone.

    Args:
        a: The older cells, all of them.
        diff: nbdime's diff of them.

    Returns:
        The cells, their diff, and each cell's place among all.
    """
    kept = sorted(
        {
            place
            for entry in diff
            if entry["op"] != "addrange"
            for place in range(entry["key"], entry["key"] + entry.get("length", 1))
        }
    )
    rank = {place: number for number, place in enumerate(kept)}
    moved = []
    for entry in diff:
        key = rank.get(entry["key"])
        if key is None or entry["op"] == "addrange":
            key = sum(place < entry["key"] for place in kept)
        moved.append({**entry, "key": key})
    return [a[place] for place in kept], moved, kept


def changed(diff: list[Entry]) -> int:
    """Return how many cells a diff changes, adds or removes; a rewritten one counts once."""
    added: dict[int, int] = {}
    removed: dict[int, int] = {}
    patched = 0
    for entry in diff:
        if entry["op"] == "addrange":
            added[entry["key"]] = len(entry["valuelist"])
        elif entry["op"] == "removerange":
            removed[entry["key"]] = entry["length"]
        else:
            patched += 1
    return patched + sum(
        max(added.get(key, 0), removed.get(key, 0)) for key in added.keys() | removed.keys()
    )


def _stretches(a: Cells, b: Cells) -> Iterator[Stretch]:
    old, new = ([json.dumps(cell, sort_keys=True) for cell in side] for side in (a, b))
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for tag, low, high, start, stop in matcher.get_opcodes():
        if tag != "equal":
            yield from _by_id(a, b, (low, high, start, stop))


def _by_id(a: Cells, b: Cells, stretch: Stretch) -> Iterator[Stretch]:
    """Split a stretch at cells that have one id on both sides and kept their order."""
    low, high, start, stop = stretch
    places = {a[place].get("id"): place for place in range(low, high)}
    for place in range(start, stop):
        there = places.get(b[place].get("id"))
        if there is None or there < low or b[place].get("id") is None:
            continue
        if there > low or place > start:
            yield low, there, start, place
        yield there, there + 1, place, place + 1
        low, start = there + 1, place + 1
    if low < high or start < stop:
        yield low, high, start, stop


def _replaced(stretch: Stretch, b: Cells) -> list[Entry]:
    low, high, start, stop = stretch
    found: list[Entry] = []
    if start < stop:
        found.append({"op": "addrange", "key": low, "valuelist": b[start:stop]})
    if low < high:
        found.append({"op": "removerange", "key": low, "length": high - low})
    return found


def _nbdime() -> Callable[[Cells, Cells], list[Entry]]:
    from nbdime.diffing.notebooks import (  # noqa: PLC0415 - optional, and slow to import
        diff_notebooks,
    )
    from nbformat import from_dict  # noqa: PLC0415 - the same

    def diff(a: Cells, b: Cells) -> list[Entry]:
        old, new = (
            from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})
            for cells in (a, b)
        )
        found: list[Entry] = json.loads(json.dumps(diff_notebooks(old, new)))
        return found[0]["diff"] if found else []

    return diff


def main() -> None:
    """Read two lists of cells from stdin, write their diff to stdout."""
    for name in _CHECKS:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # so Python is told: not here
    _nbdime()  # what takes long is done before anyone asks
    asked = json.load(sys.stdin.buffer)
    diff, complete = inside_cells(asked["a"], asked["b"])
    json.dump({"diff": diff, "complete": complete}, sys.stdout)


if __name__ == "__main__":
    main()
