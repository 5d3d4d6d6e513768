"""The kernel's watched session, and the lock that is prepared while its user works."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from py_mlops.guest.problem import Problem
from py_mlops.guest.started import unobserved

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from py_mlops.guest.session import Session

_SHIPPED = "mlops_guest.session"
_OWN = "py_mlops.guest.session"
_background: list[subprocess.Popen[bytes]] = []


def start(shell: InteractiveShell) -> Session:
    """Return the session that watches this kernel, starting it when there is none.

    A kernel that was started under observation (a headless run) carries the
    guest under its shipped name already; a process has only one audit hook, so
    that session is used.

    Args:
        shell: The IPython shell.

    Returns:
        The session.
    """
    name = _SHIPPED if _SHIPPED in sys.modules else _OWN
    running: Session = importlib.import_module(name).start(shell)
    running.exclude(str(Path(__file__).parent.parent))  # an editable install lies anywhere
    return running


def problems() -> tuple[type[Problem], ...]:
    """Return `Problem` under each name that the guest goes by in this process."""
    own = (name.replace("session", "problem") for name in (_OWN, _SHIPPED))
    return tuple(sys.modules[name].Problem for name in own if name in sys.modules)


def prepare_lock(session: Session) -> None:
    """Lock the environment in a process of its own, so that the first snapshot need not wait.

    Args:
        session: The kernel's session; the process is no part of what it watches.
    """
    if _background:
        return
    with session.paused():
        _background.append(
            subprocess.Popen(
                [sys.executable, "-m", "py_mlops", "lock", "--quiet"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=unobserved(os.environ),
                start_new_session=True,
            )
        )
