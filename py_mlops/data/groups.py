"""Which files of a session are recorded together: many small ones, touched alike below a folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal

import msgspec

from py_mlops.data.judge import Finding
from py_mlops.records.data import Observed
from py_mlops.records.manifest import join
from py_mlops.store.blobs.intake import Look

FROM = 256
"""So many files become a tree; fewer are recorded one by one."""

LARGEST_FILE = 8 << 20
"""Bytes above which a file is an object of its own."""


class Member(msgspec.Struct, frozen=True, gc=False):
    """A file of a group.

    Attributes:
        path: Below the group's folder.
        finding: What is known of it.
        look: How it looked when it was judged.
    """

    path: str
    finding: Finding
    look: Look

    @property
    def size(self) -> int:
        """Its bytes when it was judged."""
        return self.look[0]


@dataclass(frozen=True)
class Group:
    """Files that will be one `Tree`; the fields are the tree's.

    Attributes:
        members: The files, sorted by path.
    """

    folder: str
    requested: str
    role: Literal["input", "output"]
    cell: int
    observed: Observed
    process: str
    executable: bool
    members: Sequence[Member]

    def findings(self) -> Iterator[Finding]:
        """Yield what is known of each file."""
        return (member.finding for member in self.members)


_Key = tuple[str, str, Literal["input", "output"], int, Observed, str, bool]
"""The fields of `Group`, whose folder is where the paths and the program's names for them part."""


def group(findings: Iterable[Finding]) -> tuple[list[Group], list[Finding]]:
    """Find the files that are recorded together.

    Args:
        findings: What `judge` says.

    Returns:
        The groups, and what stays by itself, in its order.
    """
    alike: dict[_Key, list[Finding]] = {}
    rest = []
    for finding in findings:
        key = _key(finding)
        if key is None:
            rest.append(finding)
        else:
            alike.setdefault(key, []).append(finding)
    groups = []
    for key, members in alike.items():
        if len(members) < FROM:
            rest.extend(members)
        else:
            groups.append(_group(key, members))
    if len(rest) > 1:
        order = {id(finding): number for number, finding in enumerate(findings)}
        rest.sort(key=lambda finding: order[id(finding)])
    return groups, rest


def _key(finding: Finding) -> _Key | None:
    seen, role = finding.seen, finding.role
    if finding.state != "ready" or finding.size > LARGEST_FILE or role == "code":
        return None
    if seen.written and role == "input":
        return None
    base = _base(seen.path, seen.requested)
    if base is None:
        return None
    executable = finding.executable and role == "input"
    return *base, role, seen.cell, seen.observed, seen.process, executable


def _base(path: str, requested: str) -> tuple[str, str] | None:
    """Return what stands before the part that a path and the program's name for it share."""
    if requested == path:
        return "/", "/"
    if path.endswith(f"/{requested}"):
        return path[: -len(requested) - 1] or "/", ""
    full, short = path.split("/"), requested.split("/")
    same = 0
    while same < min(len(full), len(short)) - 1 and full[-1 - same] == short[-1 - same]:
        same += 1
    before, named = "/".join(full[:-same]) or "/", "/".join(short[:-same])
    shared = "/".join(full[-same:])
    return (before, named) if same and join(named, shared) == requested else None


def _group(key: _Key, findings: Sequence[Finding]) -> Group:
    path, requested = key[:2]
    start = len(path.rstrip("/")) + 1
    folders = {finding.seen.path.rpartition("/")[0][start:] for finding in findings}
    common = os.path.commonpath(folders) if "" not in folders else ""
    cut = start + len(common) + 1 if common else start
    members = [
        Member(finding.seen.path[cut:], finding, finding.look)
        for finding in sorted(findings, key=attrgetter("seen.path"))
        if finding.look is not None
    ]
    if common:
        path, requested = join(path, common), join(requested, common)
    return Group(path, requested, *key[2:], members=members)
