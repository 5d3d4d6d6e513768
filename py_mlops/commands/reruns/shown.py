"""The axis of what the cells showed, and how they ended."""

from __future__ import annotations

from collections.abc import Sequence

from py_mlops.notebook import outputs
from py_mlops.records import Axis, CellDifference, History
from py_mlops.report.page import counted


def shown_axis(
    history: History, reruns: Sequence[History], noise: float
) -> tuple[CellDifference | None, Axis, int]:
    """Compare what the cells showed.

    Args:
        history: The executed cells of the snapshot.
        reruns: Those of the rerun, and of further ones that were given the very same.
        noise: How far apart real numbers may be, as a fraction.

    Returns:
        The first cell that differs, the axis, and how many cells vary by themselves.
    """
    rerun, *again = reruns
    difference = outputs.first_difference(history, rerun, noise, again)
    agreement = outputs.agreement(history, rerun, noise, again)
    if agreement.compared == 0:
        text = "No cell has a recorded output."
        return None, Axis(name="outputs", state="unknown", text=text, details=[]), 0
    if difference is None:
        same = agreement.compared - agreement.varying
        text = f"What {same} of {counted(len(history.cells), 'cell')} showed is the same."
        if failed := sum(cell.error is not None and not cell.stopped for cell in history.cells):
            text += f" {counted(failed, 'cell')} ended in an error, then as now."
        if agreement.varying:
            text += (
                f" What {agreement.varying} more showed changes each time it runs: reruns "
                "part from each other where they part from the recorded run."
            )
        exact = agreement.exact == agreement.compared
        axis = Axis(name="outputs", state="same" if exact else "close", text=text, details=[])
        first_varying = outputs.first_difference(history, rerun, noise) if again else None
        return first_varying, axis, agreement.varying
    axis = Axis(
        name="outputs",
        state="different",
        text=f"Cell [{difference.count}] is the first to show something else: {difference.source}",
        details=[f"then: {difference.recorded}", f"now:  {difference.rerun}"],
    )
    return difference, axis, agreement.varying
