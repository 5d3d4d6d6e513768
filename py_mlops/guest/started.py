"""What was put into the environment of an observed kernel, and how to leave it out again."""

from __future__ import annotations

import os
import re
from typing import Mapping

SESSION = "MLOPS_SESSION"
"""The folder of this kernel's session: the trace, the tape, the mark that it came up."""
PYTHON = "MLOPS_PYTHON"
"""The interpreter that has our package, for kernels that have not."""
MARK = "started"

_OURS = frozenset(
    {SESSION, PYTHON, "MLOPS_TAPE", "MLOPS_TRACE", "MLOPS_TRACE_SKIP", "MLOPS_TRACE_KEEP"}
)
_TRACER = re.compile(r".*/guest/tracer[^/]*\.so")
COLOURING = frozenset({"FORCE_COLOR", "CLICOLOR_FORCE", "CLICOLOR", "COLORTERM"})
"""What makes a program colour its lines, though nobody's terminal shows them."""


def unobserved(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without what observing has put into it.

    A program that a notebook starts keeps all of it, so that its reads are seen
    too; a kernel of its own, or a process of ours, must not.

    Args:
        environment: Any environment; it is not changed.
    """
    kept = {name: value for name, value in environment.items() if name not in _OURS}
    if "LD_PRELOAD" in kept:
        libraries = re.split("[: ]+", kept.pop("LD_PRELOAD"))
        others = [path for path in libraries if path and not _TRACER.fullmatch(path)]
        if others:
            kept["LD_PRELOAD"] = ":".join(others)
    return kept


def own_environment() -> dict[str, str]:
    """Return the environment of a process of ours that a kernel starts.

    It is not observed, does not colour its lines, and takes nothing of what the
    kernel's own Python was told (``PYTHONPATH``, ``PYTHONHASHSEED``).
    """
    kept = {
        name: value
        for name, value in unobserved(os.environ).items()
        if name not in COLOURING and not name.startswith("PYTHON")
    }
    return dict(kept, TERM="dumb", PYTHONUTF8="1")


def say_started() -> None:
    """Leave a mark in the session's folder: this kernel came up under observation."""
    folder = os.environ.get(SESSION)
    if folder:
        with open(os.path.join(folder, MARK), "w"):
            pass


def scratch() -> str | None:
    """Return the folder for what is only written to be handed over; the tracer leaves it out."""
    folder = os.environ.get(SESSION, "")
    return folder if os.path.isdir(folder) else None
