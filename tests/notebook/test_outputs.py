from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_mlops.notebook.outputs import Agreement, agreement, first_difference, normalise
from py_mlops.records import CellOutput, ExecutedCell, History

Ran = Callable[..., ExecutedCell]


def history(*cells: ExecutedCell) -> History:
    """Return a history of these cells."""
    return History(cells=list(cells))


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("<Model at 0x7f3e5c0a1b20>", "<Model at 0x55d0c1a2f000>"),
        ("run 123e4567-e89b-12d3-a456-426614174000", "run 9b2d4567-e89b-12d3-a456-4266141740ff"),
        ("CPU times: user 3 ms\nWall time: 3.2 s", "CPU times: user 4 ms\nWall time: 1min 2s"),
        ("12/12 - 1s 12ms/step - loss: 0.3", "12/12 - 3s 250us/step - loss: 0.3"),
        ("1%|█| 1/1 [00:01<00:00,  4.3it/s]", "0%| | 0/1\r1%|█| 1/1 [00:09<00:00, 1.1it/s]"),
        ("1.2 ms ± 3 us per loop (mean ± std. dev. of 7 runs)", "9 ns ± 1 ns per loop (mean ± x)"),
        ("took 3.4 seconds", "took 12 seconds"),
        ("Elapsed time: 0.123", "Elapsed time: 4.5"),
        ("2024-01-02T10:11:12.123Z ok", "2025-11-30T23:59:59.9Z ok"),
        ("at 10:11:12", "at 9:59:01"),
        ("Date: Sat, 28 Nov 2026  Time: 15:10:02", "Date: Tue, 2 Mar 2027  Time: 9:00:00"),
        ("Sat Nov 28 15:14:15 UTC 2026", "Tue Mar  2 09:14:15 CET 2027"),
        ("Report of November 28, 2026", "Report of May 2, 2027"),
        ("28.11.2026, 11/28/2026", "2.3.2027, 3/2/2027"),
        ("runs/exp_20261128_151023", "runs/exp_20270302_090000"),
        ("/var/tmp/a_12/345.py:3: Warn", "/var/tmp/a_9/77.py:3: Warn"),  # noqa: S108 - texts
        ("at /a/e/lib/python3.11/site-packages/m", "at /b-2/lib/python3.11/site-packages/m"),
        ("'/a/env/bin/python'", "'/b/c.d/bin/python3.11'"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("pid 123", "pid 4567"),
        ("Overwriting prep.py", "Writing prep.py"),
        ("a   b\n", "a b"),
    ],
)  # fmt: skip
def test_what_differs_on_every_run(then: str, now: str) -> None:
    """Addresses, ids, times, rates, colours, the environment's place are no difference."""
    assert normalise(then) == normalise(now)


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("accuracy 0.97", "accuracy 0.96"),
        ("/a/lib/python3.11/site-packages/m", "/a/lib/python3.12/site-packages/m"),
        ("/a/env/lib/python3.11/site-packages/m", "/a/env/lib/python3.11/site-packages/n"),
        ("/a/data/bin/python-rows.csv", "/b/data/bin/python-rows.csv"),
        ("x 5 m", "x 6 m"),
        ("ratio 3:4", "ratio 3:5"),
        ("in 3 folds", "in 4 folds"),
        ("1.11.2026 items", "1.11.20266 items"),
        ("id 20261199", "id 20261198"),
        ("3 Marks 2026", "4 Marks 2026"),
        ("d41d8cd98f00b204e9800998ecf8427e", "e41d8cd98f00b204e9800998ecf8427e"),
        ("{'a', 'b'}", "{'b', 'a'}"),
    ],
)
def test_what_stays_a_difference(then: str, now: str) -> None:
    """Scores, counts, digests and the order of a set are compared."""
    assert normalise(then) != normalise(now)


