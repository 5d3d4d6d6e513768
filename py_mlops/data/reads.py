"""From what a kernel saw to what a record says: inputs, outputs, loose code, and holes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from py_mlops.data.groups import Group, group
from py_mlops.data.holes import of_file, of_left_out, of_repositories, of_session, refusal
from py_mlops.data.judge import Finding, State, is_plain, judge, look_at, same
from py_mlops.data.replay import external, of_answer, short
from py_mlops.data.rules import IgnoreRules
from py_mlops.errors import CaptureError
from py_mlops.records import Blob, CodeFile, CodeVersion, DataFile, Hole, Tree
from py_mlops.records.handover import Handover

Take = Callable[[Path], Blob]
"""Stores a copy of a file; raises `FileChanged` when it changes meanwhile."""

Expect = Callable[[Sequence[Path]], object]
"""Told which files will be taken one by one, so that a store far away is asked once for all."""

TakeKept = Callable[[str], Blob]
"""Stores what a file held before the program overwrote it: a payload file of the handover."""

Pack = Callable[[Sequence[Group]], tuple[list[Tree], list[Finding]]]
"""Stores groups of small files; returns those too that changed meanwhile, see `packing.pack`."""


@dataclass(frozen=True)
class Gathered:
    """What was gathered.

    Attributes:
        files: Inputs and outputs, in the order in which they were first touched.
        trees: Folders of many small ones.
        read: Paths of all inputs that were taken.
        code: Loose modules and scripts.
        holes: What is missing.
    """

    files: list[DataFile]
    trees: list[Tree]
    read: frozenset[str]
    code: list[CodeFile]
    holes: list[Hole]


@dataclass(frozen=True)
class Summary:
    """What would be gathered.

    Attributes:
        rows: Name, role, size, cell and observer of each file, or folder of
            many small files, as text; a file that a rule leaves out has the
            rule in place of the observer. Behind them each answer of a database
            or web server, with its source there.
        holes: What would be missing.
    """

    rows: list[tuple[str, ...]]
    holes: list[Hole]


def gather(
    handover: Handover,
    rules: IgnoreRules,
    take: Take,
    take_kept: TakeKept,
    *,
    pack: Pack | None = None,
    expect: Expect | None = None,
    incomplete: bool = False,
) -> Gathered:
    """Take every file that the session used into the store.

    Args:
        handover: What the kernel saw.
        rules: What to leave out.
        take: Stores one file.
        take_kept: Stores one that the program overwrote.
        pack: Stores many small ones together; by default each is stored by itself.
        expect: Told of those that are stored by themselves, before the first is.
        incomplete: Record an input that changed or vanished as a blocking hole
            instead of refusing.

    Returns:
        The files, the trees, the code and the holes.

    Raises:
        FileChanged: When an input is no longer what was read.
        FileGone: When it is no longer there.
        StoreError: When the store cannot take it.
    """
    files: list[DataFile] = []
    scripts: dict[str, list[CodeVersion]] = {}
    holes: list[Hole] = []
    trees: list[Tree] = []
    read: set[str] = set()
    findings = judge(handover, rules)
    single = findings
    if pack is not None:
        groups, single = group(findings)
        trees, refused = pack(groups)
        single += refused
        packed = (one.seen for part in groups if part.role == "input" for one in part.findings())
        read = {seen.path for seen in packed} - {finding.seen.path for finding in refused}
    if expect is not None:
        expect([Path(finding.seen.path) for finding in single if finding.state == "ready"])
    for finding in single:
        if finding.role == "code" and finding.state in ("version", "kept"):
            version = _version(finding, take_kept(finding.seen.kept))
            scripts.setdefault(finding.seen.path, []).append(version)
            continue
        if finding.state == "kept":
            files.append(_data_file(finding, take_kept(finding.seen.kept)))
            continue
        taken, blob = _take(finding, take, incomplete=incomplete)
        hole = of_file(taken)
        if hole is not None:
            holes.append(hole)
        if taken.role == "code":
            if blob is not None:
                scripts.setdefault(taken.seen.path, []).append(_version(taken, blob))
        elif blob is not None or (hole is not None and taken.state not in ("older", "unnamed")):
            files.append(_data_file(taken, blob))
    made = {finding.seen.path for finding in findings if finding.seen.written}
    code = _code(handover, rules, take, scripts, made)
    read |= {file.path for file in files if file.role == "input" and file.blobs}
    holes += [*of_left_out(findings), *of_repositories(findings), *of_session(handover)]
    return Gathered(files, trees, frozenset(read), code, holes)


def summary(handover: Handover, rules: IgnoreRules) -> Summary:
    """Return what `gather` would do, without reading any content.

    Args:
        handover: What the kernel saw so far.
        rules: What to leave out.
    """
    findings = judge(handover, rules)
    holes = [hole for hole in map(of_file, findings) if hole is not None]
    groups, single = group(findings)
    rows = [
        _row(finding) for finding in single if finding.state not in ("absent", "older", "version")
    ]
    rows += map(_group_row, groups)
    known = {finding.seen.path for finding in findings}
    rows += [
        (module.path, "code", "", "", module.module)
        for module in handover.modules
        if module.path not in known
    ]
    rows += [
        (short(answer.request), answer.kind, f"{answer.size:,}", f"[{answer.cell}]", answer.source)
        for answer in handover.answers
        if not answer.problem
    ]
    rows += [
        (f"{peer.host}:{peer.port}", "external", "—", f"[{peer.cell}]", peer.by)
        for peer in external(handover)
    ]
    unanswered = [hole for hole in map(of_answer, handover.answers) if hole is not None]
    holes += [*of_left_out(findings), *of_repositories(findings)]
    return Summary(rows, [*holes, *unanswered, *of_session(handover)])


def _row(finding: Finding) -> tuple[str, ...]:
    seen = finding.seen
    size = f"{finding.size:,}" if finding.state in ("ready", "kept") else "—"
    cell = f"[{seen.cell}]" if seen.cell else ""
    if finding.state == "ignored":
        return seen.requested, "ignored", size, cell, finding.reason
    observer = f"{seen.observed}: {seen.process}" if seen.process else seen.observed
    return seen.requested, finding.role, size, cell, observer


def _group_row(group: Group) -> tuple[str, ...]:
    size = sum(member.size for member in group.members)
    name = f"{group.requested or '.'}/ ({len(group.members):,} files)"
    cell = f"[{group.cell}]" if group.cell else ""
    observer = f"{group.observed}: {group.process}" if group.process else group.observed
    return name, group.role, f"{size:,}", cell, observer


def _take(finding: Finding, take: Take, *, incomplete: bool) -> tuple[Finding, Blob | None]:
    """Take one file; the finding says more when it moved away under our hands."""
    if finding.state in ("changed", "gone") and not incomplete:
        raise refusal(finding)
    if finding.state != "ready":
        return finding, None
    try:
        blob = take(Path(finding.seen.path))
    except CaptureError:
        if finding.role == "output" and not look_at(finding.seen.path)[1]:
            return _now(finding, "absent"), None
        if not incomplete:
            raise
        return _now(finding, "changed"), None
    found, _ = look_at(finding.seen.path)
    if finding.role == "output" or (found is not None and same(finding.seen, found)):
        return finding, blob
    return _take(_now(finding, "gone" if found is None else "changed"), take, incomplete=incomplete)


def _now(finding: Finding, state: State) -> Finding:
    return Finding(finding.seen, finding.role, state, finding.reason, finding.size)


def _data_file(finding: Finding, blob: Blob | None) -> DataFile:
    seen = finding.seen
    is_output = finding.role == "output"
    return DataFile(
        path=seen.path,
        requested=seen.requested,
        role="output" if is_output else "input",
        rewritten=(seen.written or finding.state == "kept") and not is_output,
        cell=seen.cell,
        observed=seen.observed,
        process=seen.process,
        modified=str(seen.mtime_ns) if seen.mtime_ns > 0 and not is_output else "",
        executable=not is_output and os.access(seen.path, os.X_OK),
        blobs=[] if blob is None else [blob],
    )


def _version(finding: Finding, blob: Blob) -> CodeVersion:
    seen = finding.seen
    return CodeVersion(cell=seen.cell, modified=str(max(seen.mtime_ns, 0)), blob=blob)


def _code(
    handover: Handover,
    rules: IgnoreRules,
    take: Take,
    scripts: dict[str, list[CodeVersion]],
    made: set[str],
) -> list[CodeFile]:
    """Return loose modules and scripts; a module the program wrote is an output of it."""
    names = {module.path: module.module for module in reversed(handover.modules)}
    blobs = {path: versions[-1].blob for path, versions in scripts.items()}
    for path in names:
        wanted = path not in blobs and path not in made and is_plain(path)
        if wanted and rules.reason(path) is None and look_at(path)[1]:
            blobs[path] = take(Path(path))
    return [
        CodeFile(
            path=path,
            module=names.get(path, ""),
            executable=os.access(path, os.X_OK),
            blob=blob,
            versions=read if len(read := scripts.get(path, [])) > 1 else [],
        )
        for path, blob in sorted(blobs.items())
    ]
