from __future__ import annotations

import pytest

from py_mlops.records import Axis
from py_mlops.verdict import likely_cause


def axes(**states: str) -> list[Axis]:
    """Make axes in given states."""
    return [
        Axis(name=name, state=state, text=f"{name} text", details=[])  # type: ignore[arg-type]  # names and states come as text
        for name, state in states.items()
    ]


@pytest.mark.parametrize(
    ("states", "unseeded", "begins"),
    [
        ({"data": "different", "environment": "different"}, True, "data: data text"),
        ({"environment": "different", "metrics": "different"}, True, "environment: "),
        ({"hardware": "different", "metrics": "different"}, True, "seed: "),
        ({"hardware": "different", "metrics": "different"}, False, "hardware: "),
        ({"hardware": "same", "predictions": "unknown", "metrics": "different"}, False, "seed: "),
        ({"hardware": "same", "metrics": "unknown", "outputs": "different"}, False, "the cell "),
    ],
)
def test_likely_cause(states: dict[str, str], unseeded: bool, begins: str) -> None:
    """The first axis that explains a difference is named; training only where it was measured."""
    assert likely_cause("different", axes(**states), unseeded=unseeded).startswith(begins)


def test_cause_of_a_failure() -> None:
    """A cell that fails may do so for want of data; without that, its error says it all."""
    lost = Axis(name="data", state="different", text="1 file is lost.", details=["a.csv", "b"])
    told = likely_cause("failed", [lost], unseeded=True)
    assert told == "data: 1 file is lost. The first is a.csv."
    assert likely_cause("failed", axes(data="same", hardware="different"), unseeded=True) == ""


def test_no_cause_of_what_came_out_the_same() -> None:
    """Where nothing differs there is no cause to name."""
    assert likely_cause("identical", axes(data="different"), unseeded=True) == ""
