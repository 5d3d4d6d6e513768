"""Verify: read the whole store again and name everything that is not as it was written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from py_mlops.errors import Corrupt, Missing, MlopsError
from py_mlops.progress import Progress, Report, silent
from py_mlops.records.closure import named_blobs
from py_mlops.store.check import check
from py_mlops.workspace import Workspace


def verify(workspace: Workspace, *, report: Report = silent) -> Iterator[str]:
    """Check the ledger, every record in it and every byte those stand on.

    Args:
        workspace: The store.
        report: Told about progress.

    Yields:
        One sentence for each thing altered, missing or damaged; nothing when
        all is as it was written.
    """
    report(Progress("verify", "the log and the records it names"))
    yield from workspace.store.verify()
    size = workspace.store.ledger.size()
    checked: set[str] = set()
    with suppress(Corrupt):  # a row that cannot be read; the store has named it above
        for row in workspace.store.ledger.rows():
            report(Progress("verify", f"{row.kind} {row.record[7:19]}", row.seq, size))
            yield from _content(workspace, row.record, checked)


def _content(workspace: Workspace, record_id: str, checked: set[str]) -> Iterator[str]:
    """Check the bytes a record stands on; one that cannot be read was named before."""
    try:
        record = workspace.store.get(record_id)
    except (Corrupt, Missing):
        return
    for blob in named_blobs(record):
        if blob.digest in checked:
            continue
        checked.add(blob.digest)
        try:
            check(workspace.store.blobs, blob.digest)
        except MlopsError as error:
            yield f"{record.__class__.__name__} {record_id[7:19]}: {error.message}"
