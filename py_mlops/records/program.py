"""What was executed, beside what was saved."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from py_mlops.records.base import Blob, Part, Record


class CellOutput(Part, frozen=True):
    """One output of an executed cell, as text.

    Attributes:
        stream: Where it appeared.
        text: Its text, cut at 4,096 characters.
        digest: sha256 of the whole text, so that a cut output still compares.
    """

    stream: Literal["stdout", "stderr", "display", "result"]
    text: str
    digest: str


class ExecutedCell(Part, frozen=True):
    """One execution of one cell.

    Attributes:
        count: IPython's execution count, the number in brackets.
        cell_id: The notebook's id of the cell, when the front end sent one.
        source: The code as the person typed it, magics included.
        outputs: What it showed; empty also when IPython could not tell us.
        error: ``"TypeError: …"`` when it ended in an exception.
        seconds: How long it ran; 0 when it ran before we watched.
        watched: Whether we were watching when it ran.
    """

    count: int
    cell_id: str | None
    source: str
    outputs: list[CellOutput]
    error: str | None
    seconds: float
    watched: bool

    @property
    def stopped(self) -> bool:
        """Whether somebody interrupted it."""
        return (self.error or "").startswith(("KeyboardInterrupt", "CancelledError: interrupted"))


def interrupted(cells: Iterable[ExecutedCell]) -> list[ExecutedCell]:
    """Return the cells that somebody interrupted, and did not run again to their end."""
    found: dict[str, ExecutedCell] = {}
    for cell in cells:
        if cell.stopped:
            found[cell.source] = cell
        else:
            found.pop(cell.source, None)
    return list(found.values())


class History(Record, frozen=True, tag="history"):
    """The cells of a session in the order in which they were executed."""

    cells: list[ExecutedCell]


class Difference(Part, frozen=True):
    """One way in which the saved notebook is not what was executed.

    Attributes:
        kind: ``unsaved`` there is no saved notebook with these cells;
            ``edited`` a cell was changed after it ran; ``deleted`` a cell that
            ran is not in the notebook; ``out-of-order`` cells ran in another
            order than they stand in; ``repeated`` a cell ran more than once;
            ``not-run`` a cell was never executed; ``unwatched`` cells ran
            before the extension was loaded.
        cells: Execution counts of the cells meant (positions, from 1, among
            the notebook's code cells for ``not-run``).
        text: The same for a person.
    """

    kind: Literal[
        "unsaved", "edited", "deleted", "out-of-order", "repeated", "not-run", "unwatched"
    ]
    cells: list[int]
    text: str


class CodeVersion(Part, frozen=True):
    """What a module or script held from one cell on.

    Attributes:
        cell: Execution count of the first cell that read it so; 0 before any.
        modified: When it had been written, in nanoseconds since 1970, as decimal digits.
        blob: Its bytes.
    """

    cell: int
    modified: str
    blob: Blob


class CodeFile(Part, frozen=True):
    """A module or script outside every installed package.

    Attributes:
        path: Its absolute path on the author's machine.
        module: The name it was imported by; empty for a script that was run.
        executable: Whether it could be run as a program.
        blob: Its bytes; the newest, where it was changed.
        versions: Each version that was read, oldest first, where it was changed
            between cells; empty otherwise.
    """

    path: str
    module: str
    executable: bool
    blob: Blob
    versions: list[CodeVersion]


class Program(Part, frozen=True):
    """The program of a snapshot.

    Attributes:
        entry: How it was run: in a ``notebook``, ``headless`` by papermill, or
            in a ``console`` without any notebook.
        notebook: Absolute path of the notebook; ``None`` for a console.
        directory: Absolute path of the folder it ran in.
        saved: The notebook file as it lay on disk; ``None`` when unsaved.
        history: The `History` record: what was executed, in order.
        cells: How many executions the history holds.
        differences: How the saved notebook differs from the history.
        modules: Loose modules and scripts it used.
    """

    entry: Literal["notebook", "headless", "console"]
    notebook: str | None
    directory: str
    saved: Blob | None
    history: Blob
    cells: int
    differences: list[Difference]
    modules: list[CodeFile]
