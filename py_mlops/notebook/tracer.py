"""Whether the tracer can go with a kernel, and what its environment then says."""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from pathlib import Path

from py_mlops import guest
from py_mlops.guest import places

_SECONDS = 60
_SPECIAL = set(" \t\n:$")
_SAYS_PREFIXES = "\nprint('\\n'.join(prefixes()))\n"


def tracer_library() -> Path | None:
    """Return the tracer's library, ``None`` where none was built."""
    path = Path(guest.__file__).with_name("tracer.so")
    return path if path.is_file() and not _SPECIAL & set(str(path)) else None


def trace_environment(library: Path, log: Path, python: str) -> dict[str, str]:
    """Return what a kernel's environment needs for the kernel to be traced.

    The interpreter is started once with the library: when that works without a
    word on stderr, and leaves its mark in a log, kernels of it are traced.

    Args:
        library: Such as `tracer_library` returns.
        log: The log's path; an empty file that only its owner can read.
        python: The kernel's interpreter.

    Returns:
        Variables to add; none when this interpreter does not bear the library.
    """
    program = Path(python)
    try:
        versions = tuple(path.stat().st_mtime_ns for path in (library, program))
    except OSError:
        return {}
    roots = _roots_under(library, python, versions)
    if not roots:
        return {}
    skipped = [path for path in places.untraced(roots) if ":" not in path]
    return {
        "LD_PRELOAD": str(library),
        "MLOPS_TRACE": str(log.absolute()),
        "MLOPS_TRACE_SKIP": ":".join(skipped),
    }


@functools.lru_cache(maxsize=64)
def _roots_under(library: Path, python: str, _versions: tuple[int, ...]) -> tuple[str, ...]:
    """Return the interpreter's roots as it says them under the tracer; none when it fails."""
    code = Path(places.__file__).read_text("utf-8") + _SAYS_PREFIXES
    with tempfile.NamedTemporaryFile(prefix="mlops-probe-") as log:
        env = {**os.environ, "LD_PRELOAD": str(library), "MLOPS_TRACE": log.name}
        try:
            ran = subprocess.run(
                [python, "-c", code],
                env=env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=True,
                timeout=_SECONDS,
            )
        except (OSError, subprocess.SubprocessError):
            return ()
        marks = log.read()
    if ran.stderr or not marks.startswith(b"P "):
        return ()
    return tuple(os.fsdecode(ran.stdout).splitlines())
