"""A conda environment built again: whether it can be, and the building."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from py_mlops.environment.conda.archives import available, rattling, take
from py_mlops.environment.conda.listing import CondaPackage, listing, read_listing, refused
from py_mlops.environment.shelf import CopyTo, conda_shelf
from py_mlops.environment.wheel import check_room
from py_mlops.errors import EnvironmentFailure
from py_mlops.progress import Report
from py_mlops.records import CondaArchive, Environment

EXTRA = "pip install 'py-mlops[conda]'"
_INSTEAD = "the package index's own files of the same versions were taken"


class Beneath(NamedTuple):
    """Recorded conda packages that can be built again here.

    Attributes:
        packages: The packages.
        kept: Their files in the store.
        version: The version of their Python.
    """

    packages: list[CondaPackage]
    kept: list[CondaArchive]
    version: str

    @property
    def key(self) -> bytes:
        """What makes the prefix this one and no other."""
        return listing(self.packages)

    @property
    def site(self) -> str:
        """Where Python's packages are, below the prefix."""
        return f"lib/python{'.'.join(self.version.split('.')[:2])}/site-packages"


def beneath(environment: Environment, data: bytes | None) -> tuple[Beneath | None, list[str]]:
    """Say whether the conda environment of a record can be built again here.

    Args:
        environment: The recorded environment.
        data: The list of its conda packages; hostile until checked.

    Returns:
        The packages, or None; and why not, in plain words.

    Raises:
        Hostile: When the list is no such list, or is not this environment's.
    """
    if environment.conda is None or data is None:
        return None, []
    packages = read_listing(data)
    pythons = [one.version for one in packages if one.name == "python"]
    if not pythons:
        return None, []  # what conda installed beneath was no Python
    if pythons != [environment.interpreter.version]:
        raise refused("their Python is not the one that is recorded")
    if not available():
        return None, [f"Nothing here can unpack conda's packages (`{EXTRA}` can): {_INSTEAD}."]
    here = rattling().platform()
    foreign = sorted({one.subdir for one in packages} - {here, "noarch"})
    if foreign:
        return None, [f"conda's packages are for {foreign[0]}, this machine is {here}: {_INSTEAD}."]
    return Beneath(packages, environment.conda.kept, pythons[0]), []


class Unavailable(EnvironmentFailure):
    """A file of a conda package cannot be had."""

    @property
    def instead(self) -> str:
        """What is installed instead, and why."""
        return f"conda's packages could not be had ({self.message}): {_INSTEAD}."


def archives(under: Beneath, *, cache: Path, copy_to: CopyTo, report: Report) -> list[Path]:
    """Return the files of the packages; see `archives.take`.

    Raises:
        Unavailable: When one cannot be had.
    """
    try:
        return take(under.packages, under.kept, cache=cache, copy_to=copy_to, report=report)
    except EnvironmentFailure as error:
        raise Unavailable(error.message, hint=error.hint) from error


def unpack(
    under: Beneath, files: Sequence[Path], folder: Path, *, cache: Path, report: Report
) -> list[str]:
    """Build the prefix; nothing of it is run.

    Args:
        under: The packages.
        files: Their files.
        folder: The prefix; what is in it goes.
        cache: The cache folder.
        report: Told which package is put there.

    Returns:
        What is otherwise than conda would have made it.

    Raises:
        Hostile: When a package leads out of the prefix.
        EnvironmentFailure: When one does not fit on the disk, or is damaged.
    """
    shutil.rmtree(folder, ignore_errors=True)
    contents = rattling().look(files, under.site)
    check_room("All of conda's packages", contents.size, folder.parent)
    rattling().unpack(files, folder, cache=conda_shelf(cache) / "unpacked", report=report)
    return [
        f"The script that {name} wants to run after it is installed was not run."
        for name in sorted(contents.scripts)
    ]
