"""What is installed in the folders of any interpreter, read without starting it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email.parser import HeaderParser
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from packaging.utils import InvalidName, canonicalize_name
from packaging.version import InvalidVersion, Version

from py_mlops.records import Interpreter

OURSELVES = "py-mlops"

_SCHEME = b"2"  # part of every fingerprint: changes when a lock would come out otherwise
Source = Literal["index", "url", "vcs", "local", "editable", "conda"]

_KINDS = (".dist-info", ".egg-info")
_SITES = ("site-packages", "dist-packages")


@dataclass(frozen=True)
class Installed:
    """An installed distribution, as its metadata folder describes it.

    Attributes:
        name: Normalised name (PEP 503).
        version: Normalised version (PEP 440), or as it stands when it is none.
        source: ``index``, unless its metadata says something else; see
            `records.Distribution`.
        origin: The direct URL without credentials; empty otherwise.
        tags: The compatibility tags of the WHEEL file; empty without one.
        build: The wheel's build number; empty when it has none.
        installer: What installed it, ``pip``; empty when unknown.
        metadata: Its metadata folder.
    """

    name: str
    version: str
    source: Source = "index"
    origin: str = ""
    tags: tuple[str, ...] = ()
    build: str = ""
    installer: str = ""
    metadata: Path = field(default=Path(), compare=False)


def installed(search_path: Sequence[str]) -> list[Installed]:
    """Return the distributions in some folders, sorted by name.

    Names and versions are read from the names of the metadata folders, where
    PEP 376 puts them: ten times faster than parsing every METADATA. As on
    import, the first of two with the same name wins; only the working tree of
    an editable install (an ``.egg-info`` beside the code) gives way to the
    metadata its installer wrote. This product itself is left out, and so is
    metadata that says nothing, such as an interrupted uninstall leaves behind.

    Args:
        search_path: An interpreter's ``sys.path``; need not be our own.
    """
    found: dict[str, tuple[Installed, bool]] = {}
    for folder in search_path:
        for entry in _metadata(folder):
            one = _describe(Path(entry.path))
            if one is None or one.name == OURSELVES:
                continue
            proper = entry.name.endswith(_KINDS[0])
            if one.name not in found or (proper and not found[one.name][1]):
                found[one.name] = (one, proper)
    return sorted((one for one, _ in found.values()), key=lambda one: one.name)


def fingerprint(search_path: Sequence[str], interpreter: Interpreter) -> str:
    """Return a short digest that changes whenever an installation does.

    Only names, sizes and times are looked at, no file is read.

    Args:
        search_path: An interpreter's ``sys.path``.
        interpreter: That interpreter.
    """
    digest = hashlib.sha256(_SCHEME)
    for text in (interpreter.implementation, interpreter.version, interpreter.platform):
        digest.update(text.encode() + b"\0")
    for folder in search_path:
        digest.update(folder.encode(errors="surrogateescape") + b"\n")
        for entry in _metadata(folder):
            digest.update(entry.name.encode(errors="surrogateescape"))
            for path in (entry.path, f"{entry.path}/RECORD", f"{entry.path}/direct_url.json"):
                digest.update(_stamp(path))
    return digest.hexdigest()[:32]


def _metadata(folder: str) -> list[os.DirEntry[str]]:
    """List the metadata folders in a folder, in a stable order."""
    try:
        with os.scandir(folder) as entries:
            return sorted(
                (entry for entry in entries if entry.name.endswith(_KINDS)),
                key=lambda entry: entry.name,
            )
    except OSError:  # sys.path holds zip files and folders that do not exist
        return []


def _stamp(path: str) -> bytes:
    try:
        stat = os.stat(path)  # noqa: PTH116 - called 600 times in a row
    except OSError:
        return b"-"
    return f"{stat.st_size},{stat.st_mtime_ns};".encode()


def _describe(path: Path) -> Installed | None:
    """Read one metadata folder (or egg-info file); None when it says nothing usable."""
    try:
        named = _name_and_version(path)
        if named is None:
            return None
        source, origin = _origin(path)
        installer = _text(path / "INSTALLER").strip()
        if installer == "conda":
            # conda notes the folder it built the package in, which is gone.
            source, origin = "conda", ""
        wheel = HeaderParser().parsestr(_text(path / "WHEEL"))
        return Installed(
            name=named[0],
            version=named[1],
            source=source,
            origin=origin,
            tags=tuple(str(tag) for tag in wheel.get_all("Tag", [])),
            build=str(wheel.get("Build", "")),
            installer=installer,
            metadata=path,
        )
    except (OSError, ValueError):
        return None


def _name_and_version(path: Path) -> tuple[str, str] | None:
    if path.suffix == ".dist-info" and (path / "METADATA").is_file():
        name, _, version = path.stem.partition("-")
        try:
            return canonicalize_name(name, validate=True), str(Version(version))
        except (InvalidName, InvalidVersion):
            pass  # an old installer did not escape the name; METADATA knows
    return _headers(path)


def _headers(path: Path) -> tuple[str, str] | None:
    for file in (path / "METADATA", path / "PKG-INFO", path):
        headers = HeaderParser().parsestr(_text(file))
        name, version = headers.get("Name"), headers.get("Version")
        if name and version:
            try:
                version = str(Version(version))
            except InvalidVersion:
                version = version.strip()
            return canonicalize_name(name, validate=True), version
    return None


def _origin(path: Path) -> tuple[Source, str]:
    """Say where a distribution came from, by PEP 610 or by where its metadata lies."""
    if path.suffix == ".egg-info" and path.is_dir() and path.parent.name not in _SITES:
        return "editable", path.parent.as_uri()
    text = _text(path / "direct_url.json")
    if not text:
        return "index", ""
    try:
        record = dict(json.loads(text))
        origin = without_credentials(str(record.get("url", "")))
    except (TypeError, ValueError, RecursionError):  # it is direct, but from where is lost
        return "url", ""
    control, folder = record.get("vcs_info"), record.get("dir_info")
    source: Source = "local" if origin.startswith("file:") else "url"
    if isinstance(control, dict):
        source = "vcs"
        origin = f"{control.get('vcs', 'vcs')}+{origin}@{control.get('commit_id', '')}"
    if record.get("subdirectory"):
        origin += f"#subdirectory={record['subdirectory']}"
    if isinstance(folder, dict) and folder.get("editable") is True:
        source = "editable"
    return source, origin


def packages(count: int) -> str:
    """Return a number of packages in words, ``1 package`` or ``1,024 packages``."""
    return f"{count:,} package" if count == 1 else f"{count:,} packages"


def without_credentials(url: str) -> str:
    """Return a URL without user, password and query, all of which carry secrets.

    Raises:
        ValueError: When it is no URL.
    """
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def site_packages(environment: Path) -> Iterator[str]:
    """Iterate over the package folders of a virtual environment."""
    yield from sorted(map(str, environment.glob("lib/python*/site-packages")))
