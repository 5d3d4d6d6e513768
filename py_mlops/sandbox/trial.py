"""Finds out how far a rerun can be set apart here, by doing it once."""

from __future__ import annotations

import functools
import subprocess
import sys
import tempfile
from pathlib import Path

from py_mlops.sandbox.command import command
from py_mlops.sandbox.level import Isolation, Level
from py_mlops.sandbox.mirror import clear, inside

_SECONDS = 30
_PROGRAM = "import os; print(open({path!r}).read(), os.getpid() < 10, not os.path.exists({host!r}))"


@functools.cache
def available() -> Isolation:
    """Find out what works here by doing it once; the answer holds for the process."""
    if sys.platform != "linux":
        return Isolation(Level.COPY, f"{sys.platform} has no namespaces.")
    with tempfile.TemporaryDirectory(prefix="py-mlops-", ignore_cleanup_errors=True) as scratch:
        mirror = Path(scratch, "mirror")
        path = f"/{Path(scratch).name}/probe"
        inside(mirror, path).parent.mkdir(parents=True)
        inside(mirror, path).write_text("seen", encoding="ascii")
        program = _PROGRAM.format(path=path, host=scratch)
        argv = [sys.executable, "-ISc", program]
        wrapped = command(argv, mirror=mirror, directory="/", level=Level.NAMESPACES)
        try:
            done = subprocess.run(wrapped, capture_output=True, timeout=_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return Isolation(Level.COPY, f"The trial run did not start: {error}")
        finally:
            clear(mirror)
    if done.stdout.split() == [b"seen", b"True", b"True"]:
        return Isolation(
            Level.NAMESPACES,
            "Recorded files are seen at their original paths; nothing else of the host is.",
        )
    last = (done.stderr.decode(errors="replace").strip() or "no message").splitlines()[-1]
    return Isolation(Level.COPY, f"This system does not open user namespaces to us ({last}).")
