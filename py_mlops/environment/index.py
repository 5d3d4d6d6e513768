"""What the user's package index knows about exact versions: their files and digests."""

from __future__ import annotations

import hashlib
import os
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from packaging.tags import Tag, parse_tag
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from py_mlops.environment import uv
from py_mlops.environment.installed import Installed

_EMPTY = hashlib.sha256(b"").hexdigest()


class File(NamedTuple):
    """A file the index offers.

    Attributes:
        name: Its file name.
        sha256: Hex digest of its bytes.
        wheel: Whether it is a wheel; a source archive otherwise.
    """

    name: str
    sha256: str
    wheel: bool


class Choice(NamedTuple):
    """The file an installation is believed to come from.

    Attributes:
        file: The file.
        sure: Whether it is that very file, by the tags its installer wrote down.
    """

    file: File
    sure: bool


@dataclass(frozen=True)
class Catalogue:
    """An index's answer.

    Attributes:
        files: The files of every version asked for; without an entry when the
            index does not know that version.
        reached: Whether the answer is the index's own, not only that of what
            uv remembers of it.
        places: The URL or path of each file, by its name.
        versions: The version of each package.
    """

    files: Mapping[str, list[File]] = field(default_factory=dict)
    reached: bool = True
    places: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


def pins(distributions: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return name and version of those an index can be asked about: PEP 440 versions."""
    usable = {}
    for name, version in distributions:
        try:
            usable[name] = str(Version(version))
        except InvalidVersion:
            continue
    return usable


def ask(pinned: Mapping[str, str], python: str, *, folder: Path, offline: bool) -> Catalogue:
    """Ask for the files of exact versions.

    uv's resolver stops at the first version it does not find. So it is also
    given a folder with an empty wheel of every version: then it always
    succeeds, and what only has the empty wheel is unknown to the index. One
    run finds them all.

    Args:
        pinned: Normalised version by normalised name.
        python: Path of the interpreter the files must fit.
        folder: Where temporary files may be written.
        offline: Whether to ask only what uv remembers.

    Returns:
        The answer; ``reached`` is false when the index could not be asked.

    Raises:
        EnvironmentFailure: When uv cannot be started.
    """
    if not pinned:
        return Catalogue()
    with tempfile.TemporaryDirectory(
        dir=folder, prefix=".ask-", ignore_cleanup_errors=True
    ) as name:
        work = Path(name)
        stubs = work / "stubs"
        stubs.mkdir()
        for project, version in pinned.items():
            (stubs / f"{project.replace('-', '_')}-{version}-py2.py3-none-any.whl").touch()
        (work / "pins.txt").write_text("".join(f"{n}=={v}\n" for n, v in pinned.items()))
        links = ",".join(filter(None, [str(stubs), os.environ.get("UV_FIND_LINKS", "")]))
        answer = uv.run(
            ["pip", "compile", "--no-deps", "--no-header", "--format", "pylock.toml", "-o",
             "pylock.toml", "--python", python, *(["--offline"] if offline else []), "pins.txt"],
            folder=work,
            settings={"UV_FIND_LINKS": links},
        )  # fmt: skip
        if not answer.ok:
            return Catalogue(reached=False)
        found = read_pylock((work / "pylock.toml").read_bytes(), work)
    return replace(found, reached=not offline)


def read_pylock(pylock: bytes, work: Path) -> Catalogue:
    """Read uv's own pylock, the empty wheels left out.

    Args:
        pylock: Its bytes.
        work: The folder that it was written in, which its paths start from.
    """
    found: dict[str, list[File]] = {}
    places: dict[str, str] = {}
    versions: dict[str, str] = {}
    for package in tomllib.loads(pylock.decode())["packages"]:
        entries = [(entry, True) for entry in package.get("wheels", [])]
        if "sdist" in package:
            entries.append((package["sdist"], False))
        files = []
        for entry, wheel in entries:
            digest = entry.get("hashes", {}).get("sha256", _EMPTY)
            if digest != _EMPTY:
                name = _file_name(entry)
                files.append(File(name, digest, wheel))
                places[name] = entry.get("url") or str(work / entry.get("path", ""))
        if files:
            name = canonicalize_name(package["name"])
            found[name], versions[name] = files, package.get("version", "")
    return Catalogue(found, places=places, versions=versions)


def _file_name(entry: Mapping[str, str]) -> str:
    place = entry.get("name") or entry.get("path") or entry.get("url", "")
    return unquote(place.rpartition("/")[2])


def choose(one: Installed, files: Sequence[File]) -> Choice | None:
    """Pick the file an installation came from.

    The WHEEL file holds the tags of the wheel it lay in. Where they fit none,
    because another tool repacked it or it was compiled here, the best guess is
    a wheel for the same interpreter and ABI, then any wheel, then the source.

    Args:
        one: The installation.
        files: What the index offers for its version; all fit its interpreter.
    """
    wanted = frozenset(tag for text in one.tags for tag in _parse(text))
    ranked = []
    for file in files:
        if not file.wheel:
            ranked.append(((-1, False, file.name), Choice(file, sure=False)))
            continue
        try:
            _, _, build, tags = parse_wheel_filename(file.name)
        except (InvalidWheelFilename, InvalidVersion):
            continue
        if tags == wanted and "".join(map(str, build)) == one.build:
            return Choice(file, sure=True)
        same = {(t.interpreter, t.abi) for t in tags} & {(t.interpreter, t.abi) for t in wanted}
        native = any(tag.platform != "any" for tag in tags)
        ranked.append(((int(bool(same)), native, file.name), Choice(file, sure=False)))
    return max(ranked)[1] if ranked else None


def _parse(text: str) -> frozenset[Tag]:
    try:
        return parse_tag(text)
    except ValueError:
        return frozenset()
