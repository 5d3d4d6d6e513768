"""Finds the record a person means by a name, a branch or the beginning of an id."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection

from py_mlops.errors import UnknownReference
from py_mlops.store.base import Ledger, Row

MAIN = "main"
"""The branch a model's name alone means."""

_CANDIDATES = 100
_SHOWN = 5


def resolve(ledger: Ledger, reference: str, kinds: Collection[str]) -> str:
    """Return the id of the record a reference names.

    A reference is a head (``digits@main``), a model's name (``digits``, short
    for ``digits@main``), a record's id, or at least four hexadecimal digits an
    id begins with. Names come before ids.

    Args:
        ledger: Where to look.
        reference: What the user typed.
        kinds: The kinds of record that are wanted.

    Returns:
        The id.

    Raises:
        UnknownReference: When nothing or more than one record goes by it.
    """
    name = reference if "@" in reference else f"{reference}@{MAIN}"
    prefix = (ledger.head(name) or reference).removeprefix("sha256:")
    if re.fullmatch("[0-9a-f]{4,64}", prefix) is None:
        raise _unknown(ledger, reference, kinds)
    found = ledger.find(prefix, _CANDIDATES)
    wanted = [row for row in found if row.kind in kinds]
    if len(wanted) == 1:
        return wanted[0].record
    if wanted:
        raise _ambiguous(reference, wanted)
    if found:
        raise UnknownReference(
            f"{reference} is of kind {found[0].kind}, not {' or '.join(kinds)}.",
            hint="Look at it with `mlops show`, or name another one.",
        )
    raise _unknown(ledger, reference, kinds)


def _ambiguous(reference: str, rows: list[Row]) -> UnknownReference:
    lines = [f"{row.record[7:19]} ({row.kind} {row.subject}, {row.time})" for row in rows[:_SHOWN]]
    more = ", …" if len(rows) > _SHOWN else ""
    return UnknownReference(
        f"{reference} is the beginning of {len(rows)} ids: {', '.join(lines)}{more}.",
        hint="Type a few digits more.",
    )


def _unknown(ledger: Ledger, reference: str, kinds: Collection[str]) -> UnknownReference:
    heads = sorted(ledger.heads())
    names = {name.removesuffix(f"@{MAIN}"): None for name in heads}
    near = difflib.get_close_matches(reference, [*names, *heads], n=_SHOWN)
    if near:
        hint = f"Did you mean {' or '.join(near)}?"
    elif names:
        hint = f"`mlops log` lists what there is: {', '.join(list(names)[:_SHOWN])}."
    else:
        hint = "The store is empty: take a snapshot first, or set MLOPS_STORE to another store."
    return UnknownReference(f"No {' or '.join(kinds)} goes by {reference[:80]!r}.", hint=hint)
