"""Checks a snapshot's closure: every byte that a rerun needs, before anything is run."""

from __future__ import annotations

from py_mlops.data.contents import Contents
from py_mlops.errors import Corrupt, Missing
from py_mlops.progress import Progress, Report, silent
from py_mlops.records import History, Snapshot, decode_as
from py_mlops.store.blobs.check import check
from py_mlops.workspace import Workspace

_SHOWN = 80


def check_closure(workspace: Workspace, snapshot: Snapshot, report: Report = silent) -> History:
    """Verify every byte a rerun needs before anything is run.

    Args:
        workspace: Where the bytes are.
        snapshot: The snapshot.
        report: Told about progress.

    Returns:
        The executed cells.

    Raises:
        Corrupt: When bytes are not what the record says, naming the file.
        Missing: When bytes are gone, naming the file.
    """
    blobs = workspace.store.blobs
    with Contents(blobs, snapshot) as contents:
        _check_contents(snapshot, contents, report)
    history = blobs.read(snapshot.program.history.digest)
    return decode_as(history, History)


def _check_contents(snapshot: Snapshot, contents: Contents, report: Report) -> None:
    named = [("the environment's lock", snapshot.environment.lock)]
    environment = snapshot.environment
    named += [
        (f"the wheel of {item.name}", item.kept.blob)
        for item in (*environment.distributions, *environment.rerun)
        if item.kept
    ]
    named += [(f"module {item.path}", item.blob) for item in snapshot.program.modules]
    named += [
        (f"{item.requested} (read in cell {item.cell})", blob)
        for item in contents.files
        if item.role == "input"
        for blob in item.blobs
    ]
    named += [
        (f"the answer to {item.request[:_SHOWN]} (cell {item.cell})", item.blob)
        for item in snapshot.answers
    ]
    if snapshot.randomness.state:
        named.append(("the recorded random generators", snapshot.randomness.state))
    if snapshot.holdout:
        named += [
            (f"the recorded answers of {item.method}", item.blob)
            for item in snapshot.holdout.predictions
        ]
    for number, (name, blob) in enumerate(named):
        report(Progress("data", f"checking {name}", number, len(named)))
        try:
            check(contents, blob.digest)
        except (Corrupt, Missing) as error:
            raise type(error)(f"{name}: {error.message}", hint=error.hint) from error
