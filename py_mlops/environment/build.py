"""Builds a recorded environment again, in a folder that is named by what it holds."""

from __future__ import annotations

import hashlib
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec

from py_mlops.environment import interpreters
from py_mlops.environment.conda import prefix
from py_mlops.environment.exclusive import exclusive, unwritable, write_whole
from py_mlops.environment.ground import Prefix, Virtual
from py_mlops.environment.index import pins
from py_mlops.environment.install import FULL, STAGE, install
from py_mlops.environment.installed import packages
from py_mlops.environment.kept import COMPLETE, home
from py_mlops.environment.kernel import KERNEL, additions
from py_mlops.environment.plan import Plan, checked, decide
from py_mlops.environment.shelf import CopyTo, take, uv_cache
from py_mlops.errors import EnvironmentFailure, NotTrusted, StoreUnavailable
from py_mlops.progress import Progress, Report
from py_mlops.records import Environment
from py_mlops.records.base import Part

_AT_ONCE = 4
"""Wheels that are copied, hashed and looked into at the same time."""


class Built(NamedTuple):
    """An environment that is ready to run.

    Attributes:
        python: Path of its interpreter. Whatever its packages put there runs
            when it starts: start it in a sandbox only.
        notes: How it differs from the recorded one, in plain words.
        version: Its interpreter's version.
        base: The interpreter beneath it, in which there is nothing of its packages;
            None where it is itself one of them, conda's.
    """

    python: Path
    notes: list[str]
    version: str
    base: Path | None


class _Complete(Part, frozen=True):
    """What the marker file says, which is written when everything else is there."""

    added: list[str]


class _Ground(NamedTuple):
    """What packages are installed upon: a Python of this machine, or conda's.

    Attributes:
        found: The Python; conda's is not there yet.
        conda: conda's packages, if it is one of theirs.
    """

    found: interpreters.Found
    conda: prefix.Beneath | None = None


def build(
    environment: Environment,
    lock: bytes,
    *,
    conda: bytes | None = None,
    cache: Path,
    copy_to: CopyTo,
    report: Report,
    compiling: bool = False,
) -> Built:
    """Build an environment, or return the one built before.

    Wheels that the store has are taken from it; where it has all, no index is
    asked. The others are installed by name, version and digest from wherever
    the user's own uv looks for packages; first from what uv has at hand, then
    online. conda's packages are built again where rattler is installed and their
    files can be had; elsewhere the index's own files stand in for them, which is
    said. Addresses and paths in a record are never followed, and nothing of
    the environment is run. Safe to call from several processes at once.

    Args:
        environment: The recorded environment; hostile until checked.
        lock: The bytes of its ``pylock.toml``; hostile until checked.
        conda: The bytes of its list of conda packages, if it has one; hostile
            until checked.
        cache: Folder that environments are kept in.
        copy_to: Gives the wheels that the store has.
        report: Told of every step.
        compiling: Whether source archives may be compiled, which runs the build
            scripts of whoever wrote them, with the user's own rights.

    Raises:
        Hostile: When the record, its lock or a wheel tries what it must not.
        NotTrusted: When something would have to be compiled.
        InterpreterMissing: When there is no such Python here.
        EnvironmentFailure: When packages cannot be had or not be installed.
        Corrupt, Missing: When a wheel in the store is damaged or gone.
    """
    interpreters.check(environment.interpreter)
    entries = checked(environment, lock)
    under, notes = prefix.beneath(environment, conda)
    how = _How(cache, copy_to, report, compiling)
    if under is not None:
        ground = _Ground(interpreters.Found(Path(sys.executable), under.version, exact=True), under)
        try:
            return _built(environment, decide(environment, entries, under.version, conda=True),
                          ground, how)  # fmt: skip
        except prefix.Unavailable as error:
            notes = [error.instead]
    found = interpreters.find(environment.interpreter, report)
    plan = decide(environment, entries, found.version)
    if not found.exact:
        notes.append(
            f"Python {environment.interpreter.version} is not on this machine; "
            f"{found.version} was taken."
        )
    plan.notes.extend(notes)
    return _built(environment, plan, _Ground(found), how)


@dataclass(frozen=True)
class _How:
    """How to build; see `build`."""

    cache: Path
    copy_to: CopyTo
    report: Report
    compiling: bool


