"""Makes a wheel again of an installed distribution, the same bytes for the same files."""

from __future__ import annotations

import base64
import configparser
import csv
import hashlib
import io
import os
import re
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion

from py_mlops.environment.installed import Installed
from py_mlops.environment.wheel import replaces_python

_EPOCH = (1980, 1, 1, 0, 0, 0)
_CHUNK = 1 << 20
_LEVEL = 4
"""Of compression: torch takes less than half the time of the usual 6, and 4% more room."""
# What the installer wrote: it is not of the wheel, and the next one writes its own.
_INSTALLERS = {"INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_cache.json",
               "uv_build.json", "RECORD.jws", "RECORD.p7s", "installed-files.txt"}  # fmt: skip
_SHEBANG = re.compile(rb"#!\S*python[\d.]*[^\n]*")


class Repacked(NamedTuple):
    """A wheel made of installed files.

    Attributes:
        path: Where it lies.
        altered: Files that are no longer what their installer wrote.
        missing: Files that their installer wrote and that are gone.
    """

    path: Path
    altered: list[str]
    missing: list[str]


class CannotRepack(Exception):  # noqa: N818 - it is a reason, told in a hole
    """An installation does not say which files it is made of."""


class _Member(NamedTuple):
    path: Path
    name: str
    digest: str


