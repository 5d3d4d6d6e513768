"""Installs requirements into an environment by uv, and explains what went wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from py_mlops.environment import uv
from py_mlops.environment.installed import packages
from py_mlops.errors import EnvironmentFailure
from py_mlops.progress import Progress, Report

STAGE = "environment"

_STEP = re.compile(r"(?:Resolved|Downloading|Downloaded|Building|Built|Prepared|Installed)\b.*")
_PINNED = re.compile(r"(?<![\w.-])([a-z0-9]+(?:-[a-z0-9]+)*)(?===)")
_UNREACHABLE = ("failed to fetch", "error sending request", "network was disabled")


def install(
    name: str,
    requirements: Sequence[str],
    options: Sequence[str | Path],
    folder: Path,
    report: Report,
    *,
    newest: bool = False,
) -> None:
    """Install some requirements: from what uv has at hand, else online.

    Args:
        name: What they are, for the name of their list.
        requirements: Checked lines of a requirements file.
        options: Further options of ``uv pip install``.
        folder: The environment.
        report: Told of uv's steps.
        newest: Whether the versions are open, so that the index is asked
            first; what uv has at hand may be years old.

    Raises:
        EnvironmentFailure: When some cannot be had; it names them.
    """
    file = folder / ".lists" / f"{name}.txt"
    file.write_text("\n".join(requirements) + "\n")
    command = ["pip", "install", "--python", folder / "bin" / "python", *options, "-r", file]
    total = len(requirements)
    report(Progress(STAGE, f"Installing {packages(total)}", 0, total))
    tries = [["--offline"], []] if not uv.told_offline() else [["--offline"]]
    for network in reversed(tries) if newest else tries:
        answer = uv.run([*command, *network], folder=folder, line=_relay(report, total))
        if answer.ok:
            break
    else:
        raise _failure(answer.error, requirements)
    report(Progress(STAGE, f"Installed {packages(total)}", total, total))


def _relay(report: Report, total: int) -> Callable[[str], None]:
    """Pass on those of uv's lines that tell how far it is."""
    done = 0

    def line(text: str) -> None:
        nonlocal done
        if _STEP.match(text):
            done += text.startswith("Downloaded")
            report(Progress(STAGE, text, min(done, total), total))

    return line


def _failure(said: str, requirements: Sequence[str]) -> EnvironmentFailure:
    """Name the packages that uv complained about."""
    ours = {line.partition("==")[0] for line in requirements}
    named = set(_PINNED.findall(said)) | set(re.findall(r"Because ([a-z0-9-]+) was not", said))
    blamed = ", ".join(sorted(named & ours)) or "the packages"
    if "hash mismatch" in said.lower():
        return EnvironmentFailure(
            f"The index now gives other bytes for {blamed} than the snapshot recorded.",
            hint="Find out why; an index must never change a released file. Nothing was installed.",
        )
    if any(sign in said.lower() for sign in _UNREACHABLE):
        return unreachable(blamed)
    return EnvironmentFailure(
        f"{blamed} could not be installed: {last_words(said)}",
        hint="If the package lies on another index, name it in uv's settings (UV_INDEX); "
        "a wheel for another platform cannot be installed here.",
    )


def unreachable(what: str) -> EnvironmentFailure:
    """Say that the index is out of reach."""
    return EnvironmentFailure(
        f"The package index could not be reached to fetch {what}.",
        hint="Check the network and uv's index settings (UV_DEFAULT_INDEX), then try again.",
    )


def last_words(said: str) -> str:
    """Return the heart of what uv said, in one line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    causes = [line for line in lines if line.startswith(("cause:", "error:"))]
    return " ".join(causes or lines[-2:])[-400:]
