"""Pages of any record, with what the store knows about it beside the record itself."""

from __future__ import annotations

from py_mlops.commands.comparison.diff import Changes
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
from py_mlops.report.lists import diff_page
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
            return snapshot_page(identifier, record, verdict)
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
