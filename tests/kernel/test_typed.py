"""A notebook that asks the person in front of it."""

from __future__ import annotations

from pathlib import Path

from tests.live import LiveKernel
from tests.projects import mlops

ASKS = """
import getpass
rate = float(input('learning rate? '))
again = float(input('learning rate? '))
key = getpass.getpass('key: ')
pin = input('Your password? ')
"""
GUARDED = """
try:
    more = input('more? ')
except Exception as error:
    more = type(error).__name__
more
"""


def test_what_was_typed_is_typed_again(kernel: LiveKernel, store_folder: Path) -> None:
    """A rerun, in front of which nobody sits, is given the same answers, but for passwords."""
    kernel.run("%load_ext py_mlops")
    assert "StdinNotImplementedError" in kernel.run(GUARDED)
    kernel.run(ASKS, "0.25", "0.5", "hunter2hunter2", "swordfish99")
    assert kernel.run("score = rate * 8 + again\nscore, len(key), len(pin)") == "(2.5, 14, 11)"
    assert "captured" in kernel.run("%mlops snapshot typed --metric score")
    ended = mlops("reproduce", "typed", "--json").value
    assert ended["level"] == "identical", ended
    shown = mlops("show", "typed").out
    assert "learning rate?" in shown
    assert "the keyboard" in shown
    kept = [path.read_bytes() for path in (store_folder / "objects").rglob("*") if path.is_file()]
    assert b"0.25" in kept
    assert not [data for data in kept if b"swordfish99" in data or b"hunter2hunter2" in data]


def test_a_token_that_was_typed_stops_the_snapshot(kernel: LiveKernel) -> None:
    """What was typed is looked through for secrets as code is, whatever the prompt said."""
    kernel.run("%load_ext py_mlops")
    kernel.run("who = input('Who are you? ')", "AKIA" + "QYLPMN5HHHFPZAM2")
    shown = kernel.run("score = 1.0\n%mlops snapshot typed --metric score")
    assert "secret" in shown
    assert "typed" in shown
