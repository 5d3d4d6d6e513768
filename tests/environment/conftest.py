"""Small real environments: two packages of the index, two of our own, one nobody knows."""

from __future__ import annotations

from pathlib import Path
from socket import socket

import pytest

from py_mlops.environment.conda.archives import Archives
from py_mlops.environment.keep import Prepared
from py_mlops.environment.lock import Locked, lock
from py_mlops.environment.record import to_record
from py_mlops.progress import silent
from py_mlops.records import Environment
from py_mlops.store import Blobs, open_store
from tests.environment.worlds import World, make, project


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
def blobs(tmp_path: Path) -> Blobs:
    """An empty store of bytes."""
    return open_store(tmp_path / "blobs").blobs


@pytest.fixture
def recorded(plain: World, locked: Locked, blobs: Blobs, tmp_path: Path) -> Environment:
    """The record of the plain environment, of which nothing is kept."""
    return to_record(
        plain.facts,
        Prepared(locked, tmp_path / "cache", Archives([])),
        blobs.put_file,
        blobs.put_bytes,
    )


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Point uv at an index that is not there, with nothing remembered."""
    with socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{port}/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
