"""From what a kernel saw to what a record says: roles, bytes, code and holes."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from py_mlops.data.rules import IgnoreRules
from py_mlops.data.unseen import unseen
from py_mlops.errors import FileChanged, FileGone
from py_mlops.records import Blob, CodeFile, DataFile, Hole
from py_mlops.records.handover import Handover, SeenFile

Take = Callable[[Path], Blob]


@dataclass(frozen=True)
class Gathered:
    """What a session used, taken into the store.

    Attributes:
        files: Data files, in the order of their first access.
        code: Loose modules and scripts.
        holes: What could not be taken.
    """

    files: list[DataFile]
    code: list[CodeFile]
    holes: list[Hole]


@dataclass(frozen=True)
class Summary:
    """What a session used so far, nothing of it taken.

    Attributes:
        rows: Path, role, size, cell and observer of each file, as text.
        holes: What would be missing.
    """

    rows: list[tuple[str, ...]]
    holes: list[Hole]


def gather(
    handover: Handover, rules: IgnoreRules, take: Take, *, incomplete: bool = False
) -> Gathered:
    """Take every file that a session used.

    A file whose first access wrote it is an output; any other an input. Size,
    modification time and inode at the first read are compared with the file
    now: the digest is of the bytes that were read, or there is none.

    Args:
        handover: What the kernel saw.
        rules: Which files are left out.
        take: Takes one file into the store.
        incomplete: Make files that changed or vanished holes, not errors.

    Returns:
        Files, code and holes.

    Raises:
        FileChanged: When an input is no longer what was read.
        FileGone: When an input is no longer there.
    """
    files: list[DataFile] = []
    holes: list[Hole] = []
    code = _code(handover, take)
    scripts = {item.path for item in code}
    for seen in _data(handover, rules):
        if seen.path in scripts:
            continue
        if seen.path.endswith(".py") and seen.first == "read":
            code.append(CodeFile(path=seen.path, module="", blob=take(Path(seen.path))))
            continue
        problem = _problem(seen)
        if problem is None:
            files.append(_file(seen, [take(Path(seen.path))]))
        elif seen.first == "read":
            if not incomplete and not seen.written:
                raise problem
            files.append(_file(seen, []))
            holes.append(_lost(seen, problem))
    return Gathered(files, code, [*holes, *unseen(handover)])


def summary(handover: Handover, rules: IgnoreRules) -> Summary:
    """Say what `gather` would take, without reading a byte.

    Args:
        handover: What the kernel saw.
        rules: Which files are left out.

    Returns:
        Rows for a person, and the holes.
    """
    rows: list[tuple[str, ...]] = []
    holes: list[Hole] = []
    for seen in _data(handover, rules):
        problem = _problem(seen)
        if problem is not None and seen.first == "read":
            holes.append(_lost(seen, problem))
        if problem is None or seen.first == "read":
            role = "input" if seen.first == "read" else "output"
            held = f"{os.stat(seen.path).st_size:,}" if problem is None else "—"
            rows.append((seen.requested, role, held, f"[{seen.cell}]", seen.observed))
    rows += [(item.path, "code", "", "", item.module) for item in handover.modules]
    return Summary(rows, [*holes, *unseen(handover)])


def _data(handover: Handover, rules: IgnoreRules) -> Iterator[SeenFile]:
    for seen in handover.files:
        if seen.path != handover.notebook and rules.reason(seen.path) is None:
            if not os.path.isdir(seen.path):
                yield seen


def _code(handover: Handover, take: Take) -> list[CodeFile]:
    return [
        CodeFile(path=item.path, module=item.module, blob=take(Path(item.path)))
        for item in handover.modules
        if Path(item.path).is_file()
    ]


def _problem(seen: SeenFile) -> FileGone | FileChanged | None:
    """Say why a file's bytes of now are not the ones meant."""
    where = f"{seen.requested} (read in cell [{seen.cell}])"
    try:
        status = os.stat(seen.path)
    except OSError:
        return FileGone(
            f"{where} is no longer there, so what was read cannot be kept.",
            hint="Put it back or run that cell again; or take the snapshot with --incomplete, "
            "which records that it is missing.",
        )
    if not stat.S_ISREG(status.st_mode):
        return FileGone(
            f"{where} is not a regular file; its bytes are gone once they are read.",
            hint="Copy them into a file first; or take the snapshot with --incomplete.",
        )
    read = seen.first == "read" and seen.size >= 0
    if read and (status.st_size, status.st_mtime_ns) != (seen.size, seen.mtime_ns):
        return FileChanged(
            f"{where} was changed since it was read: {seen.size:,} bytes then, "
            f"{status.st_size:,} now.",
            hint="Run that cell again, so that the snapshot holds what the model saw; or take "
            "the snapshot with --incomplete, which records that it is missing.",
        )
    return None


def _file(seen: SeenFile, blobs: list[Blob]) -> DataFile:
    return DataFile(
        path=seen.path,
        requested=seen.requested,
        role="input" if seen.first == "read" else "output",
        rewritten=seen.first == "read" and seen.written,
        cell=seen.cell,
        observed=seen.observed,
        blobs=blobs,
    )


def _lost(seen: SeenFile, problem: FileGone | FileChanged) -> Hole:
    hint = problem.hint
    if seen.written:
        hint = "Write to another file than the one you read, so that the raw data stay as they were."
    return Hole(kind="data", text=problem.message, hint=hint, cell=seen.cell, blocking=True)
