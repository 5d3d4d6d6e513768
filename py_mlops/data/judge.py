"""What is to be done with one seen file: the decision, without reading its content."""

from __future__ import annotations

import os
import stat
from typing import Literal

import msgspec

from py_mlops.data.rules import IgnoreRules
from py_mlops.records.handover import Handover, SeenFile
from py_mlops.store.blobs.intake import Look, identity

State = Literal[
    "ready",
    "ignored",
    "absent",
    "changed",
    "gone",
    "kept",
    "rewritten",
    "older",
    "version",
    "special",
    "unnamed",
]
"""What became of a file.

``ready`` it can be taken; ``ignored`` a rule leaves it out; ``absent`` an output
that is no more; ``changed`` and ``gone`` an input that others changed or
removed since; ``kept`` an input that the program itself changed or removed, and
of which the kernel has a copy; ``rewritten`` one of which it has none; ``older``
a version that was read before the last one; ``version`` such a one of a module or
script, of which the kernel has a copy; ``special`` no regular file;
``unnamed`` a name that is not UTF-8.
"""


class Finding(msgspec.Struct, frozen=True, gc=False):
    """A seen file and the decision on it.

    Attributes:
        seen: The file.
        role: ``code`` for a module or script; else as in ``records.DataFile``.
        state: What became of it.
        reason: Why it is ignored; empty otherwise.
        size: Its size in bytes now; 0 when it is not there.
        look: How it looks now; ``None`` when it is not there or was not looked at.
        executable: Whether anybody may run it.
    """

    seen: SeenFile
    role: Literal["input", "output", "code"]
    state: State
    reason: str
    size: int
    look: Look | None = None
    executable: bool = False


_ANY_MAY_RUN = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH
_NO_NAMES = frozenset({"", ".", ".."})


def judge(handover: Handover, rules: IgnoreRules) -> list[Finding]:
    """Decide on every file of a handover.

    Args:
        handover: What the kernel saw; hostile as far as its paths go.
        rules: What to leave out.

    Returns:
        A finding for every file seen, in the same order, the newest version of
        a file last; the notebook itself is not among them.
    """
    newest = {seen.path: number for number, seen in enumerate(handover.files)}
    folders: dict[str, bool] = {}
    findings = []
    for number, seen in enumerate(handover.files):
        path = seen.path
        if path == handover.notebook:
            continue
        # Most of many files lie in few folders: those are judged once, not with each file.
        folder, _, name = path.rpartition("/")
        clear = folders.get(folder)
        if clear is None:
            clear = folders[folder] = is_plain(folder) and rules.keeps_all(folder)
        clear = clear and name.isascii() and "\0" not in name and name not in _NO_NAMES
        finding = _look(seen) if clear else _judge(seen, rules)
        if newest[path] != number and finding.state != "ignored":
            is_code = finding.role == "code" and seen.kept
            finding = Finding(seen, finding.role, "version" if is_code else "older", "", seen.size)
        findings.append(finding)
    return findings


def is_plain(path: str) -> bool:
    """Say whether a path is absolute, normalised and can be written down as UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    normal = "/" + os.path.normpath(path).lstrip("/")
    return path == normal and "\0" not in path


def look_at(path: str) -> tuple[os.stat_result | None, bool]:
    """Return what lies at a path, links followed, and whether it is a regular file."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a Path would drop nothing but time
    except (OSError, ValueError):
        return None, False
    return found, stat.S_ISREG(found.st_mode)


def same(seen: SeenFile, found: os.stat_result) -> bool:
    """Say whether a file is what it was when it was first read."""
    return seen.size < 0 or (
        (seen.size, seen.mtime_ns, seen.inode) == (found.st_size, found.st_mtime_ns, found.st_ino)
    )


def _judge(seen: SeenFile, rules: IgnoreRules) -> Finding:
    role = _role(seen)
    if not is_plain(seen.path):
        return Finding(seen, role, "unnamed", "", 0)
    reason = rules.reason(seen.path)
    if reason is not None:
        return Finding(seen, role, "ignored", reason, 0)
    return _look(seen)


def _role(seen: SeenFile) -> Literal["input", "output", "code"]:
    return "input" if seen.first == "read" else "output"


def _look(seen: SeenFile) -> Finding:
    role = _role(seen)
    found, regular = look_at(seen.path)
    if found is None:
        look, size, executable = None, 0, False
    else:
        look, executable = identity(found), found.st_mode & _ANY_MAY_RUN != 0
        size = look[0] if regular else 0
    if role == "output":
        state: State = "ready" if regular else "absent" if found is None else "special"
        return Finding(seen, role, state, "", size, look, executable)
    if seen.path.endswith(".py") and not seen.written:
        role = "code"
    if found is not None and not regular:
        state = "special"
    elif found is not None and same(seen, found):
        state = "ready"
    elif seen.kept:  # a database writes some of it only when the kernel ends
        state, size = "kept", seen.size
    elif seen.written:
        state = "rewritten"
    else:
        state = "gone" if found is None else "changed"
    return Finding(seen, role, state, "", size, look, executable)
