"""Looks into a wheel of someone else before anything unpacks it, and at what an install left."""

from __future__ import annotations

import re
import shutil
import stat
import struct
import zipfile
import zlib
from pathlib import Path

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from py_mlops.errors import EnvironmentFailure, Hostile

CONFIGURATION = "pyvenv.cfg"

_RATIO = 1100  # deflate cannot do better than 1032 to 1
_SMALL = 1 << 16
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_PYTHON = re.compile(r"(?:python|pypy)[\d.]*t?(?:\.exe)?", re.IGNORECASE)
_NO_ZIP = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError),
    *(RuntimeError, ValueError, OverflowError),
)


def inspect(path: Path) -> None:
    """Check that a wheel unpacks to nothing but files of its own distribution.

    Args:
        path: The wheel, under its proper file name.

    Raises:
        Hostile: When a name in it leads out of the environment or replaces its
            interpreter, or when it is a bomb or no wheel.
        EnvironmentFailure: When it would not fit on the disk.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except _NO_ZIP as error:
        raise refused(path.name, "it is no zip file") from error
    seen: set[str] = set()
    for entry in entries:
        if entry.orig_filename in seen:
            raise refused(path.name, f"it holds {entry.orig_filename[:80]!r} twice")
        seen.add(entry.orig_filename)
        _check(path.name, entry)
    _check_metadata(path.name, seen)
    check_room(path.name, sum(entry.file_size for entry in entries), path.parent)


def check_room(what: str, size: int, folder: Path) -> None:
    """Check that what is to be unpacked would fit on a folder's disk.

    Args:
        what: What it is, in words.
        size: Its bytes when it is unpacked.
        folder: Where they would go.

    Raises:
        EnvironmentFailure: When it would not.
    """
    free = shutil.disk_usage(folder).free
    if size > free:
        raise EnvironmentFailure(
            f"{what} unpacks to {size:,} bytes, and {free:,} are free in {folder}.",
            hint="Free some space there, then try again; nothing was installed.",
        )


def _check(wheel: str, entry: zipfile.ZipInfo) -> None:
    name, mode = entry.orig_filename, entry.external_attr >> 16
    parts = name.rstrip("/").split("/")
    if not name.isprintable() or "\\" in name or any(p in {"", ".", ".."} for p in parts):
        raise refused(wheel, f"it holds {name[:80]!r}, which leads out of the environment")
    if mode and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or not stat.S_IFMT(mode)):
        raise refused(wheel, f"it holds {name[:80]!r}, which is neither a file nor a folder")
    if entry.compress_type not in _METHODS or entry.flag_bits & 1:
        raise refused(wheel, f"it holds {name[:80]!r}, packed as no wheel is")
    if entry.file_size > _RATIO * max(entry.compress_size, 1) + _SMALL:
        raise refused(
            wheel, f"{name[:80]!r} would unpack to {entry.file_size:,} bytes: that is a bomb"
        )
    if parts[0].endswith(".data") and replaces_python(parts[1:]):
        raise refused(wheel, f"it holds {name[:80]!r}, in the place of the interpreter")


def replaces_python(parts: list[str]) -> bool:
    """Say whether a file of a wheel's data folder would stand for the environment's Python.

    Args:
        parts: Its path below the data folder, beginning with the scheme's key.
    """
    match [part.lower() for part in parts]:
        case ["scripts", script, *_]:
            return _PYTHON.fullmatch(script) is not None
        case ["data", "bin" | "scripts", script, *_]:
            return _PYTHON.fullmatch(script) is not None
        case ["data", file]:
            return file == CONFIGURATION
    return False


def _check_metadata(wheel: str, names: set[str]) -> None:
    """Check that its metadata is of the distribution that its file name says."""
    tops = {name.partition("/")[0] for name in names}
    found = sorted(top for top in tops if top.endswith(".dist-info"))
    try:
        name, version, _, _ = parse_wheel_filename(wheel)
        own, _, number = found[0].removesuffix(".dist-info").partition("-") if found else ("",) * 3
        same = len(found) == 1 and (canonicalize_name(own), Version(number)) == (name, version)
    except (InvalidWheelFilename, InvalidVersion):
        same = False
    if not same or f"{found[0]}/METADATA" not in names or f"{found[0]}/WHEEL" not in names:
        raise refused(wheel, "its metadata is not that of its name")


class Seal:
    """What must be the same in an environment after packages were installed into it."""

    def __init__(self, folder: Path) -> None:
        """Note the interpreter and the configuration of a new environment."""
        self._folder = folder
        self._before = self._state()

    def check(self) -> None:
        """Check that no package replaced the interpreter or its configuration.

        Raises:
            Hostile: When one did; the environment must not be used.
        """
        if self._state() != self._before:
            raise Hostile(
                "A recorded package puts itself in the place of the environment's interpreter.",
                hint="Do not use this snapshot; ask its author where its packages are from. "
                "Nothing of it was run.",
            )

    def _state(self) -> list[tuple[str, str]]:
        state = [(CONFIGURATION, (self._folder / CONFIGURATION).read_text("utf-8", "replace"))]
        state += [
            (path.name, str(path.readlink()) if path.is_symlink() else "file")
            for path in sorted((self._folder / "bin").iterdir())
            if _PYTHON.fullmatch(path.name)
        ]
        return state


def refused(wheel: str, why: str) -> Hostile:
    """Say why a wheel is not installed."""
    return Hostile(
        f"The wheel {wheel[:120]} is refused: {why}.",
        hint="Do not use this snapshot; ask its author how that wheel was made. "
        "Nothing of it was unpacked.",
    )
