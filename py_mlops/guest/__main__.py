"""Starts an observed IPython kernel in any environment that has ipykernel.

``python guest.zip --mode record|rerun -f CONNECTION_FILE`` takes the place of
``python -m ipykernel_launcher -f CONNECTION_FILE``. What a headless run is
called and where it hands over stands in the environment: ``MLOPS_NOTEBOOK``,
``MLOPS_PARAMETERS``, ``MLOPS_HANDOVER``; and in that of every observed kernel
the folder of its session, ``MLOPS_SESSION``.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import sys
import traceback
from typing import Any, Callable


def main() -> None:
    """Observe, then be an IPython kernel until it is shut down."""
    parser = argparse.ArgumentParser(prog="guest", allow_abbrev=False)
    parser.add_argument("--mode", choices=["record", "rerun"], default="record")
    options, rest = parser.parse_known_args()
    _forget_launcher(rest)
    _attempt(_observe)
    _attempt(_tape, options.mode)

    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    with contextlib.ExitStack() as start:
        _attempt(_is_starting, start)
        app.initialize(rest)
    _attempt(_exclude, app.connection_file)
    _attempt(_attach, app.shell, options.mode)
    _attempt(_say_started)
    app.start()


def _forget_launcher(rest: list[str]) -> None:
    """Make ``sys.path`` and ``sys.argv`` those of an ordinary kernel.

    The first entry of the path is this zip, or the working directory, which
    IPython itself puts back as ``''`` once ipykernel has been imported.
    """
    own = os.path.abspath(sys.argv[0])
    if sys.path and (sys.path[0] == "" or os.path.abspath(sys.path[0]) in (own, os.getcwd())):
        del sys.path[0]
    launcher = importlib.util.find_spec("ipykernel_launcher")
    sys.argv[:] = [(launcher and launcher.origin) or "ipykernel_launcher", *rest]


def _observe() -> None:
    from .observe import observer

    watching = observer()
    handover = os.environ.get("MLOPS_HANDOVER")
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    session = os.environ.get("MLOPS_SESSION")
    for folder in (handover, session, os.path.dirname(own) if os.path.isfile(own) else None):
        if folder:
            watching.exclude(folder)
    watching.start()


def _tape(mode: str) -> None:
    """Record what comes from outside, or play it back; before anything is imported that asks."""
    from .patches import install

    install(mode)


def _is_starting(start: contextlib.ExitStack) -> None:
    """Count no process as the program's until its start is over: Jupyter asks for addresses."""
    from .observe import observer

    start.enter_context(observer().without_processes())


def _exclude(connection_file: str) -> None:
    """Forget the file that the kernel got its ports from: it is gone when the kernel is."""
    from .observe import observer

    observer().exclude(connection_file)


def _attach(shell: Any, mode: str) -> None:
    from . import magics, rerun, session

    if mode == "rerun":
        rerun.install(shell)
    else:
        session.start(shell)
        magics.install(shell)


def _say_started() -> None:
    from .started import say_started

    say_started()


def _attempt(step: Callable[..., None], *arguments: Any) -> None:
    """Take a step of ours; when it fails, say so on the real stderr and let the kernel run."""
    try:
        step(*arguments)
    except Exception:
        traceback.print_exc(file=sys.__stderr__)


if __name__ == "__main__":
    main()
