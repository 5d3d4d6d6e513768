"""Tests of what a magic shows in a kernel that does not have our package."""

from __future__ import annotations

import json
import subprocess
import sys

SLOW_VERB = """
import sys, time
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
shell = InteractiveShell.instance()
from py_mlops.guest.answer import Shown
with capture_output() as seen:
    shown = Shown()
    time.sleep(0.8)
    shown.line("reading"); shown.line("writing")
    shown.bundle({"text/plain": "the page"})
import json
print(json.dumps([[out.data, out.update] for out in seen.outputs]))
"""


def test_a_client_that_knows_no_updates_shows_the_answer() -> None:
    """The answer is an output of its own, and the progress before it is emptied."""
    ran = subprocess.run(
        [sys.executable, "-c", SLOW_VERB],
        check=True,
        capture_output=True,
        text=True,
    )
    outputs = json.loads(ran.stdout.splitlines()[-1])
    assert [data for data, update in outputs if not update] == [
        {"text/plain": "mlops: reading"},
        {"text/plain": "the page"},
    ]
    assert [data for data, update in outputs if update] == [{"text/plain": "mlops: writing"}, {}]
