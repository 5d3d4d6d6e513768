"""What of a program hangs on the moment at which it runs, as far as its text shows.

These are hints for the likely cause of a difference, and never a reason for a verdict.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Sequence

from py_mlops.notebook.calls import calls
from py_mlops.records.program import ExecutedCell, interrupted

_Counts = Callable[[str, ast.Call], bool]

_ENTROPY = re.compile(
    r"(?:os\.)?(?:urandom|getrandom)|secrets\.\w+|(?:uuid\.)?uuid[14]|(?:random\.)?SystemRandom"
    r"|(?:np\.|numpy\.)?random\.seed"
)
_CLOCK = re.compile(
    r"(?:time\.)?(?:time|perf_counter|monotonic|process_time)(?:_ns)?"
    r"|(?:\w+\.)*(?:datetime|date|Timestamp)\.(?:now|utcnow|today)|time\.(?:ctime|localtime|gmtime)"
)
_BACKGROUND = re.compile(
    r"(?:\w+\.)*(?:Thread|Timer|create_task|ensure_future|run_coroutine_threadsafe)"
    r"|(?:subprocess\.)?Popen"
)


def draws_entropy(cells: Iterable[ExecutedCell]) -> str:
    """Say which cell draws what no rerun gets again, ``cell [2] draws … (os.urandom)``."""
    told = "draws from the system's own chance"
    return _told(cells, _ENTROPY, told, lambda name, call: "seed" not in name or not _fixed(call))


def hangs_on_time(cells: Sequence[ExecutedCell], *, failed: bool) -> str:
    """Say which cell hangs on the moment or on how long something takes; empty for none.

    Args:
        cells: What was executed, up to the cell that differs or fails.
        failed: Whether that one failed: then the clock alone explains nothing.
    """
    for cell in interrupted(cells):
        return (
            f"cell [{cell.count}] was interrupted after {cell.seconds:.1f} s; a rerun interrupts "
            "it after as long, and how far it comes by then is chance."
        )
    behind = _told(cells, _BACKGROUND, "starts what goes on while other cells run", lambda *_: True)
    if behind:
        return f"{behind}; a rerun does not wait between cells as a person does."
    read = "" if failed else _told(cells, _CLOCK, "reads the clock", lambda *_: True)
    return f"{read}, on which the rest may hang." if read else ""


def _told(
    cells: Iterable[ExecutedCell], wanted: re.Pattern[str], does: str, counts: _Counts
) -> str:
    for cell in cells:
        for call, _ in calls(cell.source):
            name = ast.unparse(call.func)
            if wanted.fullmatch(name) and counts(name, call):
                return f"cell [{cell.count}] {does} ({name})"
    return ""


def _fixed(call: ast.Call) -> bool:
    given = [*call.args, *(word.value for word in call.keywords)]
    return any(not (isinstance(one, ast.Constant) and one.value is None) for one in given)
