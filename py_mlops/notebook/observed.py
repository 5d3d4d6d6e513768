"""How a kernel is started under observation: one answer for everybody who starts kernels."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from py_mlops.guest.started import PYTHON, SESSION, unobserved
from py_mlops.notebook.compiled import compiled
from py_mlops.notebook.ship import guest_zip
from py_mlops.notebook.tracer import trace_environment, tracer_library

TAPE = "tape"
TRACE = "trace.log"
KEPT = "kept"
_SEEDS = 2**32 - 1  # PYTHONHASHSEED's largest; 0 would switch hashing's randomness off


def observed(
    python: str,
    *,
    cache: Path,
    mode: Literal["record", "rerun"],
    folder: Path,
    environment: Mapping[str, str],
    options: Sequence[str] = (),
) -> tuple[list[str], dict[str, str]]:
    """Say how to start an observed IPython kernel.

    The command line takes the place of ``python -m ipykernel_launcher``. What
    the environment gains is seen by the notebook and its children too:
    ``LD_PRELOAD`` and ``MLOPS_TRACE…`` because children shall be traced,
    ``MLOPS_SESSION``, ``MLOPS_TAPE``, ``MLOPS_PYTHON`` for the guest, and
    ``PYTHONHASHSEED``, a random number where there was none: so the order of
    sets and the like is as random as ever, but known.

    Args:
        python: The interpreter, as the kernel's own command line names it.
        cache: The folder of our caches.
        mode: Whether this is a first run or a rerun.
        folder: The session's folder: where trace and tape lie. In a rerun it
            holds the tape to play back.
        environment: The environment the kernel would have unobserved; it is
            not changed.
        options: The interpreter's own options.

    Returns:
        The command line, to be followed by ``-f CONNECTION_FILE``, and the
        whole environment.

    Raises:
        StoreUnavailable: When the guest cannot be written to the cache.
        OSError: When the folder cannot be written to.
    """
    guest = compiled(guest_zip(cache), python)
    tape = folder / TAPE
    tape.mkdir(mode=0o700, exist_ok=True)
    env = unobserved(environment) | {SESSION: str(folder), "MLOPS_TAPE": str(tape)}
    if mode == "record":
        env[PYTHON] = sys.executable
    if not _ignores_environment(options):
        env.setdefault("PYTHONHASHSEED", str(1 + secrets.randbelow(_SEEDS)))
    _trace(env, python, folder, left_out=(folder, cache))
    if mode == "record" and "MLOPS_TRACE" in env:
        (folder / KEPT).mkdir(mode=0o700, exist_ok=True)
        env["MLOPS_TRACE_KEEP"] = f"{time.time_ns()} {(folder / KEPT).absolute()}"
    return [python, *options, str(guest), "--mode", mode], env


def _ignores_environment(options: Sequence[str]) -> bool:
    """Say whether Python was told (-I, -E) to take no notice of ``PYTHONHASHSEED``."""
    letters = [option[1:] for option in options if option[:2] not in ("-X", "-W", "--")]
    return any(letter in text for text in letters for letter in "IE")


def _trace(env: dict[str, str], python: str, folder: Path, left_out: Sequence[Path]) -> None:
    """Let the tracer in, where there is one and this interpreter bears it."""
    library = tracer_library()
    if library is None:
        return
    log = folder / TRACE
    os.close(os.open(log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
    found = trace_environment(library, log, python)
    if not found:
        log.unlink()
        return
    others = env.get("LD_PRELOAD")  # a person's own choice, such as another allocator
    env.update(found)
    if others:
        env["LD_PRELOAD"] = f"{found['LD_PRELOAD']}:{others}"
    folders = (f"{path}/" for path in left_out)  # and none that only begins so
    skipped = [found.get("MLOPS_TRACE_SKIP", ""), *folders]
    env["MLOPS_TRACE_SKIP"] = ":".join(filter(None, skipped))
