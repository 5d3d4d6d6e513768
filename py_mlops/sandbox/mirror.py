"""The folder that stands for the root of the recorded machine: what goes in, what comes out."""

from __future__ import annotations

import functools
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from py_mlops.errors import Hostile

SYSTEM = tuple(
    f"/{name}"
    for name in "bin boot dev etc lib lib32 lib64 libx32 proc sbin sys usr".split()  # noqa: SIM905 - reads as the list it is
)
"""Folders of the system: nothing is ever mirrored into them."""

_HINT = "Do not rerun this snapshot as it is; ask its author why it holds that file."


@dataclass(frozen=True)
class Written:
    """A file that a rerun made or changed.

    Attributes:
        path: Its absolute path, as the rerun saw it.
        size: Its length in bytes.
    """

    path: str
    size: int


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


def layers(mirror: Path) -> Path:
    """Return the folder beside a mirror that catches writes into an environment."""
    return mirror.with_name(mirror.name + ".layers")


def note(mirror: Path) -> Path:
    """Return the file that is written when a rerun starts: what is mounted over the mirror."""
    return layers(mirror) / "started"


def is_system(path: str) -> bool:
    """Say whether an absolute path lies in a folder of the system.

    For callers that make a mirror: such a file is the machine's, not the
    record's. `command` refuses it; it is better left out and named.
    """
    return any(covers(folder, place) for folder in system() for place in places(path))


def written(mirror: Path, most: int = 100_000) -> list[Written]:
    """Return the files that a rerun made or changed, at level ``namespaces``.

    Only regular files: a link that a rerun left is nobody's output, and could
    lead out of the mirror. What it wrote into its environment is not listed.

    Args:
        mirror: The mirror it ran in; the rerun has ended.
        most: How many files to list at most.

    Returns:
        In the order of their paths; empty when no rerun started.
    """
    try:
        started = note(mirror).stat().st_ctime_ns
        mounted = set(json.loads(note(mirror).read_text("utf-8")))
    except FileNotFoundError:
        return []
    return sorted(islice(_changed(mirror, started, mounted), most), key=lambda one: one.path)


def _changed(mirror: Path, since: int, mounted: set[str]) -> Iterator[Written]:
    for entry, path in _walk(mirror):
        about = entry.stat(follow_symlinks=False)
        # Time of change: unlike the time of writing, no program can set it.
        changed = about.st_ctime_ns > since and path not in mounted
        if changed and entry.is_file(follow_symlinks=False):
            yield Written(path, about.st_size)


def compiled(mirror: Path, environment: Path) -> Iterator[str]:
    """Yield the modules that a rerun had to compile, for no more than their names.

    Args:
        mirror: The mirror it ran in; the rerun has ended.
        environment: The environment's folder, free of links.

    Yields:
        Paths relative to the environment's folder.
    """
    upper = layers(mirror) / str(environment).replace("/", "%") / "upper"
    for place, _, files in os.walk(upper):
        folder = Path(place)
        if folder.name == "__pycache__":
            for name in files:
                if name.endswith(".pyc"):
                    yield str(folder.parent.relative_to(upper) / f"{name.partition('.')[0]}.py")


def clear(mirror: Path) -> None:
    """Remove a mirror and what its rerun left, whatever permissions that has."""
    for folder in (mirror, layers(mirror)):
        for place, folders, _ in os.walk(folder):
            for name in folders:
                path = Path(place, name)
                if not path.is_symlink():
                    path.chmod(0o700)
        shutil.rmtree(folder, ignore_errors=True)


def refuse(
    mirror: Path,
    needed: Sequence[str],
    folders: Iterable[str],
    links: Mapping[str, str],
    recorded: Mapping[str, str],
) -> None:
    """Check what a record put into a mirror against what the rerun needs.

    Args:
        mirror: The mirror.
        needed: Places in which nothing may be replaced.
        folders: Places that must stay folders.
        links: Links that the sandbox itself makes in a mirror.
        recorded: Links that the caller made there: what each holds.

    Raises:
        Hostile: When something stands in the way.
    """
    above = {str(parent) for path in (*needed, *folders) for parent in Path(path).parents}
    above.update(folders)
    for entry, path in _walk(mirror):
        if entry.is_symlink():
            held = os.readlink(entry.path)  # noqa: PTH115 - byte for byte
            if links.get(path) == held:
                continue
            if recorded.get(path) == held and path not in above:
                refuse_inside(path, needed)
                continue
        if entry.is_symlink() or not (entry.is_dir() or entry.is_file()):
            raise hostile(path, "is neither a file nor a folder in the mirror")
        if entry.is_file() and entry.stat().st_size:
            refuse_inside(path, needed)
        if entry.is_file() and path in above:
            raise hostile(path, "is a file in the place of a folder that the rerun needs")


def refuse_inside(path: str, needed: Sequence[str]) -> None:
    """Refuse a path that lies in a place in which nothing may be replaced."""
    for place in places(path) | {path}:
        for folder in needed:
            if covers(folder, place):
                raise hostile(path, f"would change {folder}")


@functools.cache
def system() -> list[str]:
    """Return the system's folders, and where they lead."""
    return sorted({place for path in SYSTEM for place in places(path)} - {"/"})


def places(path: str | Path) -> set[str]:
    """Return a path without links among its folders, and where it leads in the end."""
    whole = Path(path).absolute()
    return {str(Path(os.path.realpath(whole.parent), whole.name)), os.path.realpath(whole)}


def covers(folder: str, path: str) -> bool:
    """Say whether a path is a folder or lies in it."""
    return path == folder or path.startswith(folder + "/")


def hostile(path: str, why: str) -> Hostile:
    """Return the error of a path that must not be there."""
    return Hostile(f"The record names the path {path!r}, which {why}.", hint=_HINT)


def _walk(mirror: Path) -> Iterator[tuple[os.DirEntry[str], str]]:
    """Yield each entry of a mirror and the path it stands for; no link is followed."""
    folders = [(str(mirror), "")]
    while folders:
        folder, path = folders.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                here = f"{path}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    folders.append((entry.path, here))
                yield entry, here
