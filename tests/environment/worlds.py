"""Small real environments, made and recorded as a snapshot does it."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

import py_mlops.guest
from py_mlops.environment import uv
from py_mlops.environment.keep import prepare, working_folder
from py_mlops.environment.lock import lock
from py_mlops.environment.record import to_record
from py_mlops.progress import silent
from py_mlops.records import Distribution, Environment, Hole, KeptWheel
from py_mlops.records.handover import KernelFacts
from py_mlops.store import Blobs

# A build backend that needs no download: one module, one wheel.
_BACKEND = """
import zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name, version = open("NAME").read().split()
    file = f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(f"{folder}/{file}", "w") as wheel:
        wheel.writestr(f"{name}.py", "here = True")
        wheel.writestr(f"{info}/METADATA",
                       f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
        wheel.writestr(f"{info}/WHEEL",
                       "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return file

build_editable = build_wheel
"""


@dataclass(frozen=True)
class World:
    """An environment on disk and what a kernel in it says of itself."""

    folder: Path
    facts: KernelFacts

    @property
    def site(self) -> Path:
        """Its package folder."""
        return next(self.folder.glob("lib/python*/site-packages"))


def make(folder: Path, *arguments: str | Path) -> World:
    """Make an environment, install into it, and ask it for its facts."""
    folder.mkdir(parents=True)
    assert uv.run(["venv", "--quiet", "--python", sys.executable, "env"], folder=folder).ok
    python = folder / "env" / "bin" / "python"
    if arguments:
        answer = uv.run(["pip", "install", "--python", python, *arguments], folder=folder)
        assert answer.ok, answer.error
    return World(folder / "env", ask(python))


def ask(python: Path | str) -> KernelFacts:
    """Let an interpreter run the guest's facts."""
    guest = Path(next(iter(py_mlops.guest.__path__)))
    code = "import json, runpy, sys; print(json.dumps(runpy.run_path(sys.argv[1])['facts']()))"
    said = subprocess.run(
        [python, "-I", "-c", code, guest / "facts.py"], capture_output=True, check=True
    )
    return msgspec.convert(json.loads(said.stdout), KernelFacts)


def project(folder: Path, name: str, version: str) -> Path:
    """Write a project that can be installed without any download."""
    folder.mkdir(parents=True)
    (folder / "backend.py").write_text(_BACKEND)
    (folder / "NAME").write_text(f"{name} {version}")
    (folder / "pyproject.toml").write_text(
        textwrap.dedent(f"""
        [build-system]
        requires = []
        build-backend = "backend"
        backend-path = ["."]
        [project]
        name = "{name}"
        version = "{version}"
        """)
    )
    return folder


def record(
    world: World, cache: Path, blobs: Blobs, *, everything: bool = False, offline: bool = False
) -> tuple[Environment, bytes, list[Hole]]:
    """Record an environment as a snapshot does; return it with its lock and its holes."""
    locked = lock(world.facts, cache=cache, report=silent, offline=offline)
    with working_folder(cache) as folder:
        prepared = prepare(
            locked, world.facts, folder=folder, cache=cache, have=blobs.touch,
            everything=everything, report=silent,
        )  # fmt: skip
        made = to_record(world.facts, prepared, blobs.put_file, blobs.put_bytes)
    return made, locked.pylock, prepared.holes


def wheel(folder: Path, name: str, version: str, files: Mapping[str, str | bytes] = {}) -> Path:
    """Write a wheel of any files, however ill they are meant, with proper metadata."""
    stem = f"{name}-{version}"
    path = folder / f"{stem}-py3-none-any.whl"
    info = {
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [f"{stem}.dist-info/RECORD,,"]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, data in (info | dict(files)).items():
            archive.writestr(file, data)
            found = hashlib.sha256(data.encode() if isinstance(data, str) else data).digest()
            digest = base64.urlsafe_b64encode(found).decode().rstrip("=")
            rows.append(f'"{file}",sha256={digest},{len(data)}')
        archive.writestr(f"{stem}.dist-info/RECORD", "\n".join(rows) + "\n")
    return path


def with_wheel(
    environment: Environment, blobs: Blobs, path: Path, how: Any = "repacked"
) -> Environment:
    """The environment with one more distribution, of which a wheel is kept."""
    name, version = path.name.split("-")[:2]
    kept = KeptWheel(name=path.name, how=how, blob=blobs.put_file(path))
    one = distribution(name.replace("_", "-"), version, "local", kept=kept)
    return msgspec.structs.replace(environment, distributions=[*environment.distributions, one])


def distribution(name: str, version: str, source: Any = "index", **parts: Any) -> Distribution:
    """A distribution of which nothing is kept."""
    fields = {"wheel": None, "sha256": None, "origin": "", "kept": None, "tree": None, "loaded": ""}
    return Distribution(name=name, version=version, source=source, **{**fields, **parts})