def _built(environment: Environment, plan: Plan, ground: _Ground, how: _How) -> Built:
    """Return the environment that was built before, or build it."""
    if plan.sources and not how.compiling:
        names = ", ".join(line.partition("==")[0] for line in plan.sources)
        raise NotTrusted(
            f"The index has only the source of {names}, and compiling it runs the build script of "
            "whoever wrote it, outside any sandbox.",
            hint="Reproduce it with --allow-build if you trust who wrote it.",
        )
    version, under = ground.found.version, ground.conda
    beneath = f"-{hashlib.sha256(under.key).hexdigest()[:16]}" if under else ""
    folder = _shelf(how.cache) / f"{plan.digest}{beneath}-{version}"

    def waiting() -> None:
        how.report(Progress(STAGE, "Waiting for another process that builds this environment"))

    with exclusive(folder.with_name(folder.name + ".lock"), waiting):
        complete = _complete(folder)
        if complete is None:
            complete = _make(environment, plan, ground, folder, how)
            write_whole(folder / COMPLETE, msgspec.json.encode(complete))
        else:
            with suppress(OSError):  # only the garbage collector wants the time
                (folder / COMPLETE).touch()
            how.report(Progress(STAGE, "The environment was built before", 1, 1))
    base = None if under else ground.found.path
    return Built(folder / "bin" / "python", plan.notes + complete.added, version, base)


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


def _make(
    environment: Environment, plan: Plan, ground: _Ground, folder: Path, how: _How
) -> _Complete:
    """Make the environment; nothing is left of one that cannot be made."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        added, more = _kernel(environment, ground.found, folder)
        requirements = [*plan.wheels, *plan.sources, *more]
        from_index = bool(requirements)
        requirements += _kept(plan, how.cache, how.copy_to, how.report)
        place = _place(ground, folder, how)
        if requirements or ground.conda is None:
            install(
                requirements, folder, into=place.options, fresh=place.fresh,
                own_cache=None if from_index else uv_cache(how.cache),
                compiling=bool(plan.sources), report=how.report,
            )  # fmt: skip
        else:
            place.fresh()
        place.check()
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, OSError):
            raise unwritable(folder.parent, error) from error
        if isinstance(error, StoreUnavailable):  # the cache's disk, not the store's
            raise EnvironmentFailure(error.message, hint=FULL) from error
        raise
    return _Complete(added=added + place.notes)


def _place(ground: _Ground, folder: Path, how: _How) -> Virtual | Prefix:
    if ground.conda is None:
        return Virtual(ground.found, folder)
    return Prefix.of(
        ground.conda, folder, cache=how.cache, copy_to=how.copy_to, report=how.report
    )  # fmt: skip


def _kept(plan: Plan, cache: Path, copy_to: CopyTo, report: Report) -> list[str]:
    """Lay out the wheels that the store has; return their requirements."""
    lines = []
    wheels = sorted(plan.kept.items())
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        paths = pool.map(lambda item: take(cache, item[1], copy_to), wheels)
        try:
            for number, ((name, wheel), path) in enumerate(zip(wheels, paths, strict=True)):
                report(Progress(STAGE, f"Checking the wheel of {name}", number, len(wheels)))
                lines.append(f"{name} @ {path.as_uri()} --hash={wheel.blob.digest}")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return lines


def _kernel(
    environment: Environment, found: interpreters.Found, folder: Path
) -> tuple[list[str], list[str]]:
    """Find ipykernel where the recorded environment has none, keeping every recorded version.

    Returns:
        What to say of it, and requirements.
    """
    if any(one.name == KERNEL for one in environment.distributions):
        return [], []
    if any(one.name == KERNEL for one in environment.rerun):
        added = {one.name: one.version for one in environment.rerun}
        more: list[str] = []
    else:
        pinned = pins([(one.name, one.version) for one in environment.distributions])
        wheels = [
            one.entry for one in additions(pinned, found.path, found.version, folder=folder)
        ]  # fmt: skip
        added = {entry.name: entry.version for entry in wheels}
        more = [entry.requirement for entry in wheels]
    others = f" with {packages(len(added) - 1)} it needs" if len(added) > 1 else ""
    version = added.get(KERNEL, "of today")
    return [f"The recorded environment had no ipykernel; {version} was added{others}."], more
