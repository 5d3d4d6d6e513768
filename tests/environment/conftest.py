"""Small real environments: two packages of the index, two of our own, one nobody knows."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from socket import socket

import msgspec
import pytest

import py_mlops.guest
from py_mlops.environment import uv
from py_mlops.environment.lock import Locked, lock
from py_mlops.environment.record import to_record
from py_mlops.progress import silent
from py_mlops.records import Blob, Environment
from py_mlops.records.handover import KernelFacts

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


@pytest.fixture(scope="session")
def plain(home: Path) -> World:
    """An environment of two packages that the index has."""
    return make(home / "plain", "six==1.17.0", "idna==3.10")


@pytest.fixture(scope="session")
def mixed(home: Path) -> World:
    """An environment with an editable, a local and an unheard-of package beside six."""
    world = make(
        home / "mixed", "six==1.17.0",
        "-e", project(home / "work" / "tree", "zz_working_tree", "0.1"),
        project(home / "work" / "local", "zz_local", "0.2"),
    )  # fmt: skip
    for name in ("zz_unheard_of", "zz_unheard_of_too"):
        info = world.site / f"{name}-3.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 3.0\n")
    return world


@pytest.fixture
def bare(tmp_path: Path) -> World:
    """An environment with nothing in it."""
    return make(tmp_path / "bare")


@pytest.fixture
def locked(plain: World, tmp_path: Path) -> Locked:
    """The lock of the plain environment."""
    return lock(plain.facts, cache=tmp_path / "cache", report=silent)


@pytest.fixture
def recorded(plain: World, locked: Locked) -> Environment:
    """The record of the plain environment."""
    return to_record(plain.facts, locked, Blob(digest="sha256:" + "0" * 64, size=1))


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Point uv at an index that is not there, with nothing remembered."""
    with socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{port}/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