@given(st.text(alphabet="0123456789.:-e+/ \r\nabxtimes[]<%\x1b", max_size=300))
def test_any_text_compares_with_itself(text: str) -> None:
    """Whatever a cell shows, a rerun that shows it too, behind a new colour code, agrees."""
    output = CellOutput(stream="stdout", text=f"x{text}", digest="0")
    coloured = CellOutput(stream="stdout", text=f"\x1b[1mx\x1b[0m{text}", digest="1")
    sides = [
        History(cells=[
            ExecutedCell(
                count=1, cell_id=None, source="x", outputs=[shown], error=None, seconds=0,
                watched=True,
            )
        ])
        for shown in (output, coloured)
    ]  # fmt: skip
    assert first_difference(sides[0], sides[1], 0) is None


def test_numbers_within_the_tolerance(ran: Ran) -> None:
    """Real numbers may differ by the given fraction; whole numbers may not."""
    then = history(ran(1, "a", "loss: 0.123456789 rows: 10\n"))
    now = history(ran(1, "a", "loss: 0.123456790 rows: 10\n"))
    assert first_difference(then, now, 1e-6) is None
    assert agreement(then, now, 1e-6) == Agreement(1, 0, 1, 0, 0, 0)
    assert first_difference(then, now, 1e-12) is not None
    rows = history(ran(1, "a", "loss: 0.123456789 rows: 11\n"))
    assert first_difference(then, rows, 0.5) is not None


def test_columns_that_shift(ran: Ran) -> None:
    """A table whose numbers are wider by a digit of noise is still the same table."""
    then = history(ran(1, "a", "   a        b\n0  1.0  0.1000\n"))
    now = history(ran(1, "a", "   a                    b\n0  1.0  0.10000000000000001\n"))
    assert agreement(then, now, 1e-9) == Agreement(1, 0, 1, 0, 0, 0)


def test_the_first_difference(ran: Ran) -> None:
    """The first cell that differs is named, with what it showed from the differing line on."""
    then = history(
        ran(1, "x", "same\n"), ran(4, "\nfit()\n", "ok\nscore 0.9\n"), ran(5, "z", "1\n")
    )
    now = history(ran(1, "x", "same\n"), ran(2, "\nfit()\n", "ok\nscore 0.5\n"), ran(3, "z", "2\n"))
    found = first_difference(then, now, 1e-3)
    assert found is not None
    assert (found.count, found.source) == (4, "fit()")
    assert (found.recorded, found.rerun) == ("score 0.9", "score 0.5")
    assert agreement(then, now, 1e-3) == Agreement(3, 1, 0, 0, 2, 0)


def test_missing_outputs(ran: Ran) -> None:
    """A cell that shows something on one side only differs; one that shows nothing is unknown."""
    then = history(ran(1, "x", "a\n"), ran(2, "y"), ran(3, "z", "c\n"))
    now = history(ran(1, "x", "a\n"), ran(2, "y"), ran(3, "z"))
    assert agreement(then, now, 0) == Agreement(2, 1, 0, 0, 1, 1)
    found = first_difference(then, now, 0)
    assert found is not None
    assert (found.recorded, found.rerun) == ("c", "(nothing)")


def test_a_side_that_heard_nothing(ran: Ran) -> None:
    """Where IPython kept no outputs at all, nothing is compared and nothing claimed."""
    then, now = history(ran(1, "x", "a\n")), history(ran(1, "x"))
    assert agreement(then, now, 0) == Agreement(0, 0, 0, 0, 0, 1)
    assert first_difference(then, now, 0) is None


def test_warnings_do_not_count(ran: Ran) -> None:
    """What a cell writes to stderr is not compared."""
    warning = CellOutput(stream="stderr", text="careful", digest="0")
    result = CellOutput(stream="result", text="1", digest="1")
    then = history(ran(1, "x", outputs=[warning, result]))
    now = history(ran(1, "x", outputs=[result]))
    assert agreement(then, now, 0) == Agreement(1, 1, 0, 0, 0, 0)


