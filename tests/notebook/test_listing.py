from __future__ import annotations

from collections.abc import Callable

from py_mlops.notebook.listing import unified
from py_mlops.records import ExecutedCell, History

Ran = Callable[..., ExecutedCell]


def test_changed_cells(ran: Ran) -> None:
    """Changed, added and removed cells show as in any text diff; execution counts do not matter."""
    a = History(cells=[ran(1, "x = 1"), ran(2, "y = x\nz = y")])
    b = History(cells=[ran(7, "x = 1"), ran(8, "y = x\nz = 2 * y"), ran(9, "new()")])
    assert unified(a, a) == []
    assert unified(a, b)[3:] == [
        " x = 1", " # %%", " y = x", "-z = y", "+z = 2 * y", "+# %%", "+new()",
    ]  # fmt: skip


def test_control_characters_are_shown(ran: Ran) -> None:
    """Somebody else's code cannot steer the terminal of who reads the diff."""
    lines = unified(History(cells=[]), History(cells=[ran(1, "x = '\x1b[2J\x9b31m'\t# ü")]))
    assert lines[-1] == "+x = '\\x1b[2J\\x9b31m'\t# ü"
