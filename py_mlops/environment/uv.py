"""uv as a process: which of the user's settings it sees, and what it says while it works."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import uv as distribution

from py_mlops.errors import EnvironmentFailure

# Where packages come from and how they are fetched is the user's business; which
# versions are taken is the lock's, so no other setting may reach uv.
_KEPT = (
    "UV_CACHE", "UV_CONCURRENT", "UV_CONFIG", "UV_CREDENTIALS", "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX", "UV_FIND_LINKS", "UV_HTTP", "UV_INDEX", "UV_INSECURE", "UV_KEYRING",
    "UV_LINK_MODE", "UV_NATIVE_TLS", "UV_NO_CACHE", "UV_NO_CONFIG", "UV_NO_INDEX", "UV_OFFLINE",
    "UV_PYTHON_INSTALL", "UV_REQUEST", "UV_SYSTEM_CERTS", "UV_TORCH_BACKEND",
)  # fmt: skip
_DROPPED = ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME", "__PYVENV_LAUNCHER__")
# A notebook's author waits for this, so an index that is not there is soon given up.
_PATIENCE = {"UV_HTTP_RETRIES": "1", "UV_HTTP_CONNECT_TIMEOUT": "5"}
_CREDENTIALS = re.compile(r"//[^/@\s]+@")


class Answer(NamedTuple):
    """What a finished uv left.

    Attributes:
        ok: Whether it succeeded.
        output: What it wrote to stdout, when that was asked for.
        error: What it wrote to stderr, without credentials.
    """

    ok: bool
    output: bytes
    error: str


def binary() -> str:
    """Return the path of uv.

    Raises:
        EnvironmentFailure: When its package is installed without its program.
    """
    try:
        return distribution.find_uv_bin()
    except FileNotFoundError as error:
        raise EnvironmentFailure(
            "The program uv, which locks and builds environments, is not installed.",
            hint="Install it beside py-mlops with `pip install --force-reinstall uv`.",
        ) from error


def run(
    arguments: Sequence[str | Path],
    *,
    folder: Path,
    settings: dict[str, str] | None = None,
    output: bool = False,
    line: Callable[[str], None] | None = None,
) -> Answer:
    """Run uv to its end.

    Args:
        arguments: Its command line. Nothing that came from someone else may
            stand in it; such things go into files that were written after checks.
        folder: Where it runs; uv reads project settings from there upwards.
        settings: Further environment variables for it.
        output: Whether its stdout is wanted.
        line: Called with every line it writes to stderr, as it is written.

    Raises:
        EnvironmentFailure: When it cannot be started.
    """
    command = [binary(), *map(str, arguments)]
    said: list[str] = []
    try:
        with subprocess.Popen(
            command,
            cwd=folder,
            env=surroundings() | (settings or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if output else subprocess.DEVNULL,
            # One pipe is read to its end before the other; two could block each other.
            stderr=subprocess.DEVNULL if output else subprocess.PIPE,
        ) as process:
            try:
                for raw in process.stderr or ():
                    text = _CREDENTIALS.sub("//", raw.decode(errors="replace").rstrip())
                    said.append(text)
                    if line and text.strip():
                        line(text.strip())
                written = process.stdout.read() if process.stdout else b""
            except BaseException:
                process.kill()
                raise
    except OSError as error:
        raise EnvironmentFailure(
            f"uv could not be started: {error}.",
            hint="Install it again beside py-mlops with `pip install --force-reinstall uv`.",
        ) from error
    return Answer(process.returncode == 0, written, "\n".join(said))


def surroundings() -> dict[str, str]:
    """Return the environment variables uv runs with."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in _DROPPED and (not name.startswith("UV_") or name.startswith(_KEPT))
    }
    return _PATIENCE | kept | {"UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}


def told_offline() -> bool:
    """Say whether the user's own settings forbid uv the network."""
    told = os.environ.get("UV_OFFLINE", "").strip().lower()
    return told not in {"", "0", "false", "no", "off"}
