"""A channel of conda packages, made here: this Python, and a package that no index has."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

import rattler

VERSION = ".".join(map(str, sys.version_info[:3]))
SHORT = ".".join(map(str, sys.version_info[:2]))
SITE = f"lib/python{SHORT}/site-packages"
FORGE = "forge"
_LEFT_OUT = {"test", "tests", "idlelib", "tkinter", "site-packages", "__pycache__", "ensurepip",
             "lib2to3", "turtledemo", "pydoc_data", "msilib", "distutils"}  # fmt: skip

Content = bytes | Path | str
"""Bytes, a file, or where a link leads."""


def package(
    folder: Path,
    name: str,
    version: str,
    contents: Mapping[str, Content],
    *,
    noarch: bool = False,
    index: Mapping[str, object] | None = None,
    link: Mapping[str, object] | None = None,
) -> Path:
    """Make a package's file in a channel's folder.

    Args:
        folder: The folder of the platform.
        name: Its name.
        version: Its version.
        contents: What is in it, by path.
        noarch: Whether it is for any Python.
        index: What its ``info/index.json`` says otherwise.
        link: Its ``info/link.json``.
    """
    path = folder / f"{name}-{version}-0.tar.bz2"
    folder.mkdir(parents=True, exist_ok=True)
    said: dict[str, object] = {"name": name, "version": version, "build": "0", "build_number": 0,
                               "depends": [], "subdir": folder.name}  # fmt: skip
    said |= ({"noarch": "python"} if noarch else {}) | dict(index or {})
    paths = []
    with tarfile.open(path, "w:bz2", compresslevel=1) as tar:
        for place, content in contents.items():
            paths.append(_add(tar, place, content))
        info = {"index": said, "paths": {"paths": paths, "paths_version": 1}}
        for kind, value in (info | ({"link": link} if link else {})).items():
            _add(tar, f"info/{kind}.json", json.dumps(value).encode())
        _add(tar, "info/files", "".join(f"{place}\n" for place in contents).encode())
    return path


def _add(tar: tarfile.TarFile, place: str, content: Content) -> dict[str, object]:
    member = tarfile.TarInfo(place)
    if isinstance(content, str):
        member.type, member.linkname = tarfile.SYMTYPE, content
        tar.addfile(member)
        return {"_path": place, "path_type": "softlink"}
    data = content if isinstance(content, bytes) else content.read_bytes()
    member.size, member.mode = len(data), 0o755 if place.startswith("bin/") else 0o644
    tar.addfile(member, io.BytesIO(data))
    return {"_path": place, "path_type": "hardlink", "sha256": hashlib.sha256(data).hexdigest(),
            "size_in_bytes": len(data)}  # fmt: skip


def this_python(folder: Path, work: Path) -> Path:
    """Make a package of the Python that runs the tests, without what no test needs."""
    base = Path(sys.base_prefix)
    real = Path(sys.executable).resolve()
    # As conda's own: it finds its library wherever it lies.
    place = bytes(base / "lib") + b"\0"
    program = real.read_bytes().replace(place, b"$ORIGIN/../lib".ljust(len(place), b"\0"))
    contents: dict[str, Content] = {f"bin/python{SHORT}": program, "bin/python": f"python{SHORT}"}
    for here, folders, files in os.walk(base / "lib" / f"python{SHORT}"):
        left = _LEFT_OUT | {one for one in folders if one.startswith("config-")}
        folders[:] = [one for one in folders if one not in left]
        for file in files:
            path = Path(here, file)
            contents[str(path.relative_to(base))] = _stripped(path, work)
    for path in (base / "lib").glob(f"libpython{SHORT}*.so*"):
        where = str(path.relative_to(base))
        contents[where] = str(path.readlink()) if path.is_symlink() else _stripped(path, work)
    return package(folder, "python", VERSION, contents)


def subdir() -> str:
    """Return this machine's platform, as conda says it."""
    return str(rattler.Subdir.current())


def _stripped(path: Path, work: Path) -> Path:
    """Leave debugging symbols out where that can be done: they are most of it."""
    if ".so" not in path.name or shutil.which("strip") is None:
        return path
    made = work / path.name
    done = subprocess.run(["strip", "-o", made, path], stderr=subprocess.DEVNULL, check=False)
    return made if done.returncode == 0 else path


def install(prefix: Path, *archives: Path, cache: Path) -> None:
    """Install packages as conda does, and note where they came from."""

    async def work() -> None:
        records = [await rattler.RepoDataRecord.from_package_archive(one) for one in archives]
        await rattler.install(records, prefix, cache_dir=cache, show_progress=False)

    asyncio.run(work())
    for one in archives:
        path = prefix / "conda-meta" / f"{one.name.removesuffix('.tar.bz2')}.json"
        said = json.loads(path.read_text())
        said["package_tarball_full_path"] = str(one)
        said["url"] = f"https://conda.example.org/t/to-ken/{FORGE}/{one.parent.name}/{one.name}"
        path.write_text(json.dumps(said))