def stamp(one: Installed) -> str:
    """Return a digest that changes whenever a file of an installation does; nothing is read.

    Raises:
        CannotRepack: When it does not list its files.
    """
    digest = hashlib.sha256(f"4 {one.name} {one.version}\n".encode())
    for member in _members(one):
        try:
            about = member.path.stat()
            said = f"{about.st_size},{about.st_mtime_ns}"
        except OSError:
            said = "-"
        digest.update(f"{member.path}\0{member.name}\0{said}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def repack(one: Installed, folder: Path, *, tag: str) -> Repacked:
    """Make a wheel of an installed distribution from the list of its files.

    Compiled bytecode and what the installer generated is left out: an install
    of the wheel generates it again. Equal files give equal bytes.

    Args:
        one: The installation.
        folder: Where the wheel is written.
        tag: Its compatibility tag where its metadata has none, as of packages
            that were never a wheel: ``cp38-cp38-linux_x86_64``.

    Raises:
        CannotRepack: When it does not list its files, or its version is none.
        OSError: When a file cannot be read or the wheel not be written.
    """
    members = sorted(_members(one), key=lambda member: member.name)
    tags = sorted(set(one.tags)) or [_tag_of(members, tag)]
    stem = f"{one.name.replace('-', '_')}-{one.version.replace('-', '_')}"
    name = "-".join(filter(None, [stem, one.build, _compressed(tags)])) + ".whl"
    try:
        parse_wheel_filename(name)
    except (InvalidWheelFilename, InvalidVersion) as error:
        raise CannotRepack(f"{name!r} is no wheel's name") from error
    altered, missing, rows = [], [], []
    info = f"{stem}.dist-info"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        for member in members:
            if not member.path.is_file():
                missing.append(member.name)
                continue
            digest, size, plain = _write(archive, member)
            rows.append((member.name, f"sha256={digest}", str(size)))
            if member.digest and plain and member.digest != f"sha256={digest}":
                altered.append(member.name)
        if not any(row[0] == f"{info}/WHEEL" for row in rows):
            pure = str(all(one.endswith("-any") for one in tags)).lower()
            text = f"Wheel-Version: 1.0\nGenerator: py-mlops\nRoot-Is-Purelib: {pure}\n"
            text += "".join(f"Tag: {one}\n" for one in tags)
            archive.writestr(_entry(f"{info}/WHEEL", 0o644), text)
            rows.append((f"{info}/WHEEL", _digest(text.encode()), str(len(text))))
        listing = io.StringIO()
        csv.writer(listing, lineterminator="\n").writerows(
            [*sorted(rows), (f"{info}/RECORD", "", "")]
        )
        archive.writestr(_entry(f"{info}/RECORD", 0o644), listing.getvalue())
    return Repacked(folder / name, altered, missing)


def _members(one: Installed) -> Iterator[_Member]:
    """Iterate over the files of an installation, with their names in a wheel."""
    metadata = one.metadata
    site = metadata.parent
    prefix = site.parent.parent.parent  # lib/python3.11/site-packages
    stem = f"{one.name.replace('-', '_')}-{one.version.replace('-', '_')}"
    generated = _generated(metadata)
    for path, digest in _listed(metadata):
        place = Path(os.path.normpath(site / path))
        if place.suffix == ".pyc" or "__pycache__" in place.parts:
            continue
        if place.is_relative_to(metadata):
            inner = place.relative_to(metadata)
            if inner.name in _INSTALLERS:
                continue
            inner = Path("METADATA") if str(inner) == "PKG-INFO" else inner
            yield _Member(place, f"{stem}.dist-info/{inner.as_posix()}", digest)
        elif place.is_relative_to(site):
            yield _Member(place, place.relative_to(site).as_posix(), digest)
        elif place.parent == prefix / "bin":
            if place.name not in generated and not replaces_python(["scripts", place.name]):
                yield _Member(place, f"{stem}.data/scripts/{place.name}", "")
        elif place.is_relative_to(prefix):
            name = place.relative_to(prefix).as_posix()
            if name != "pyvenv.cfg":
                yield _Member(place, f"{stem}.data/data/{name}", digest)


def _listed(metadata: Path) -> list[tuple[str, str]]:
    """Return the files that an installer listed, relative to the package folder, and digests."""
    try:
        if (metadata / "RECORD").is_file():
            text = (metadata / "RECORD").read_text("utf-8")
            rows = [row for row in csv.reader(text.splitlines()) if row and row[0]]
            return [(row[0], row[1] if len(row) > 1 else "") for row in rows]
        if (metadata / "installed-files.txt").is_file():
            lines = (metadata / "installed-files.txt").read_text("utf-8").splitlines()
            return [(f"{metadata.name}/{line}", "") for line in lines if line]
    except (OSError, ValueError, csv.Error) as error:
        raise CannotRepack(f"the list of its files cannot be read: {error}") from error
    raise CannotRepack("its metadata does not list its files")


def _generated(metadata: Path) -> set[str]:
    """Return the names of the scripts that an installer generates for the entry points."""
    parser = configparser.RawConfigParser(delimiters=("=",), interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    try:
        parser.read_string((metadata / "entry_points.txt").read_text("utf-8"))
    except (OSError, ValueError, configparser.Error):
        return set()
    sections = ("console_scripts", "gui_scripts")
    return {name for part in sections if parser.has_section(part) for name in parser.options(part)}


def _write(archive: zipfile.ZipFile, member: _Member) -> tuple[str, int, bool]:
    """Write one file; return its digest, its size and whether it is as it was installed."""
    mode = 0o755 if member.path.stat().st_mode & stat.S_IXUSR else 0o644
    entry = _entry(member.name, mode)
    found, size = hashlib.sha256(), 0
    with member.path.open("rb") as source, archive.open(entry, "w") as sink:
        first = source.read(_CHUNK)
        script = ".data/scripts/" in member.name
        if script:  # its interpreter is the next environment's
            first = _SHEBANG.sub(b"#!python", first, count=1) if first[:2] == b"#!" else first
        while first:
            found.update(first)
            size += len(first)
            sink.write(first)
            first = source.read(_CHUNK)
    return _encoded(found.digest()), size, not script


def _entry(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = (stat.S_IFREG | mode) << 16
    return entry


def _encoded(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _digest(data: bytes) -> str:
    return f"sha256={_encoded(hashlib.sha256(data).digest())}"


def _tag_of(members: list[_Member], tag: str) -> str:
    """Return the tag of something that was never a wheel."""
    native = any(member.path.suffix == ".so" for member in members)
    return tag if native else "py3-none-any"


def _compressed(tags: list[str]) -> str:
    """Return the compressed tag set of a file name, as PEP 425 has it."""
    split = [tag.split("-", 2) for tag in tags]
    return "-".join(".".join(sorted({part[i] for part in split})) for i in range(3))
