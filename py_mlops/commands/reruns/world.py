"""What a rerun finds: the recorded files, links, names in folders, home, language and time zone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from py_mlops import sandbox
from py_mlops.data import fetched, results
from py_mlops.data.contents import Contents
from py_mlops.data.place import (
    check_space,
    make_executable,
    mirror_layout,
    place,
    write_failures,
)
from py_mlops.data.surroundings import Way, lay_out, link, placeholders, stamp, stamp_folders
from py_mlops.guest.surroundings import NAMES, zone
from py_mlops.progress import Progress, Report
from py_mlops.records import CodeFile, DataFile, History, Snapshot
from py_mlops.store.base import Blobs

_SHELLS = frozenset(["ash", "bash", "dash", "fish", "ksh", "mksh", "sh", "tcsh", "zsh"])
_PROGRAMS = ("/usr/bin", "/bin")
_PACKAGES = frozenset(["site-packages", "dist-packages"])
"""Where a shell is taken from: a record names no program of its own to be run."""


@dataclass(frozen=True)
class World:
    """What was laid out for a rerun.

    Attributes:
        mirror: The folder that stands for the root of the author's machine.
        way: Where recorded paths lead.
        links: Links that were made, each with what it holds.
        apart: Whether the mirror is the rerun's root folder.
    """

    mirror: Path
    way: Way
    links: dict[str, str]
    apart: bool

    def fetched(
        self, snapshot: Snapshot, history: History, blobs: Blobs, folder: Path, python: str
    ) -> Path | None:
        """Lay out what the recorded run's programs downloaded, with stand-ins for them.

        Args:
            snapshot: Whose downloads.
            history: Its executed cells.
            blobs: Where the bytes are.
            folder: A new folder.
            python: The interpreter that runs the stand-ins.

        Returns:
            The folder of the stand-ins; ``None`` when nothing was downloaded.
        """
        with Contents(blobs, snapshot) as contents:
            mine = [file for file in contents.files if not sandbox.is_system(file.path)]
            found = fetched.fetched(mine, snapshot.capture.external, history.cells)
            return fetched.lay_out(found, contents, folder, python, self.place) if found else None

    def place(self, path: str) -> str:
        """Return the path at which the rerun has a recorded one."""
        way = self.way.to(path)
        return way if self.apart else str(self.mirror / mirror_layout(way))

    def results(self, snapshot: Snapshot, blobs: Blobs) -> list[results.Result]:
        """Compare what the rerun wrote with what the recorded run wrote.

        Args:
            snapshot: Whose outputs.
            blobs: Where they are.
        """
        with Contents(blobs, snapshot) as contents:
            mine = [file for file in contents.files if not sandbox.is_system(file.path)]
            return results.compare(
                mine, contents, self.mirror, lambda path: mirror_layout(self.way.to(path))
            )


def lay_out_world(
    snapshot: Snapshot,
    history: History,
    blobs: Blobs,
    mirror: Path,
    *,
    needs: sandbox.Needs,
    isolation: sandbox.Level,
    report: Report,
) -> World:
    """Restore what a snapshot's program found when it ran, below a mirror of the root.

    Files that the recorded run first wrote are not restored, so that a rerun
    cannot read yesterday's result.

    Args:
        snapshot: Whose world.
        history: Its executed cells.
        blobs: Where the bytes are.
        mirror: An empty folder, or none yet.
        needs: Says where nothing of a record may lie.
        isolation: The rerun's level.
        report: Told about progress.

    Raises:
        Hostile: When a recorded path may not be restored.
        Corrupt, Missing: When stored bytes are damaged or gone.
    """
    report(Progress("data", "restoring data and code"))
    isolated = isolation is sandbox.Level.NAMESPACES
    directory = sandbox.inside(mirror, snapshot.program.directory)
    directory.mkdir(parents=True)  # it may be the root
    around = snapshot.surroundings
    refused = needs.refuses
    way = Way(around.links).without(refused, needs.runtime.links if isolated else {})
    wanted: dict[str, DataFile | CodeFile] = {}
    with Contents(blobs, snapshot) as contents:
        recorded: list[DataFile | CodeFile] = [*contents.files, *snapshot.program.modules]
        for file in recorded:
            mirror_layout(file.path)  # before a path is used
            if is_restored(file):
                wanted.setdefault(way.to(file.path), file)
        items = [(mirror_layout(path), digests_of(file)) for path, file in wanted.items()]
        check_space(sum(map(_size, wanted.values())), mirror)
        place(items, contents, mirror, report)
        for (layout, _), file in zip(items, wanted.values(), strict=True):
            if isinstance(file, DataFile):
                stamp(mirror / layout, file.modified)
            if file.executable:
                make_executable(layout, mirror)
    with write_failures(mirror):
        _make_output_folders(contents, history, mirror, way)
        named = placeholders(around.listings, way)
        found = [(path, entry) for path, entry in named if not refused(path)]
        if isolated or os.geteuid() != 0:  # nothing is unreadable for root
            outputs = {way.to(file.path) for file in snapshot.data if file.role == "output"}
            lay_out(mirror, found, outputs)
        links = link(mirror, way, inside=isolated)
        stamp_folders(mirror, found)
    return World(mirror, way, links, isolated)


def is_restored(file: DataFile | CodeFile) -> bool:
    """Say whether a rerun finds a file: all but outputs, holes and the system's own."""
    if isinstance(file, CodeFile):
        return True
    return file.role == "input" and bool(file.blobs) and not sandbox.is_system(file.path)


