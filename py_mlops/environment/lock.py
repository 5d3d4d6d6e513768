"""Locks an environment: every installed distribution with the digest of its very file."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from py_mlops.environment import pylock, uv
from py_mlops.environment.exclusive import exclusive, write_whole
from py_mlops.environment.holes import FOREIGN, holes
from py_mlops.environment.index import Catalogue, Choice, ask, choose, pins
from py_mlops.environment.install import STAGE
from py_mlops.environment.installed import Installed, fingerprint, installed, packages
from py_mlops.environment.interpreters import interpreter_of
from py_mlops.errors import Hostile
from py_mlops.progress import Progress, Report
from py_mlops.records import Distribution, Hole
from py_mlops.records.base import Part
from py_mlops.records.handover import KernelFacts

# What the index did not know may be published later, and an index that was out
# of reach comes back; what is locked stays true for ever.
_INCOMPLETE_LASTS = 600.0  # seconds

LOCKED = frozenset({"index", "conda"})
"""Sources of what an index may have a file of."""


class Locked(Part, frozen=True):
    """A locked environment.

    Attributes:
        distributions: What is installed, by name.
        pylock: A PEP 751 ``pylock.toml`` of all that an index has.
        holes: What could not be locked.
        compiled: Names of what is installed otherwise than any file of the
            index has it: compiled here, from its source or by another tool.
    """

    distributions: list[Distribution]
    pylock: bytes
    holes: list[Hole]
    compiled: list[str]


class _Kept(Part, frozen=True):
    """A lock in the cache; ``asked`` says whether the index itself was tried."""

    locked: Locked
    complete: bool
    asked: bool
    made: float


def lock(facts: KernelFacts, *, cache: Path, report: Report, offline: bool = False) -> Locked:
    """Lock the environment of a kernel, or return the lock made before.

    Safe to call from several processes and threads at once: the second waits
    for the first and takes its lock.

    Args:
        facts: The kernel's interpreter and search path.
        cache: Folder that the locks are kept in.
        report: Told what is going on when it takes a while.
        offline: Whether to do without the network.

    Raises:
        EnvironmentFailure: When uv is missing or the cache cannot be written.
    """
    offline = offline or uv.told_offline()
    key = fingerprint(facts.search_path, interpreter_of(facts))
    path = cache / "locks" / f"{key}.json"
    if known := _known(path, offline=offline):
        return known

    def waiting() -> None:
        report(Progress(STAGE, "Waiting for another process that locks this environment"))

    with exclusive(path.with_suffix(".lock"), waiting):
        if known := _known(path, offline=offline):
            return known
        kept = _make(facts, path.parent, report, offline=offline)
        write_whole(path, msgspec.json.encode(kept))
    return kept.locked


def _known(path: Path, *, offline: bool) -> Locked | None:
    """Return the lock in the cache while it holds."""
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
    except (OSError, msgspec.DecodeError):
        return None
    fresh = 0 <= time.time() - kept.made < _INCOMPLETE_LASTS
    usable = kept.complete or (fresh and (kept.asked or offline))
    return kept.locked if usable else None


def _make(facts: KernelFacts, folder: Path, report: Report, *, offline: bool) -> _Kept:
    found = installed(facts.search_path)
    pinned = pins([(one.name, one.version) for one in found if one.source in LOCKED])
    report(Progress(STAGE, f"Locking {packages(len(found))}", 0, len(found)))
    catalogue = ask(pinned, facts.executable, folder=folder, offline=True)
    choices = _choices(found, catalogue)
    sure = len(choices) == len(pinned) and all(choice.sure for choice in choices.values())
    asked = not sure and not offline
    if asked:
        report(Progress(STAGE, f"Asking the package index about {packages(len(pinned))}"))
        answer = ask(pinned, facts.executable, folder=folder, offline=False)
        if answer.reached:
            choices = _choices(found, answer)
    locked = Locked(
        distributions=[_distribution(one, choices.get(one.name)) for one in found],
        pylock=pylock.write(_entries(found, choices), facts.version),
        holes=holes(found, choices),
        compiled=[
            one.name
            for one in found
            if one.name in choices and not choices[one.name].sure and one.installer not in FOREIGN
        ],
    )
    text = f"Locked {len(choices)} of {packages(len(found))}"
    report(Progress(STAGE, text, len(found), len(found)))
    return _Kept(locked=locked, complete=len(choices) == len(pinned), asked=asked, made=time.time())


def _choices(found: Sequence[Installed], catalogue: Catalogue) -> dict[str, Choice]:
    choices = {}
    for one in found:
        choice = choose(one, catalogue.files.get(one.name, []))
        if choice is not None and _entry(one, choice) is not None:
            choices[one.name] = choice
    return choices


def _entry(one: Installed, choice: Choice) -> pylock.Entry | None:
    """Return a lock's entry; None when the index names its file in no standard way."""
    file = choice.file
    entry = pylock.Entry(one.name, one.version, file.name, file.sha256, file.wheel)
    try:
        pylock.check(entry)
    except Hostile:
        return None
    return entry


def _entries(found: Sequence[Installed], choices: Mapping[str, Choice]) -> list[pylock.Entry]:
    entries = (_entry(one, choices[one.name]) for one in found if one.name in choices)
    return [entry for entry in entries if entry is not None]


def _distribution(one: Installed, choice: Choice | None) -> Distribution:
    wheel = choice.file if choice is not None and choice.file.wheel else None
    return Distribution(
        name=one.name,
        version=one.version,
        source="unknown" if one.source == "index" and choice is None else one.source,
        wheel=wheel.name if wheel else None,
        sha256=wheel.sha256 if wheel else None,
        origin=one.origin,
        kept=None,
        tree=None,
        loaded="",
    )
