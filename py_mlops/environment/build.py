"""Builds a recorded environment again, in a folder that is named by what it holds."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from py_mlops.environment import interpreters, uv
from py_mlops.environment.exclusive import exclusive, unwritable, write_whole
from py_mlops.environment.install import STAGE, install, last_words
from py_mlops.environment.installed import installed, packages, site_packages
from py_mlops.environment.kept import COMPLETE, home
from py_mlops.environment.plan import Plan, checked, decide
from py_mlops.errors import EnvironmentFailure, NotTrusted
from py_mlops.progress import Progress, Report
from py_mlops.records import Environment
from py_mlops.records.base import Part

KERNEL = "ipykernel"


class Built(NamedTuple):
    """An environment that is ready to run.

    Attributes:
        python: Path of its interpreter.
        notes: How it differs from the recorded one, in plain words.
        version: Its interpreter's version.
    """

    python: Path
    notes: list[str]
    version: str


class _Complete(Part, frozen=True):
    """What the marker file says, which is written when everything else is there."""

    added: list[str]


def build(
    environment: Environment,
    lock: bytes,
    *,
    cache: Path,
    report: Report,
    trusted: bool = False,
) -> Built:
    """Build an environment, or return the one built before.

    Wheels are installed by name, version and digest from wherever the user's
    own uv looks for packages; first from what uv has at hand, then online.
    Addresses and paths in a record are never followed. Safe to call from
    several processes at once.

    Args:
        environment: The recorded environment; hostile until checked.
        lock: The bytes of its ``pylock.toml``; hostile until checked.
        cache: Folder that environments are kept in.
        report: Told of every step.
        trusted: Whether source archives may be compiled, which runs the build
            scripts of whoever wrote them.

    Raises:
        Hostile: When the record or its lock tries what it must not.
        NotTrusted: When something would have to be compiled.
        InterpreterMissing: When there is no such Python here.
        EnvironmentFailure: When packages cannot be had or not be installed.
    """
    interpreters.check(environment.interpreter)
    entries = checked(environment, lock)
    sources = [entry.name for entry in entries if not entry.wheel]
    if sources and not trusted:
        raise NotTrusted(
            f"The index has only the source of {', '.join(sources)}, and compiling it runs the "
            "build script of whoever wrote it.",
            hint="Say yes to this snapshot's code if you trust its author.",
        )
    found = interpreters.find(environment.interpreter)
    plan = decide(environment, entries, found.path, _shelf(cache))
    if not found.exact:
        plan.notes.append(
            f"Python {environment.interpreter.version} is not on this machine; "
            f"{found.version} was taken."
        )
    folder = home(cache) / f"{plan.digest}-{found.version}"

    def waiting() -> None:
        report(Progress(STAGE, "Waiting for another process that builds this environment"))

    with exclusive(folder.with_name(folder.name + ".lock"), waiting):
        complete = _complete(folder)
        if complete is None:
            complete = _Complete(added=_install(plan, found.path, folder, report))
            write_whole(folder / COMPLETE, msgspec.json.encode(complete))
        else:
            with suppress(OSError):  # only the garbage collector wants the time
                (folder / COMPLETE).touch()
            report(Progress(STAGE, "The environment was built before", 1, 1))
    return Built(folder / "bin" / "python", plan.notes + complete.added, found.version)


def _shelf(cache: Path) -> Path:
    """Return the folder for environments, made when absent."""
    try:
        home(cache).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(cache, error) from error
    return home(cache)


def _complete(folder: Path) -> _Complete | None:
    """Read the marker; None when the environment is half-built or its Python is gone."""
    try:
        complete = msgspec.json.decode((folder / COMPLETE).read_bytes(), type=_Complete)
    except (OSError, msgspec.DecodeError):
        return None
    return complete if (folder / "bin" / "python").exists() else None


def _install(plan: Plan, python: Path, folder: Path, report: Report) -> list[str]:
    """Make the environment from nothing; return notes of what was added to it."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / ".lists").mkdir()
    except OSError as error:
        raise unwritable(folder.parent, error) from error
    answer = uv.run(
        ["venv", "--quiet", "--allow-existing", "--no-project", "--python", python, folder],
        folder=folder,
    )
    if not answer.ok:
        raise EnvironmentFailure(
            f"No environment could be made with {python}: {last_words(answer.error)}",
            hint="Check that this Python starts and has not been moved.",
        )
    for name, requirements, options in (
        ("wheels", plan.wheels, ["--no-deps", "--require-hashes", "--only-binary", ":all:"]),
        ("sources", plan.sources, ["--no-deps", "--require-hashes"]),
        ("loose", plan.loose, ["--no-deps", "--only-binary", ":all:"]),
    ):
        if requirements:
            install(name, requirements, options, folder, report)
    return _add_kernel(plan, folder, report)


def _add_kernel(plan: Plan, folder: Path, report: Report) -> list[str]:
    """Add ipykernel where the recorded environment had none, keeping every recorded version."""
    before = {one.name for one in installed(list(site_packages(folder)))}
    if KERNEL in before:
        return []
    pinned = [line.partition(" ")[0] for line in (*plan.wheels, *plan.sources, *plan.loose)]
    constraints = folder / ".lists" / "constraints.txt"
    constraints.write_text("\n".join(pinned) + "\n")
    options: list[str | Path] = ["--constraints", constraints, "--only-binary", ":all:"]
    install("kernel", [KERNEL], options, folder, report, newest=True)
    added = [one for one in installed(list(site_packages(folder))) if one.name not in before]
    version = next(one.version for one in added if one.name == KERNEL)
    others = f" with {packages(len(added) - 1)} it needs" if len(added) > 1 else ""
    return [f"The recorded environment had no ipykernel; {version} was added{others}."]
