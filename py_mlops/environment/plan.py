"""Decides what to install for a recorded environment, from a record and a lock nobody trusts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from py_mlops.environment import pylock
from py_mlops.environment.fitting import rank
from py_mlops.environment.lock import LOCKED
from py_mlops.records import Distribution, Environment, KeptWheel


class Plan(NamedTuple):
    """What to install.

    Attributes:
        kept: Wheels that the store has, by the distribution's name.
        wheels: Requirements with the digests of wheels.
        sources: Requirements with the digests of source archives.
        notes: What is left out, and why.
    """

    kept: dict[str, KeptWheel]
    wheels: list[str]
    sources: list[str]
    notes: list[str]

    @property
    def digest(self) -> str:
        """A short name for what will be installed."""
        kept = [f"{name} {one.name} {one.blob.digest}" for name, one in sorted(self.kept.items())]
        text = "\n".join((*self.wheels, "sources", *self.sources, "kept", *kept))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def checked(environment: Environment, lock: bytes) -> list[pylock.Entry]:
    """Read a lock and check that it and its record speak of the same distributions.

    Raises:
        Hostile: When they do not, or when either is no such thing at all.
    """
    entries = pylock.read(lock)
    everything = [*environment.distributions, *environment.rerun]
    recorded = {one.name: one for one in everything}
    if len(recorded) != len(everything):
        raise pylock.refused("its record names a package twice")
    for one in everything:
        if not pylock.is_name(one.name):
            raise pylock.refused(f"{one.name[:80]!r} is no normalised package name")
        if one.kept is not None:
            _check_kept(one, one.kept)
    for entry in entries:
        said = recorded.get(entry.name)
        digest = entry.sha256 if entry.wheel else None
        same = said is not None and (said.version, said.sha256) == (entry.version, digest)
        if said is None or not same or said.source not in LOCKED:
            raise pylock.refused(f"its record does not say the same of {entry.name}")
    return entries


def _check_kept(one: Distribution, kept: KeptWheel) -> None:
    """Check that a kept wheel goes by its distribution's name and is what it says it is."""
    try:
        name, version, _, _ = parse_wheel_filename(kept.name)
        same = name == one.name and (version == Version(one.version) or kept.how == "built")
    except (InvalidWheelFilename, InvalidVersion):
        same = False
    if not same or not pylock.is_file(kept.name):
        raise pylock.refused(f"{kept.name[:80]!r} is no wheel of {one.name}")
    if kept.how == "index" and (kept.name, kept.blob.digest) != (one.wheel, f"sha256:{one.sha256}"):
        raise pylock.refused(f"the kept wheel of {one.name} is not the one that is recorded")


def decide(
    environment: Environment, entries: Sequence[pylock.Entry], version: str, *, conda: bool = False
) -> Plan:
    """Decide what to install; no package is ever looked up by its name alone.

    What the store has is taken from it. What a lock pins comes from an index,
    by its digest. Anything else is left out: whatever an index has under the
    name of a package of one's own need not be that package.

    Args:
        environment: The recorded environment.
        entries: Its lock.
        version: The interpreter it will be installed for.
        conda: Whether conda's packages are there already.
    """
    locked = {entry.name: entry for entry in entries}
    kept: dict[str, KeptWheel] = {}
    chosen: list[pylock.Entry] = []
    notes: list[str] = []
    for one in (*environment.distributions, *environment.rerun):
        entry = locked.get(one.name)
        if conda and one.source == "conda":
            continue
        if one.kept is not None and rank(one.kept.name, version) is not None:
            kept[one.name] = one.kept
        elif entry is not None:
            chosen.append(entry)
        else:
            notes.append(_left_out(one))
    return Plan(
        kept=kept,
        wheels=[entry.requirement for entry in sorted(chosen) if entry.wheel],
        sources=[entry.requirement for entry in sorted(chosen) if not entry.wheel],
        notes=[*notes, *_told(environment, kept)],
    )


def _left_out(one: Distribution) -> str:
    version = one.version if pylock.is_version(one.version) else repr(one.version[:40])
    if one.kept is not None:
        why = f"its kept wheel {one.kept.name} does not fit this machine"
    elif one.source in LOCKED or one.source == "unknown":
        why = "no index had it when it was recorded, and no wheel of it was kept"
    else:
        why = "it did not come from a package index, and no wheel of it was kept"
    return f"{one.name} {version} was left out: {why}."


def _told(environment: Environment, kept: dict[str, KeptWheel]) -> Iterator[str]:
    """Say where the installed file is not the recorded one, and what was loaded otherwise."""
    again = sorted(
        one.name for one in environment.distributions
        if one.sha256 and one.name in kept and kept[one.name].how == "repacked"
    )  # fmt: skip
    if again:
        yield f"Packed again from what was installed: {', '.join(again)}."
    for one in environment.distributions:
        if one.loaded:
            yield (
                f"The program had loaded {one.name} {one.loaded[:40]} when {one.version[:40]} "
                "was installed."
            )
