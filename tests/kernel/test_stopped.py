"""A training that somebody watched, and stopped when it seemed to be enough."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

from tests.live import LiveKernel
from tests.projects import mlops

ENDLESS = """
import time
rounds = 0
while True:
    rounds += 1
    time.sleep(0.02)
"""


def test_a_cell_that_was_stopped_is_the_cause(kernel: LiveKernel) -> None:
    """The snapshot says that it was, and a rerun that came elsewhere blames no seed."""
    kernel.run("%load_ext py_mlops")
    process: Any = kernel.manager.provisioner
    threading.Timer(1.5, os.kill, (process.pid, signal.SIGINT)).start()
    assert "KeyboardInterrupt" in kernel.run(ENDLESS)
    kernel.run("reached = rounds + time.perf_counter()")  # never the same number of rounds
    shown = kernel.run("%mlops snapshot endless --metric reached")
    assert "Cell [2] was interrupted after" in " ".join(shown.split())
    ended = mlops("reproduce", "endless", "--json").value
    assert ended["level"] in {"within tolerance", "different"}, ended
    assert ended["cause"].startswith("time: ")
    assert "cell [2] was interrupted after" in ended["cause"]
