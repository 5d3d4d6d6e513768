"""Installs a plan into an environment by uv, and explains what went wrong."""

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
FULL = (
    "Free some space where the cache is (`mlops gc --delete` removes environments that were not "
    "used for long), or set MLOPS_CACHE to a folder on a larger disk; then try again."
)
"""What to do when an environment does not fit."""

_FULL = ("no space left on device", "disk quota exceeded")


def install(
    requirements: Sequence[str],
    folder: Path,
    *,
    into: Sequence[str | Path],
    fresh: Callable[[], None],
    own_cache: Path | None,
    compiling: bool,
    report: Report,
) -> None:
    """Install everything at once, into an environment in which there is nothing yet.

    uv starts the environment's interpreter before it installs, and not after:
    a package may have put there what runs whenever that interpreter starts. So
    there is one installation, and a second try begins with a new environment.

    Args:
        requirements: Checked lines of a requirements file, each with a digest.
        folder: The environment.
        into: uv's options that name it.
        fresh: Makes it from nothing.
        own_cache: A cache for uv where no index is to be asked; the user's own
            is then neither read nor written. None where some are to be fetched.
        compiling: Whether source archives may be compiled.
        report: Told of uv's steps.

    Raises:
        EnvironmentFailure: When some cannot be had; it names them.
    """
    command: list[str | Path] = ["pip", "install", *into, "--no-deps", "--require-hashes"]
    command += [] if compiling else ["--only-binary", ":all:"]
    total = len(requirements)
    report(Progress(STAGE, f"Installing {packages(total)}", 0, total))
    tries = [["--offline"], []]
    settings = {}
    if own_cache is not None:
        command.append("--no-index")
        settings["UV_CACHE_DIR"] = str(own_cache)
    if own_cache is not None or uv.told_offline():
        tries = [["--offline"]]
    said = ""
    for network in tries:
        fresh()
        file = folder / ".lists" / "all.txt"
        file.parent.mkdir(exist_ok=True)
        file.write_text("\n".join(requirements) + "\n")
        answer = uv.run(
            [*command, *network, "-r", file],
            folder=folder, settings=settings, line=_relay(report, total),
        )  # fmt: skip
        said = answer.error
        if answer.ok:
            break
    else:
        raise _failure(said, requirements)
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
    ours = {re.split(r"==| @ ", line)[0] for line in requirements}
    named = set(_PINNED.findall(said)) | set(re.findall(r"Because ([a-z0-9-]+) was not", said))
    named |= set(re.findall(r"`([a-z0-9-]+)(?: @ \S+)?`", said))
    blamed = ", ".join(sorted(named & ours)) or "the packages"
    if any(sign in said.lower() for sign in _FULL):
        return EnvironmentFailure(
            "The disk is full: the environment could not be built.",
            hint=FULL,
        )
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
