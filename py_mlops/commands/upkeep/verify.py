"""Verify: read the whole store again and name everything that is not as it was written."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

from py_mlops.commands.history import KINDS
from py_mlops.commands.upkeep.signatures import Standing, examine, holds, log_keys, said_by
from py_mlops.commands.upkeep.witness import compare
from py_mlops.data.contents import damaged, entries_of
from py_mlops.errors import Corrupt, Hostile, StoreError
from py_mlops.predictions import check as check_segment
from py_mlops.progress import Progress, Report, silent
from py_mlops.records import AnyRecord, Blob, PredictionSegment, Snapshot, Tree, is_digest
from py_mlops.records.closure import named_blobs
from py_mlops.signing.note import ORIGIN, Note, decode_base64
from py_mlops.store import Row, Store
from py_mlops.store.blobs.check import check
from py_mlops.store.ledger.merkle import leaf_hash, verify_inclusion
from py_mlops.store.ledger.schema import leaf_data
from py_mlops.workspace import Workspace

MOST = 1000
"""So many sentences are given; the last one counts the others."""


def verify(
    workspace: Workspace,
    *,
    standing: Standing | None = None,
    witnessed: Note | None = None,
    report: Report = silent,
) -> Iterator[str]:
    """Check the ledger, its signatures, every record in it and every byte those stand on.

    One damage hides no other: what a damaged row or record no longer leads to
    is found by checking every object in the store against its name.

    Args:
        workspace: The store.
        standing: What `signatures.examine` has found, for who shows it as well.
        witnessed: A checkpoint from outside that the log must extend.
        report: Told about progress.

    Yields:
        One sentence for each thing altered, missing or damaged, at most `MOST`
        and one that counts the rest; nothing when all is as it was written.
    """
    wrong = _all(workspace, standing, witnessed, report)
    yield from itertools.islice(wrong, MOST)
    if more := sum(1 for _ in wrong):
        yield f"{more:,} more things are damaged: heal these first, and run `mlops verify` again."


def verify_record(
    workspace: Workspace, reference: str, *, report: Report = silent
) -> Iterator[str]:
    """Check one record: its row and who signed that, and every byte it stands on.

    Args:
        workspace: The store.
        reference: What a person calls it: any record that has a row.
        report: Told about progress.

    Yields:
        One sentence for each thing that is not as it was written.

    Raises:
        UnknownReference: When nothing goes by that name.
    """
    store = workspace.store
    kinds = KINDS
    identifier = store.resolve(reference, kinds)
    report(Progress("verify", f"record {identifier[7:19]}"))
    try:
        [row] = store.ledger.find(identifier[7:], 1)
        yield from _in_log(store, row)
        store.get(identifier)
    except StoreError as error:
        yield error.message
        return
    yield from _content(workspace, identifier, set())


def _in_log(store: Store, row: Row) -> Iterator[str]:
    """Check a row's place in the log of the signature that covers it, or of the whole log."""
    signed = next((one for one in store.ledger.signatures(row.seq)), None)
    size = signed.size if signed else store.ledger.size()
    root = store.ledger.root(size)
    path = store.ledger.inclusion(row.seq, size)
    if not verify_inclusion(leaf_hash(leaf_data(row)), row.seq, size, path, root):
        yield f"Row {row.seq} of the log is not what its Merkle tree holds in that place."
    if signed is not None:
        text = said_by(signed, ORIGIN + store.ledger.name(), root)
        identifier = decode_base64(signed.note)[:4]
        public = log_keys(store).get((signed.name, identifier), b"")
        if not holds(signed, public, text):
            yield (
                f"The first {size} rows of the log, row {row.seq} among them, are not what "
                f"{signed.name} signed."
            )


def _all(
    workspace: Workspace, standing: Standing | None, witnessed: Note | None, report: Report
) -> Iterator[str]:
    report(Progress("verify", "the log and the records it names"))
    lost = False
    found = standing or examine(workspace.store)
    outside = compare(workspace.store, witnessed) if witnessed else ()
    for sentence in itertools.chain(workspace.store.verify(), found.wrong, outside):
        lost = True
        yield sentence
    checked = _checkpoints(workspace)
    for row in _rows(workspace):
        report(Progress("verify", f"{row.kind} {row.record[7:19]}", row.seq))
        yield from _content(workspace, row.record, checked)
    if lost:
        report(Progress("verify", "every object, since the log no longer leads to all"))
        yield from _checked(workspace, "The store", workspace.store.blobs, checked)


def listing(workspace: Workspace) -> bytes:
    """Return what ``sha256sum -c`` checks every object with, in the store's folder or bucket."""
    digests = sorted(blob.digest[7:] for blob in workspace.store.blobs)
    return "".join(f"{digest}  objects/{digest[:2]}/{digest}\n" for digest in digests).encode()


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
    yield from _checked(workspace, who, list(named_blobs(record)), checked, _trees(record))
    if isinstance(record, PredictionSegment):
        yield from check_segment(workspace.store, record_id, record)


def _trees(record: AnyRecord) -> list[Tree]:
    return record.trees if isinstance(record, Snapshot) else []


def _checked(
    workspace: Workspace,
    who: str,
    named: Iterable[Blob],
    checked: set[str],
    trees: Sequence[Tree] = (),
) -> Iterator[str]:
    blobs, wrong = workspace.store.blobs, set[str]()
    for blob in named:
        if blob.digest in checked:
            continue
        checked.add(blob.digest)
        try:
            check(blobs, blob.digest)
        except StoreError as error:
            wrong.add(blob.digest)
            yield f"{who}: {error.message}"
            if isinstance(error, Corrupt):
                yield from (f"{who}: {sentence}" for sentence in damaged(blob, trees, blobs))
    for tree in trees:
        try:
            if tree.manifest.digest not in wrong:
                entries_of(tree, blobs)
        except (Hostile, StoreError) as error:
            yield f"{who}: {error.message}"
