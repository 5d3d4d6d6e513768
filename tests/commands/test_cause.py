"""Tests of the cause that a verdict names."""

from __future__ import annotations

import msgspec
import pytest

from py_mlops.commands.reruns.cause import cause
from py_mlops.commands.reruns.evidence import Evidence
from py_mlops.records import Blob, History, Hole
from py_mlops.records.reproduction import CellDifference
from tests.store import samples

TEXT = "The name b'\\xff.csv' is not valid UTF-8, so no record can hold it."
OLDER = "a.csv was read in cell [2] and changed before it was read again; only the newest is kept."


@pytest.mark.parametrize(
    ("cell", "blocking", "begins"),
    [
        (2, True, "data: the first cell that does something else read what the snapshot does not"),
        (1, True, "data: the program read what the snapshot does not hold. The name b'"),
        (3, True, "the cell itself: "),
        (2, False, "the cell itself: "),  # an output, which nobody reads
    ],
)
def test_a_file_that_no_record_holds_is_the_cause(cell: int, blocking: bool, begins: str) -> None:
    """A cell that shows something else is not blamed for chance where its input was missing."""
    hole = Hole(kind="data", text=TEXT, hint="Rename it.", cell=cell, blocking=blocking)
    assert _likely(hole).startswith(begins)


def test_an_older_version_that_is_not_kept_is_the_cause() -> None:
    """A file that changed between two reads holds up no snapshot, and is blamed all the same."""
    hole = Hole(kind="data", text=OLDER, hint="Restart.", cell=2, blocking=False)
    begins = "data: the first cell that does something else read what the snapshot does not"
    assert _likely(hole).startswith(begins)


def _likely(hole: Hole) -> str:
    """Return the cause that is named where cell [2] shows something else."""
    blob = Blob(digest=samples.digest(1), size=1)
    taken = samples.snapshot(history=blob, lock=blob)
    capture = msgspec.structs.replace(taken.capture, holes=[hole])
    snapshot = msgspec.structs.replace(taken, capture=capture)
    shown = CellDifference(count=2, source="read()", recorded="2", rerun="1")
    evidence = Evidence([], [], [], shown, None, [], varies=False)
    return cause("different", snapshot, evidence, None, History(cells=[]), unseeded=False)
