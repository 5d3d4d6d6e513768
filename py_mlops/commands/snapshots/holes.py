"""What a session leaves open for someone who wants to train its model again."""

from __future__ import annotations

from py_mlops.environment.holes import replaced
from py_mlops.records import Hole, Program
from py_mlops.records.handover import Handover
from py_mlops.report.page import counted


def session_holes(handover: Handover, program: Program) -> list[Hole]:
    """List what the session itself leaves open: program, model, held-out inputs.

    Args:
        handover: What the kernel handed over.
        program: The program as it is recorded.

    Returns:
        The holes; those of data and environment come from their own rooms.
    """
    holes = [replaced(one.name, one.loaded, one.version, one.cell) for one in handover.replaced]
    unwatched = [cell.count for cell in handover.cells if not cell.watched]
    if unwatched:
        holes.append(
            Hole(
                kind="data",
                text=f"{counted(len(unwatched), 'cell')} ran before the extension was loaded; "
                "the files read there were not seen.",
                hint="Put %load_ext py_mlops into the first cell and run the notebook again.",
                cell=unwatched[0],
                blocking=True,
            )
        )
    for kind, problem in (("model", handover.model), ("holdout", handover.holdout)):
        if problem is not None and problem.problem:
            holes.append(
                Hole(
                    kind=kind,  # type: ignore[arg-type]  # both words are of the literal
                    text=problem.problem,
                    hint="The rerun is compared by the metrics alone.",
                    cell=0,
                    blocking=False,
                )
            )
    if handover.request.model and not handover.request.holdout:
        holes.append(
            Hole(
                kind="holdout",
                text="No held-out inputs were named: a rerun is judged by its metrics alone, and "
                "there is no reference to watch the deployed model against.",
                hint="Add --holdout with the variable of your test inputs, e.g. X_test.",
                cell=0,
                blocking=False,
            )
        )
    if program.saved is None and handover.entry != "console":
        holes.append(
            Hole(
                kind="program",
                text="The notebook was not found on disk; what was executed is recorded.",
                hint="Save the notebook in the folder of its kernel and take the snapshot again.",
                cell=0,
                blocking=False,
            )
        )
    return holes
