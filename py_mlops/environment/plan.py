"""Decides what to install for a recorded environment, from a record and a lock nobody trusts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from py_mlops.environment import pylock, uv
from py_mlops.environment.index import ask
from py_mlops.environment.install import unreachable
from py_mlops.records import Distribution, Environment


class Plan(NamedTuple):
    """What to install.

    Attributes:
        wheels: Requirements with the digests of wheels.
        sources: Requirements with the digests of source archives.
        loose: Requirements of which only the version is known.
        notes: What is left out, and why.
    """

    wheels: list[str]
    sources: list[str]
    loose: list[str]
    notes: list[str]

    @property
    def digest(self) -> str:
        """A short name for what will be installed."""
        text = "\n".join((*self.wheels, "sources", *self.sources, "loose", *self.loose))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def checked(environment: Environment, lock: bytes) -> list[pylock.Entry]:
    """Read a lock and check that it and its record speak of the same distributions.

    Raises:
        Hostile: When they do not, or when either is no such thing at all.
    """
    entries = pylock.read(lock)
    recorded = {one.name: one for one in environment.distributions}
    if len(recorded) != len(environment.distributions):
        raise pylock.refused("its record names a package twice")
    for one in recorded.values():
        if not pylock.is_name(one.name):
            raise pylock.refused(f"{one.name[:80]!r} is no normalised package name")
    for entry in entries:
        said = recorded.get(entry.name)
        digest = entry.sha256 if entry.wheel else None
        locked = ("index", entry.version, digest)
        if said is None or (said.source, said.version, said.sha256) != locked:
            raise pylock.refused(f"its record does not say the same of {entry.name}")
    return entries


def decide(
    environment: Environment, entries: Sequence[pylock.Entry], python: Path, folder: Path
) -> Plan:
    """Decide what to install; what has no digest is looked up now.

    Args:
        environment: The recorded environment.
        entries: Its lock.
        python: The interpreter it will be installed for.
        folder: Where temporary files may be written.

    Raises:
        EnvironmentFailure: When something must be looked up and the index is
            out of reach.
    """
    locked = {entry.name for entry in entries}
    rest = [one for one in environment.distributions if one.name not in locked]
    own = [one for one in rest if one.source in {"editable", "direct"}]
    notes = [f"{_what(one)} did not come from a package index and was left out." for one in own]
    loose = {
        one.name: one.version for one in rest if one not in own and pylock.is_version(one.version)
    }
    known = _known(loose, python, folder)
    notes += [
        f"{_what(one)} is unknown to the package index and was left out."
        for one in rest
        if one not in own and one.name not in known
    ]
    if known:
        notes.append(
            f"Recorded without digests, so taken by version only: {', '.join(sorted(known))}."
        )
    return Plan(
        wheels=[entry.requirement for entry in sorted(entries) if entry.wheel],
        sources=[entry.requirement for entry in sorted(entries) if not entry.wheel],
        loose=[f"{name}=={version}" for name, version in sorted(loose.items()) if name in known],
        notes=notes,
    )


def _what(one: Distribution) -> str:
    version = one.version if pylock.is_version(one.version) else repr(one.version[:40])
    return f"{one.name} {version}"


def _known(loose: Mapping[str, str], python: Path, folder: Path) -> set[str]:
    """Return the names of those that an index has wheels of."""
    catalogue = ask(loose, str(python), folder=folder, offline=True)
    if len(catalogue.files) < len(loose):
        if not uv.told_offline():
            catalogue = ask(loose, str(python), folder=folder, offline=False)
        if not catalogue.reached:
            raise unreachable(", ".join(sorted(loose)))
    return {name for name, files in catalogue.files.items() if any(file.wheel for file in files)}
