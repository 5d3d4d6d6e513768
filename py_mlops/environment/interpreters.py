"""Finds a Python on this machine by its version."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from py_mlops.environment import uv
from py_mlops.errors import EnvironmentFailure, Hostile, InterpreterMissing
from py_mlops.progress import Progress, Report, silent
from py_mlops.records import Interpreter
from py_mlops.records.handover import KernelFacts

_VERSION = re.compile(r"(\d{1,2})\.(\d{1,3})\.(\d{1,4})((?:a|b|rc)\d{1,3})?\+?")
_WHO = (
    "import sys, platform; print(sys.implementation.name, platform.python_version(), "
    "getattr(sys, '_base_executable', '') or sys.executable, sep='\\n')"
)


class Found(NamedTuple):
    """A Python on this machine.

    Attributes:
        path: Its real path, not a shim or a virtual environment's.
        version: Its version.
        exact: Whether it is the very version that was wanted.
    """

    path: Path
    version: str
    exact: bool


def interpreter_of(facts: KernelFacts) -> Interpreter:
    """Return the interpreter a kernel told us about."""
    return Interpreter(
        implementation=facts.implementation,
        version=facts.version,
        platform=facts.platform,
        libc=facts.libc,
    )


def check(wanted: Interpreter) -> None:
    """Check that a record names a Python by nothing but a version.

    Raises:
        Hostile: When it does not.
    """
    if not _VERSION.fullmatch(wanted.version) or not wanted.implementation.isidentifier():
        raise Hostile(
            f"{wanted.implementation[:40]!r} {wanted.version[:40]!r} is no version of Python.",
            hint="Ask whoever made the snapshot for it again; nothing was started.",
        )


def find(wanted: Interpreter, report: Report = silent) -> Found:
    """Find a Python of a version, else the nearest patch of the same minor version.

    Only where there is neither, and where `UV_PYTHON_DOWNLOADS` is set to
    `automatic`, is one downloaded by uv: that very version.

    Args:
        wanted: The recorded interpreter.
        report: Told of a download.

    Raises:
        Hostile: When the record names no version.
        InterpreterMissing: When there is none of that minor version.
    """
    check(wanted)
    near: dict[Path, str] = {}
    for implementation, version, path in _candidates(wanted):
        if implementation != wanted.implementation or not _VERSION.fullmatch(version):
            continue
        if version == wanted.version and (real := _real(path, implementation, version)):
            return Found(real, version, exact=True)
        if _minor(version) == _minor(wanted.version):
            near.setdefault(path, version)
    for path, version in sorted(near.items(), key=lambda one: _distance(one[1], wanted.version)):
        if real := _real(path, wanted.implementation, version):
            return Found(real, version, exact=version == wanted.version)
    return _downloaded(wanted, report)


def _downloaded(wanted: Interpreter, report: Report) -> Found:
    """Let uv download a Python where the user's settings allow it.

    Raises:
        InterpreterMissing: When they do not, or when it cannot be had.
    """
    missing = f"Python {wanted.version} is not on this machine, nor any other"
    missing += f" {_minor(wanted.version)}."
    hint = (
        f"Install it, for example with `uv python install {wanted.version}`, or let uv do so "
        "(UV_PYTHON_DOWNLOADS=automatic); then try again."
    )
    if os.environ.get("UV_PYTHON_DOWNLOADS") != "automatic" or wanted.implementation != "cpython":
        raise InterpreterMissing(missing, hint=hint)
    report(Progress("environment", f"Downloading Python {wanted.version}"))
    allowed = {"UV_PYTHON_DOWNLOADS": "automatic"}
    answer = uv.run(
        ["python", "install", "--no-bin", wanted.version], folder=Path.home(), settings=allowed
    )
    if answer.ok:
        said = uv.run(
            ["python", "find", "--managed-python", wanted.version],
            folder=Path.home(), output=True,
        )  # fmt: skip
        path = Path(said.output.decode(errors="replace").strip())
        real = _real(path, wanted.implementation, wanted.version) if said.ok else None
        if real is not None:
            return Found(real, wanted.version, exact=True)
    last = answer.error.strip().rpartition("\n")[2][:200]
    raise InterpreterMissing(f"{missing} uv could not download it: {last}", hint=hint)


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _distance(version: str, wanted: str) -> tuple[int, bool]:
    """Order patches by nearness, the later one first of two as near."""
    patch, goal = (int(m[3]) if (m := _VERSION.fullmatch(v)) else 0 for v in (version, wanted))
    return abs(patch - goal), patch < goal


def _candidates(wanted: Interpreter) -> Iterator[tuple[str, str, Path]]:
    """Iterate over Pythons, the cheapest to find first: ours, pyenv's, those uv knows."""
    yield sys.implementation.name, platform.python_version(), Path(sys.executable)
    # pyenv's commands on PATH are shims, which fail slowly for every version that is
    # not selected; what stands behind them is found here, and uv need not try them.
    path = [Path(place) for place in os.environ.get("PATH", os.defpath).split(os.pathsep)]
    shims = {place for place in path if place.name == "shims" and "pyenv" in place.parent.name}
    own = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for root in sorted({own} | {place.parent for place in shims}):
        try:
            found = sorted(root.glob(f"versions/{_minor(wanted.version)}.*"))
        except PermissionError:
            continue  # another user's
        for folder in found:
            yield "cpython", folder.name, folder / "bin" / "python"
    answer = uv.run(
        ["python", "list", "--only-installed", "--output-format", "json"],
        folder=Path.home(),
        settings={"PATH": os.pathsep.join(str(place) for place in path if place not in shims)},
        output=True,
    )
    try:
        for known in json.loads(answer.output or b"[]"):
            if known.get("variant", "default") == "default" and known.get("path"):
                yield known["implementation"], known["version"], Path(known["path"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EnvironmentFailure(
            "uv did not list the Pythons of this machine in a form we can read.",
            hint="Install the uv that py-mlops asks for with `pip install --upgrade uv`.",
        ) from error


def _real(path: Path, implementation: str, version: str) -> Path | None:
    """Start a Python to see that it is what it seems; return where it really is."""
    try:
        said = subprocess.run(
            [path, "-I", "-S", "-c", _WHO],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
            cwd=path.parent,
            stdin=subprocess.DEVNULL,
        ).stdout.splitlines()
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return Path(said[2]) if said[:2] == [implementation, version] and said[2:] else None
