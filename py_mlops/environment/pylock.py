"""The lock file: PEP 751 as we write it, and as strictly as we read someone else's."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from typing import NamedTuple

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from py_mlops.errors import Hostile

LARGEST = 16 * 2**20  # bytes; a thousand packages make 300 kB

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]*")


class Entry(NamedTuple):
    """A locked distribution: one file of it.

    Attributes:
        name: Normalised name.
        version: Normalised version.
        file: File name of its wheel or source archive.
        sha256: Hex digest of that file.
        wheel: Whether it is a wheel.
    """

    name: str
    version: str
    file: str
    sha256: str
    wheel: bool

    @property
    def path(self) -> str:
        """Where the file lies beside the lock, if anyone keeps it there."""
        return f"{'wheels' if self.wheel else 'sdists'}/{self.file}"

    @property
    def requirement(self) -> str:
        """The line for a requirements file, without options that others could set."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"


def write(entries: Iterable[Entry], python: str) -> bytes:
    """Return a ``pylock.toml`` of some files, the same bytes for the same entries.

    Files are named by a path beside the lock and by their digest, never by the
    address of an index: whoever has an index, a folder or a vault with these
    bytes can install from it.

    Args:
        entries: What is locked.
        python: The interpreter's version, ``3.11.7``.
    """
    minor = ".".join(python.split(".")[:2])
    lines = [
        'lock-version = "1.0"',
        f'requires-python = "=={minor}.*"',
        'created-by = "py-mlops"',
        "packages = []" if not (ordered := sorted(entries)) else "",
    ]
    for entry in ordered:
        kind = "wheels" if entry.wheel else "sdist"
        file = (
            f'{{ name = "{entry.file}", path = "{entry.path}", '
            f'hashes = {{ sha256 = "{entry.sha256}" }} }}'
        )
        lines += [
            "[[packages]]",
            f'name = "{entry.name}"',
            f'version = "{entry.version}"',
            f"{kind} = [{file}]" if entry.wheel else f"{kind} = {file}",
            "",
        ]
    return ("\n".join(lines).rstrip() + "\n").encode()


def read(data: bytes) -> list[Entry]:
    """Read a lock as `write` writes it, and nothing beyond it.

    Args:
        data: Bytes of a ``pylock.toml``; hostile until they pass. Where they
            name an address, a folder or an option, they do not pass.

    Raises:
        Hostile: When it is no such lock.
    """
    if len(data) > LARGEST:
        raise refused(f"it has {len(data):,} bytes")
    try:
        lock = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise refused("it is no TOML") from error
    packages = lock.get("packages")
    if lock.get("lock-version") != "1.0" or not isinstance(packages, list):
        raise refused("it is no lock of version 1.0")
    entries = [_entry(package) for package in packages]
    if len({entry.name for entry in entries}) != len(entries):
        raise refused("it names a package twice")
    return entries


def _entry(package: object) -> Entry:
    match package:
        case {"name": str(name), "version": str(version), "wheels": [file], **rest} if not rest:
            wheel = True
        case {"name": str(name), "version": str(version), "sdist": file, **rest} if not rest:
            wheel = False
        case _:
            raise refused(f"an entry is not a name, a version and one file: {str(package)[:80]!r}")
    match file:
        case {"name": str(own), "path": str(path), "hashes": {"sha256": str(digest)}, **more}:
            entry = Entry(name, version, own, digest, wheel)
        case _:
            raise refused(f"the file of {name[:80]!r} has no name, path and digest")
    if more or path != entry.path or len(file["hashes"]) != 1:
        raise refused(f"the file of {name[:80]!r} names more than itself")
    check(entry)
    return entry


def check(entry: Entry) -> None:
    """Check that every part of an entry is what it should be and nothing else.

    Raises:
        Hostile: When one could be read as an option, an address or a path.
    """
    if not is_name(entry.name):
        raise refused(f"{entry.name[:80]!r} is no normalised package name")
    if not is_version(entry.version):
        raise refused(f"{entry.version[:80]!r} is no normalised version")
    if not _SHA256.fullmatch(entry.sha256):
        raise refused(f"the digest of {entry.name} is no sha256")
    if not is_file(entry.file):
        raise refused(f"{entry.file[:80]!r} is no plain file name")
    try:
        if entry.wheel:
            name, version, _, _ = parse_wheel_filename(entry.file)
        else:
            name, version = parse_sdist_filename(entry.file)
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion) as error:
        raise refused(f"{entry.file!r} is no distribution's file name") from error
    if (name, version) != (entry.name, Version(entry.version)):
        raise refused(f"{entry.file!r} is no file of {entry.name} {entry.version}")


def is_name(text: str) -> bool:
    """Say whether a text is a normalised package name (PEP 503)."""
    return _NAME.fullmatch(text) is not None


def is_file(text: str) -> bool:
    """Say whether a text is a plain file name, as distributions have."""
    return _FILE.fullmatch(text) is not None


def is_version(text: str) -> bool:
    """Say whether a text is a normalised version (PEP 440)."""
    try:
        return str(Version(text)) == text
    except InvalidVersion:
        return False


def refused(why: str) -> Hostile:
    """Say why a lock of someone else is not used."""
    return Hostile(
        f"The environment's lock is refused: {why}.",
        hint="Ask whoever made the snapshot for it again; nothing was installed.",
    )