def digests_of(file: DataFile | CodeFile) -> list[str]:
    """Return the digests of a file's content."""
    blobs = [file.blob] if isinstance(file, CodeFile) else file.blobs
    return [blob.digest for blob in blobs]


def _size(file: DataFile | CodeFile) -> int:
    return sum(blob.size for blob in ([file.blob] if isinstance(file, CodeFile) else file.blobs))


def _make_output_folders(contents: Contents, history: History, mirror: Path, way: Way) -> None:
    """Make the folders that the recorded run wrote into, unless its own code makes them."""
    if any("mkdir" in cell.source or "makedirs" in cell.source for cell in history.cells):
        return
    for file in contents.files:
        if file.role == "output" and not sandbox.is_system(file.path):
            (mirror / mirror_layout(way.to(file.path))).parent.mkdir(parents=True, exist_ok=True)


def home_of(snapshot: Snapshot, refused: Callable[[str], bool]) -> str | None:
    """Return the recorded home folder, where a sandbox can have it; else ``None``."""
    home = snapshot.surroundings.variables.get("HOME", "")
    plain = home.startswith("/") and home != "/" and os.path.normpath(home) == home
    return home if plain and not home.startswith("//") and not refused(home) else None


def variables_of(snapshot: Snapshot) -> dict[str, str]:
    """Return the recorded language, time zone, shell and search path, as environment variables.

    Where the recorded machine had another time zone than this one and no
    variable said so, ``TZ`` says it to the rerun. The shell is this machine's of
    that name: without one, ``!command`` goes to plain ``sh``. Python's search path has
    no folders of packages: those are in the environment.
    """
    around = snapshot.surroundings
    held = {name: value for name, value in around.variables.items() if name in NAMES}
    for name in ("HOME", "USER", "LOGNAME"):
        held.pop(name, None)
    folder, _, shell = held.pop("SHELL", "").rpartition("/")
    ways = _PROGRAMS if folder == "/usr/bin" else _PROGRAMS[::-1]  # its errors begin with it
    if shell in _SHELLS and (found := shutil.which(shell, path=":".join(ways))):
        held["SHELL"] = found
    path = [one for one in held.pop("PYTHONPATH", "").split(":") if one]
    loose = [one for one in path if PurePosixPath(one).name not in _PACKAGES]
    if loose:
        held["PYTHONPATH"] = ":".join(loose)
    if "TZ" not in held and around.zone and around.zone != zone():
        held["TZ"] = around.zone
    return {name: value for name, value in held.items() if "\0" not in value}
