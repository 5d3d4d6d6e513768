"""Names the likely cause of a verdict, from what the recorded run is known to have taken in."""

from __future__ import annotations

from py_mlops.commands.reruns.evidence import Evidence
from py_mlops.commands.reruns.rerun import NOT_KEPT, stood_in
from py_mlops.data.holes import is_older_version
from py_mlops.data.surroundings import never_read
from py_mlops.notebook.client import CellFailure
from py_mlops.notebook.timing import draws_entropy, hangs_on_time
from py_mlops.records import ExecutedCell, History, Level, Snapshot
from py_mlops.verdict import likely_cause, missing_program

_UNSEEN = {
    "data": "the first cell that does something else read what the snapshot does not hold.",
    "shell": "the first cell that does something else started a process.",
    "network": "the first cell that does something else was answered from outside.",
}
"""What a hole of the first differing cell means for what it shows, by the hole's kind."""
_BEFORE = {
    "data": "the program read what the snapshot does not hold.",
    "network": "the program was answered from outside.",
}
"""What a hole of an earlier cell, that no rerun gets over, means for it."""


def cause(
    level: Level,
    snapshot: Snapshot,
    evidence: Evidence,
    failure: CellFailure | None,
    history: History,
    *,
    unseeded: bool,
) -> str:
    """Name the likely cause, from the axes and the first differing or failed cell's holes.

    Args:
        level: The verdict's level.
        snapshot: What was rerun.
        evidence: How the rerun compares with it.
        failure: The cell that failed, if one did.
        history: What was executed.
        unseeded: Whether it draws random numbers that nothing fixes.

    Returns:
        A sentence that begins with the axis, or nothing where there is no cause to name.
    """
    difference = evidence.first_difference
    told = _took_in(snapshot, failure.count if failure else difference.count if difference else 0)
    shown = failure.error if failure else difference.rerun if difference else ""
    until = _until(history, failure.count if failure else difference.count if difference else 0)
    lost = _never_read(snapshot, shown) if failure else ""
    lost = lost or _not_kept(snapshot, shown) or told.get("network", "") or told.get("data", "")
    return likely_cause(
        level,
        evidence.axes,
        unseeded=unseeded,
        lost=lost or (missing_program(difference) if difference else ""),
        unseen=told.get("shell", ""),
        varies=level == "within tolerance" and bool(evidence.varying),
        entropy=draws_entropy(until),
        moment=hangs_on_time(until, failed=failure is not None),
    )


def _until(history: History, cell: int) -> list[ExecutedCell]:
    """Return what ran up to a cell, it included; all where none is known."""
    counts = [one.count for one in history.cells]
    return history.cells[: counts.index(cell) + 1] if cell in counts else history.cells


def _never_read(snapshot: Snapshot, error: str) -> str:
    """Say that a rerun failed for a file whose name was recorded and whose content was not."""
    path = never_read(snapshot.surroundings.listings, error)
    if not path:
        return ""
    return (
        f"data: the recorded run listed the folder of {path} and never read that file, so its "
        "name, size and time are recorded and its content is not; the rerun chose to read it."
    )


def _not_kept(snapshot: Snapshot, shown: str) -> str:
    """Say that what a cell shows hangs on the value of an environment variable."""
    if NOT_KEPT not in shown:
        return ""
    names = ", ".join(stood_in(snapshot))
    return (
        f"data: the program needs the value of an environment variable ({names}), which no "
        "snapshot keeps; give it to the rerun with --env NAME=VALUE."
    )


def _took_in(snapshot: Snapshot, cell: int) -> dict[str, str]:
    """Say what a cell took in that no rerun has, by the kinds of holes; 0 is some unknown cell.

    Answers and files that no rerun gets are told of the cells before it too: it may work
    with them.
    """
    told: dict[str, str] = {}
    earlier: dict[str, str] = {}
    for hole in snapshot.capture.holes:
        lost = hole.blocking or is_older_version(hole)
        if hole.kind == "data" and not lost:  # an output, which nobody reads
            continue
        if cell and hole.cell == cell and hole.kind in _UNSEEN:
            told.setdefault(hole.kind, f"{hole.kind}: {_UNSEEN[hole.kind]} {hole.text}")
        elif hole.kind in _BEFORE and lost and (hole.cell < cell or not cell):
            earlier.setdefault(hole.kind, f"{hole.kind}: {_BEFORE[hole.kind]} {hole.text}")
    return {**earlier, **told}
