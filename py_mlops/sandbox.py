"""Where a rerun may look: recorded files at their original paths, seen by the rerun alone.

The recorded files lie in a *mirror*: ``mirror/data/anna/digits.csv`` stands for
``/data/anna/digits.csv``. At level ``namespaces`` the kernel
sees the mirror laid over the file system; at level ``copy``, where the system
does not allow that, it only starts in the mirror's copy of its folder, and
absolute paths are those of the host.

This is a stage set, not a prison: the network is not cut, and whatever is not
covered by the mirror stays as readable and as writable as it was.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from py_mlops.errors import Hostile, InputError

SYSTEM = tuple(
    f"/{name}"
    for name in "bin boot dev etc lib lib32 lib64 libx32 proc sbin sys usr".split()  # noqa: SIM905 - reads as the list it is
)
"""Folders of the system: nothing is ever mirrored into them."""

_ENTRY = Path(__file__).parent / "guest" / "enter.py"


class Level(StrEnum):
    """How far a rerun is set apart from the machine it runs on."""

    NAMESPACES = "namespaces"
    COPY = "copy"


@dataclass(frozen=True)
class Isolation:
    """What this machine offers.

    Attributes:
        level: The best level that works here.
        why: One sentence for a person.
    """

    level: Level
    why: str


@functools.cache
def available() -> Isolation:
    """Find out what works here by doing it once; the answer holds for the process."""
    if sys.platform != "linux":
        return Isolation(Level.COPY, f"{sys.platform} has no mount namespaces.")
    with tempfile.TemporaryDirectory(prefix="py-mlops-") as scratch:
        mirror = Path(scratch, "mirror")
        probe = f"/{Path(scratch).name}/probe"
        inside(mirror, probe).parent.mkdir(parents=True)
        inside(mirror, probe).write_text("seen", encoding="ascii")
        argv = [sys.executable, "-ISc", f"print(open({probe!r}).read())"]
        wrapped = command(argv, mirror=mirror, directory="/", level=Level.NAMESPACES)
        try:
            done = subprocess.run(wrapped, capture_output=True, timeout=30, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return Isolation(Level.COPY, f"The trial run did not start: {error}")
    if done.stdout.strip() == b"seen":
        return Isolation(Level.NAMESPACES, "Recorded files are seen at their original paths.")
    last = (done.stderr.decode(errors="replace").strip() or "no message").splitlines()[-1]
    return Isolation(Level.COPY, f"This system does not open user namespaces to us ({last}).")


def inside(mirror: Path, path: str) -> Path:
    """Return where an absolute path lies in a mirror.

    Args:
        mirror: The mirror's folder.
        path: An absolute path of the recorded machine, from a record.

    Raises:
        Hostile: When the path is not absolute, or could lead out of the mirror.
    """
    plain = path.startswith("/") and "\0" not in path and os.path.normpath(path) == path
    if not plain or path.startswith("//"):
        raise Hostile(
            f"The record names the path {path!r}, which is not a plain absolute path.",
            hint="Do not rerun this snapshot; ask its author where it came from.",
        )
    return mirror / path[1:]


def is_system(path: str) -> bool:
    """Say whether an absolute path lies in a folder of the system.

    For callers that make a mirror: such a file is the machine's, not the
    record's. `command` refuses it; it is better left out and named.
    """
    return any(_covers(folder, place) for folder in _system() for place in _places(path))


def command(
    argv: Sequence[str],
    *,
    mirror: Path,
    directory: str,
    paths: Sequence[str] = (),
    keep: Sequence[Path] = (),
    level: Level,
) -> list[str]:
    """Return the command that runs ``argv`` with the mirror in place of the host's files.

    Every file of the mirror is seen at its absolute path. ``directory``, and
    each folder among ``paths``, shows the mirror's content *instead of* the
    host's, and what is written there lands in the mirror; so name the folders
    of recorded outputs too. Folders that the host lacks come whole from the
    mirror. Elsewhere the host's entries stay; a folder that had to receive new
    ones forgets further new files when the process ends.

    The process keeps its id, signals, exit code and open files, and runs as the
    user it was; with ``root``, files of other users are readable only as far as
    everyone may read them. It exits with 125 when the sandbox cannot be made.

    Start it with ``inside(mirror, directory)`` as its working directory, at
    every level.

    Args:
        argv: The kernel's command; its first item is found through ``PATH``.
        mirror: Folder of the recorded files; serves one rerun.
        directory: The folder the program shall run in, absolute.
        paths: Absolute paths the record names, files and folders.
        keep: What must stay as it is even in a mirrored folder: the kernel's
            environment, the folder of the connection file, the store. The
            interpreter, the home folder and the folder of temporary files are
            always kept.
        level: As `available` says. At level ``copy`` the command is ``argv``.

    Raises:
        Hostile: When a path is not plain, would cover the system, the
            interpreter or something of ``keep``, or the mirror holds anything
            but files and folders.
        InputError: When the mirror lacks ``directory``.
    """
    kept = _real([*_runtime(argv[0]), *keep])
    shared = _real([os.path.expanduser("~"), tempfile.gettempdir(), "/tmp"])  # noqa: PTH111, S108 - Path.home() may raise; nothing is written to either
    named = [directory, *paths]
    _refuse(named, mirror, fixed=[*_system(), *kept], shared=shared)
    if not inside(mirror, directory).is_dir():
        raise InputError(
            f"There is no {directory} in the mirror {mirror}.",
            hint="Create the notebook's folder in the mirror before starting the kernel.",
        )
    if level is Level.COPY:
        return list(argv)
    # Folders that the host lacks come whole anyway; one argument holds at most 128 KiB.
    folders = [path for path in named if inside(mirror, path).is_dir() and Path(path).is_dir()]
    plan = {
        "mirror": os.path.realpath(mirror),
        "directory": directory,
        "folders": sorted({os.path.realpath(path) for path in folders}),
        "keep": kept,
        "shared": shared,
    }
    return [sys.executable, "-I", "-S", str(_ENTRY), json.dumps(plan), *argv]


def unreachable(requested: Iterable[str], level: Level) -> list[str]:
    """Return the paths under which a rerun will not find the recorded files.

    Args:
        requested: Paths as the program names them.
        level: The rerun's level.

    Returns:
        Without duplicates, in order. At level ``copy`` all absolute paths: the
        host may have a file there, but it is not the recorded one.
    """
    if level is Level.NAMESPACES:
        return []
    return list(dict.fromkeys(path for path in requested if path.startswith(("/", "~"))))


def _runtime(program: str) -> list[Path]:
    """Return what a Python needs of its own: environment, base, links between them."""
    path = Path(shutil.which(program) or program).absolute()
    found = [path]
    while path.is_symlink():
        path = path.parent / path.readlink()
        found.append(path)
    for prefix in [path.parent.parent for path in found if path.parent.name == "bin"]:
        if (prefix / "pyvenv.cfg").is_file():
            found.append(prefix)
        else:
            found += [prefix / "bin", prefix / "lib"]
    return found


@functools.cache
def _system() -> list[str]:
    return _real(SYSTEM)


def _places(path: str | Path) -> set[str]:
    """Return a path without links among its folders, and where it leads in the end."""
    whole = Path(path).absolute()
    return {str(Path(os.path.realpath(whole.parent), whole.name)), os.path.realpath(whole)}


def _real(paths: Iterable[str | Path]) -> list[str]:
    """Return the places of paths; the root is left out, as nothing can replace it."""
    return sorted({place for path in paths for place in _places(path)} - {"/"})


def _covers(folder: str, path: str) -> bool:
    return path == folder or path.startswith(folder + "/")


def _refuse(
    named: Sequence[str], mirror: Path, fixed: Sequence[str], shared: Sequence[str]
) -> None:
    """Check what a record names, and everything in its mirror, against what must stay.

    Args:
        named: Paths out of the record.
        mirror: The mirror.
        fixed: Places in which nothing may change.
        shared: Places that may change, but must stay folders.
    """
    for path in named:
        inside(mirror, path)
        _refuse_inside(path, _places(path), fixed)
    above = {str(parent) for path in (*fixed, *shared) for parent in (path, *Path(path).parents)}
    for entry, path, place in _walk(mirror):
        if entry.is_symlink() or not (entry.is_dir() or entry.is_file()):
            raise _hostile(path, "is neither a file nor a folder in the mirror")
        if entry.is_dir():
            _refuse_inside(path, {place}, fixed)
        elif place in above:
            raise _hostile(path, "is a file in the place of a folder that the rerun needs")


def _refuse_inside(path: str, places: Iterable[str], fixed: Sequence[str]) -> None:
    for place in places:
        for folder in fixed:
            if _covers(folder, place):
                raise _hostile(path, f"would change {folder}")


def _walk(mirror: Path) -> Iterator[tuple[os.DirEntry[str], str, str]]:
    """Yield each entry of a mirror, the path it stands for, and its place on this host."""
    folders = [(str(mirror), "", "")]
    while folders:
        folder, path, place = folders.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                here, there = f"{path}/{entry.name}", f"{place}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    there = os.path.realpath(there)
                    folders.append((entry.path, here, there))
                yield entry, here, there


def _hostile(path: str, why: str) -> Hostile:
    return Hostile(
        f"The record names the path {path!r}, which {why}.",
        hint="Do not rerun this snapshot as it is; ask its author why it holds that file.",
    )
