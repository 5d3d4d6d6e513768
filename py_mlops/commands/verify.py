"""Verify: read the whole store again and name everything that is not as it was written."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from py_mlops.errors import StoreError
from py_mlops.progress import Progress, Report, silent
from py_mlops.records import is_digest
from py_mlops.records.closure import named_blobs
from py_mlops.store.base import Row
from py_mlops.store.check import check
from py_mlops.workspace import Workspace

MOST = 1000
"""So many sentences are given; the last one counts the others."""


def verify(workspace: Workspace, *, report: Report = silent) -> Iterator[str]:
    """Check the ledger, every record in it and every byte those stand on.

    One damage hides no other: what a damaged row or record no longer leads to
    is found by checking every object in the store against its name.

    Args:
        workspace: The store.
        report: Told about progress.

    Yields:
        One sentence for each thing altered, missing or damaged, at most `MOST`
        and one that counts the rest; nothing when all is as it was written.
    """
    wrong = _all(workspace, report)
    yield from itertools.islice(wrong, MOST)
    if more := sum(1 for _ in wrong):
        yield f"{more:,} more things are damaged: heal these first, and run `mlops verify` again."


def _all(workspace: Workspace, report: Report) -> Iterator[str]:
    report(Progress("verify", "the log and the records it names"))
    lost = False
    for sentence in workspace.store.verify():
        lost = True
        yield sentence
    checked = _checkpoints(workspace)
    for row in _rows(workspace):
        report(Progress("verify", f"{row.kind} {row.record[7:19]}", row.seq))
        yield from _content(workspace, row.record, checked)
    if lost:
        report(Progress("verify", "every object, since the log no longer leads to all"))
        digests = (blob.digest for blob in workspace.store.blobs)
        yield from _checked(workspace, "The store", digests, checked)


def _checkpoints(workspace: Workspace) -> set[str]:
    """Return the checkpoints, which the store has checked with the log."""
    try:
        return {mark.record for mark in workspace.store.ledger.marks()}
    except StoreError:
        return set()


def _rows(workspace: Workspace) -> Iterator[Row]:
    """Iterate over the rows that still name a record, as far as the log can be read."""
    try:
        for row, _ in workspace.store.ledger.salvage():
            if is_digest(row.record):
                yield row
    except StoreError:
        return  # the store has said so


def _content(workspace: Workspace, record_id: str, checked: set[str]) -> Iterator[str]:
    """Check the bytes a record stands on; one that cannot be read was named before."""
    checked.add(record_id)
    try:
        record = workspace.store.get(record_id)
    except StoreError:
        return
    who = f"{record.__class__.__name__} {record_id[7:19]}"
    digests = (blob.digest for blob in named_blobs(record))
    yield from _checked(workspace, who, digests, checked)


def _checked(
    workspace: Workspace, who: str, digests: Iterable[str], checked: set[str]
) -> Iterator[str]:
    for digest in digests:
        if digest in checked:
            continue
        checked.add(digest)
        try:
            check(workspace.store.blobs, digest)
        except StoreError as error:
            yield f"{who}: {error.message}"
