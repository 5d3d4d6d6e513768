from __future__ import annotations

import pytest

from py_mlops.notebook.timing import draws_entropy, hangs_on_time
from py_mlops.records.program import ExecutedCell, interrupted


def ran(*sources: str, error: str | None = None) -> list[ExecutedCell]:
    """Return cells of these sources, the last of which ended with an error."""
    last = len(sources)
    return [
        ExecutedCell(
            count=count, cell_id=None, source=source, outputs=[], seconds=3.14, watched=True,
            error=error if count == last else None,
        )
        for count, source in enumerate(sources, 1)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (
            "t = time.time()\nwhile time.time() - t < 1: fit()",
            "cell [2] reads the clock (time.time)",
        ),
        ("today = pd.Timestamp.now()", "cell [2] reads the clock (pd.Timestamp.now)"),
        ("from datetime import date\ndate.today()", "cell [2] reads the clock (date.today)"),
        ("threading.Thread(target=f).start()", "cell [2] starts what goes on while other cells"),
        ("task = asyncio.create_task(f())\ntime.time()", "cell [2] starts what goes on while"),
        ("time.sleep(1); df.time()", ""),
        ("a sentence about time.time()", ""),
    ],
)
def test_what_hangs_on_the_moment(source: str, says: str) -> None:
    """The cell and the function are named."""
    told = hangs_on_time(ran("x = 1", source), failed=False)
    assert told.startswith(says)
    assert bool(told) == bool(says)


def test_a_clock_makes_nothing_fail() -> None:
    """A cell that fails is not blamed on the clock, and is on what went on behind it."""
    assert not hangs_on_time(ran("time.time()"), failed=True)
    assert hangs_on_time(ran("Thread(target=f).start()"), failed=True)


@pytest.mark.parametrize(
    ("source", "function"),
    [
        ("seed = os.urandom(4)", "os.urandom"),
        ("np.random.seed()", "np.random.seed"),
        ("random.seed(None)", "random.seed"),
        ("name = uuid.uuid4().hex", "uuid.uuid4"),
        ("np.random.seed(3)", ""),
        ("np.random.seed(seed=s)", ""),
        ("model.seed()", ""),
    ],
)
def test_what_no_rerun_draws_again(source: str, function: str) -> None:
    """A seed out of the system's own chance is told from one that stands in the code."""
    told = draws_entropy(ran(source))
    assert told == (f"cell [1] draws from the system's own chance ({function})" if function else "")


def test_an_interrupted_cell_counts_until_it_ran_to_its_end() -> None:
    """Who stopped a cell and ran it again has nothing that hangs on the moment."""
    stopped = ran("x = 1", "fit()", error="KeyboardInterrupt: ")
    assert [cell.count for cell in interrupted(stopped)] == [2]
    assert hangs_on_time(stopped, failed=False).startswith("cell [2] was interrupted after 3.1 s")
    assert interrupted([*stopped, *ran("fit()")]) == []