def test_errors_are_compared(ran: Ran) -> None:
    """A cell that failed then and not now, or the other way round, differs."""
    then = history(ran(1, "x", "a"), ran(2, "f()", error="ValueError: no"))
    now = history(ran(1, "x", "a"), ran(2, "f()"))
    found = first_difference(then, now, 0)
    assert found is not None
    assert (found.recorded, found.rerun) == ("ValueError: no", "(nothing)")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("ValueError: row 3 at 0x7f0000aa", Agreement(2, 2, 0, 0, 0, 0)),
        ("ValueError: no such row", Agreement(1, 1, 0, 0, 0, 1)),
        ("ModuleNotFoundError: No module named 'x'", Agreement(2, 1, 0, 0, 1, 0)),
    ],
)
def test_how_a_cell_failed_is_compared(ran: Ran, error: str, expected: Agreement) -> None:
    """The same error again is the same; one of another kind is not what was recorded."""
    then = history(ran(1, "x", "a"), ran(2, "f()", error="ValueError: row 3 at 0x7f0000ff"))
    now = history(ran(1, "x", "a"), ran(2, "f()", error=error))
    assert agreement(then, now, 0) == expected


def test_a_notebook_that_shows_nothing_but_errors(ran: Ran) -> None:
    """Where every cell fails, or nothing else is shown, that it fails alike is what is compared."""
    failed = history(ran(1, "import x"), ran(2, "f()", error="NameError: f"))
    assert agreement(failed, failed, 0) == Agreement(1, 1, 0, 0, 0, 1)
    worked = history(ran(1, "import x"), ran(2, "f()"))
    found = first_difference(failed, worked, 0)
    assert found is not None
    assert (found.recorded, found.rerun) == ("NameError: f", "(nothing)")
    stopped = history(ran(1, "f()", error="KeyboardInterrupt: "))
    assert agreement(stopped, stopped, 0) == Agreement(0, 0, 0, 0, 0, 1)


def test_our_own_cells_and_rewritten_ones(ran: Ran) -> None:
    """Cells that call us are left out, and cells that were not replayed as typed are unknown."""
    then = history(
        ran(1, "%load_ext py_mlops"), ran(2, "x", "a"), ran(3, "%pip install y", "done"),
        ran(4, "%mlops snapshot m", "kept"),
    )  # fmt: skip
    now = history(ran(1, "x", "a"), ran(2, "pass  # not replayed"))
    assert agreement(then, now, 0) == Agreement(1, 1, 0, 0, 0, 1)


def test_texts_longer_than_is_kept(ran: Ran) -> None:
    """Of a text that was cut, the kept part is compared; what lies beyond is unknown."""
    long = "".join(f"row {i} 0.5\n" for i in range(1000))
    then = history(ran(1, "x", long))
    assert agreement(then, history(ran(1, "x", long)), 0) == Agreement(1, 1, 0, 0, 0, 0)
    assert agreement(then, history(ran(1, "x", long + "more")), 0) == Agreement(0, 0, 0, 0, 0, 1)
    early = history(ran(1, "x", long.replace("row 3 0.5", "row 3 0.7")))
    assert agreement(then, early, 1e-3) == Agreement(1, 0, 0, 0, 1, 0)


def test_unwatched_cells_are_not_blamed(ran: Ran) -> None:
    """A cell of which we saw only half does not differ for what it lacks."""
    then = history(ran(1, "x", watched=False), ran(2, "y", "b"))
    now = history(ran(1, "x", "a"), ran(2, "y", "b"))
    assert agreement(then, now, 0) == Agreement(1, 1, 0, 0, 0, 1)


def test_the_time_in_seconds(ran: Ran) -> None:
    """What `time.time()` gave is no difference, in any unit; a sum as large as that is one."""
    now = time.time() - 5
    then = now - 300 * 86400

    def differs(then: str, now: str) -> bool:
        return (
            first_difference(history(ran(1, "a", then)), history(ran(1, "a", now)), 0) is not None
        )

    for shown in ("{:.6f}", "{:.0f}", "t={:.2f}, loss 0.5"):
        assert not differs(shown.format(then), shown.format(now))
    assert not differs(str(int(then * 1e9)), str(int(now * 1e9)))
    assert differs(f"{then:.2f}", f"{now - 30 * 86400:.2f}")
    assert differs(f"{now:.2f}", f"{then:.2f}")
    assert differs(f"{then:.2f} 0.9", f"{now:.2f} 0.8")
