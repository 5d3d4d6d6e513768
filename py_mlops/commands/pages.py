"""Pages of any record, with what the store knows about it beside the record itself."""

from __future__ import annotations

from py_mlops.commands.catalogue.trend import heads_by_target, trend
from py_mlops.commands.comparison.diff import Changes
from py_mlops.commands.history import Logged
from py_mlops.errors import MlopsError
from py_mlops.records import (
    AnyRecord,
    Checkpoint,
    HeadMove,
    History,
    Hold,
    Import,
    PredictionSegment,
    PublicKey,
    Redaction,
    Reproduction,
    Signature,
    Snapshot,
)
from py_mlops.report.lists import diff_page, log_page
from py_mlops.report.page import Line, Page, Section, short
from py_mlops.report.snapshots import snapshot_page
from py_mlops.report.verdicts import verdict_page
from py_mlops.signing.sshsig import fingerprint
from py_mlops.workspace import Workspace

_Act = HeadMove | Import | PublicKey | Signature | PredictionSegment | Redaction | Hold


def record_page(
    workspace: Workspace, identifier: str, record: AnyRecord, verdict: Reproduction | None
) -> Page:
    """Describe a record of any kind.

    Args:
        workspace: The store it is in.
        identifier: Its whole id.
        record: The record.
        verdict: For a snapshot, the newest verdict on it.

    Returns:
        The page.
    """
    match record:
        case Snapshot():
            return taken_page(workspace, identifier, record, verdict)
        case Reproduction():
            name = workspace.store.get_as(record.snapshot, Snapshot).request.name
            return verdict_page(identifier, record, name)
        case History():
            lines = tuple(Line(f"[{cell.count}]", cell.source) for cell in record.cells)
            return Page("history", short(identifier), "", "", (Section("Cells", lines),))
        case Checkpoint():
            line = Line("", f"the first {record.size:,} rows of the ledger, root {record.root}")
            return Page(
                "checkpoint", short(identifier), "", record.created, (Section("", (line,)),)
            )
        case _:
            return _act(identifier, record)


def taken_page(
    workspace: Workspace,
    identifier: str,
    snapshot: Snapshot,
    verdict: Reproduction | None = None,
) -> Page:
    """Describe a snapshot beside the one of the same model that it follows.

    Args:
        workspace: The store it is in.
        identifier: Its whole id.
        snapshot: The record.
        verdict: The newest verdict on it, when it was rerun.

    Returns:
        The page.
    """
    before = None
    for parent in snapshot.parents[:1]:
        try:
            found = workspace.store.get_as(parent, Snapshot)
        except MlopsError:  # of a bundle it may not be here; the page is of the snapshot itself
            continue
        before = found if found.request.name == snapshot.request.name else None
    return snapshot_page(identifier, snapshot, verdict, before)


def logged_page(
    workspace: Workspace, found: list[Logged], name: str | None, more: str, before: int | None
) -> Page:
    """List snapshots that `log` found, for a model with how its metrics went.

    Args:
        workspace: The store.
        found: The snapshots.
        name: The model they were chosen by, if any.
        more: How to see the next page; empty when this is the last.
        before: Where the page began; metrics are told up to there.

    Returns:
        The page.
    """
    shown = [(item.id, item.snapshot, item.verdict) for item in found]
    heads = heads_by_target(workspace)
    went = trend(workspace, name, heads, before=before) if name and found else None
    return log_page(shown, name, more, heads=heads, trend=went)


def _act(identifier: str, record: _Act) -> Page:
    heading, text = _told(record)
    when = record.created[:19].replace("T", " ")
    section = Section("", (Line("", text),))
    return Page(heading, short(identifier), "", f"{when} UTC by {record.author.name}", (section,))


def _told(record: _Act) -> tuple[str, str]:
    """Return a heading and a sentence."""
    match record:
        case HeadMove():
            before = short(record.previous) if record.previous else "nothing"
            heading, text = record.head, f"{before} → {short(record.target)}"
            text += f", because: {record.reason}"
        case Import():
            bundle = record.bundle and f"bundle {short(record.bundle)}"
            text = f"snapshot {short(record.snapshot)} from {bundle or f'store {record.store}'}"
            heading = "import"
        case PublicKey():
            what = "what they append to the ledger" if record.use == "log" else "their acts"
            text = f"{record.name} signs {what} with {fingerprint(record.key)}"
            heading = "public key"
        case Signature():
            text = f"record {short(record.record)} with {fingerprint(record.key)}"
            heading = "signature"
        case PredictionSegment():
            text = f"{record.rows:,} predictions of {record.log} since {record.began[:19]}"
            heading = "predictions"
        case Redaction():
            text = f"rows of segment {short(record.segment)}, because: {record.reason}"
            heading = "deleted predictions"
        case Hold():
            text = f"{short(record.target)}, because: {record.reason}"
            heading = record.state
    return heading, text


def changes_page(first: str, second: str, changes: Changes) -> Page:
    """Describe what changed between two snapshots.

    Args:
        first: Whole id of the older one.
        second: Whole id of the newer one.
        changes: What `diff` found.

    Returns:
        The page.
    """
    parts = {
        "Parameters": changes.parameters,
        "Data": changes.data,
        "Environment": changes.environment,
        "Program": changes.program,
    }
    return diff_page((short(first), short(second)), changes.metrics, parts)
