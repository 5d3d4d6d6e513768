"""Starts a Jupyter server's IPython kernels under observation, and every other kernel as it is."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from py_mlops.errors import MlopsError
from py_mlops.notebook.observed import observed
from py_mlops.server.sessions import SessionFolder, sweep
from py_mlops.settings import read_settings, switch

_PYTHON = re.compile(r"python(\d+(\.\d+)*t?)?")
_LAUNCHERS = ("ipykernel_launcher", "ipykernel")
_TAKES_A_WORD = ("-X", "-W", "--check-hash-based-pycs")
_HEADLESS = ("MLOPS_NOTEBOOK", "MLOPS_PARAMETERS", "MLOPS_HANDOVER")
_SWITCH = "MLOPS_OBSERVE"


@dataclass(frozen=True)
class Launch:
    """The command line of an IPython kernel, taken apart.

    Attributes:
        python: The interpreter.
        options: The interpreter's own options.
        arguments: What the kernel gets, its connection file among it.
    """

    python: str
    options: list[str]
    arguments: list[str]


def ipython_launch(argv: list[str]) -> Launch | None:
    """Take a command line apart that starts an IPython kernel.

    Args:
        argv: ``[python, options…, -m, ipykernel_launcher, arguments…]``.

    Returns:
        Its parts; ``None`` for any other: another language, another kernel, a
        program such as ``conda run`` or ``docker`` that starts Python somewhere.
    """
    if not argv or not _PYTHON.fullmatch(Path(argv[0]).name):
        return None
    place = 1
    while place < len(argv) and argv[place].startswith("-") and argv[place] not in ("-m", "-"):
        if argv[place].startswith(("-c", "-m")):
            return None
        place += 2 if argv[place] in _TAKES_A_WORD else 1
    if argv[place : place + 1] != ["-m"] or argv[place + 1 : place + 2] == []:
        return None
    if argv[place + 1] not in _LAUNCHERS:
        return None
    return Launch(argv[0], argv[1:place], argv[place + 2 :])


class ObservedProvisioner(LocalProvisioner):
    """A local provisioner whose IPython kernels are watched from their first moment.

    Whatever cannot be observed is started as it is; no failure of ours keeps a
    kernel from starting. One that died before it came up is started again
    untouched.
    """

    _session: SessionFolder | None = None
    _given_up = False

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Prepare the launch, under observation where that is possible.

        Each launch has a session folder of its own, so that a restarted kernel
        begins with nothing seen.
        """
        prepared = await super().pre_launch(**kwargs)
        self._end_session()
        if self._given_up:
            return prepared
        try:
            # The first time an interpreter is tried out; the server has other things to do.
            changed = await asyncio.to_thread(self._observed, prepared["cmd"], prepared["env"])
        except MlopsError as error:
            self.log.warning("py_mlops | kernel not observed: %s %s", error.message, error.hint)
        except Exception:
            self.log.warning("py_mlops | kernel not observed", exc_info=True)
        else:
            return prepared | changed
        self._end_session()
        return prepared

    async def send_signal(self, signum: int) -> None:
        """Send a signal; a kernel found dead before it came up is not observed again."""
        session = self._session
        if session is not None and await self.poll() is not None and not session.came_up():
            self._given_up = True
            self.log.warning("py_mlops | a kernel died at its start and is no longer observed")
        await super().send_signal(signum)

    async def cleanup(self, restart: bool = False) -> None:
        """Give back what the kernel held; its session's folder goes with it."""
        if not restart:
            self._end_session()
        await super().cleanup(restart=restart)

    def _observed(self, argv: list[str], env: Mapping[str, str]) -> dict[str, Any]:
        """Return what is launched instead, nothing when it is to be started as it is."""
        launch = ipython_launch(argv)
        python = shutil.which(launch.python, path=env.get("PATH")) if launch else None
        if launch is None or python is None or not _wanted(env):
            return {}
        cache = read_settings().cache
        sweep(cache)
        self._session = SessionFolder(cache)
        command, environment = observed(
            python,
            cache=cache,
            mode="record",
            folder=self._session.path,
            environment={name: value for name, value in env.items() if name not in _HEADLESS},
            options=launch.options,
        )
        return {"cmd": [*command, *launch.arguments], "env": environment}

    def _end_session(self) -> None:
        if self._session is not None:
            self._session.remove()
            self._session = None


def _wanted(env: Mapping[str, str]) -> bool:
    """Say whether observing is on, for this kernel or by the person's settings."""
    said = env.get(_SWITCH)  # a kernelspec may say it for its kernels
    return switch(_SWITCH, said) if said else read_settings().observe
