"""What an index may do to someone who rebuilds an environment, and what comes of it."""

from __future__ import annotations

import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from py_mlops.environment import pylock
from py_mlops.environment.build import Built, build
from py_mlops.environment.installed import installed, site_packages
from py_mlops.environment.kept import kept
from py_mlops.errors import EnvironmentFailure, Hostile, NotTrusted
from py_mlops.progress import silent
from py_mlops.records import Environment
from py_mlops.store import Blobs
from tests.environment.worlds import distribution, project, wheel, with_wheel


class Index:
    """An index of our own: PEP 503 over HTTP, with a page for each package."""

    def __init__(self, folder: Path) -> None:
        """Serve the wheels of a folder."""
        self.folder = folder
        self.asked: list[str] = []
        self.yanked = False
        index = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                index.asked.append(self.path)
                body = index.answer(self.path)
                self.send_response(404 if body is None else 200)
                html = "files" not in self.path
                self.send_header("Content-Type", "text/html" if html else "binary/octet-stream")
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            do_HEAD = do_GET  # noqa: N815 - the name that the server calls

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/simple"

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str) -> bytes | None:
        """Return a file, or the page of a package with the files it has."""
        name = path.rstrip("/").rpartition("/")[2]
        if path.startswith("/files/"):
            file = self.folder / name
            return file.read_bytes() if file.is_file() else None
        mark = ' data-yanked="broken"' if self.yanked else ""
        links = [
            f'<a href="/files/{file.name}"{mark}>{file.name}</a>'
            for file in sorted(self.folder.iterdir())
            if file.name.startswith(name.replace("-", "_") + "-")
        ]
        return f"<html><body>{''.join(links)}</body></html>".encode() if links else None


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """An index, which is the only one uv knows, and nothing remembered."""
    (tmp_path / "files").mkdir()
    served = Index(tmp_path / "files")
    monkeypatch.setenv("UV_DEFAULT_INDEX", served.url)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    for name in ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    yield served
    served.close()


def of(path: Path, recorded: Environment) -> tuple[Environment, bytes]:
    """Return the record and the lock of an environment of one file of the index, and a kernel."""
    name, version = path.name.split("-")[:2]
    version = version.removesuffix(".tar.gz")
    digest, is_wheel = hashlib.sha256(path.read_bytes()).hexdigest(), path.suffix == ".whl"
    entry = pylock.Entry(name.replace("_", "-"), version, path.name, digest, is_wheel)
    parts: dict[str, Any] = {"wheel": path.name, "sha256": digest} if is_wheel else {}
    one = distribution(entry.name, version, **parts)
    return msgspec.structs.replace(recorded, distributions=[one]), pylock.write([entry], "3.11.7")


@pytest.fixture
def rebuild(recorded: Environment, blobs: Blobs, tmp_path: Path) -> Any:
    """Rebuild the environment of one file of the index; its kernel is a wheel in the store."""
    kernel = wheel(tmp_path, "ipykernel", "7.0")

    def rebuilt(path: Path, **options: Any) -> Built:
        environment, lock = of(path, recorded)
        return build(
            with_wheel(environment, blobs, kernel), lock,
            cache=tmp_path / "cache", copy_to=blobs.copy_to, report=silent, **options,
        )  # fmt: skip

    return rebuilt


def names(built: Built) -> list[str]:
    """What is installed in an environment."""
    return [one.name for one in installed(list(site_packages(built.python.parent.parent)))]


def test_a_yanked_wheel_is_still_the_recorded_one(index: Index, rebuild: Any) -> None:
    """What was withdrawn since is installed all the same, by its digest."""
    index.yanked = True
    assert names(rebuild(wheel(index.folder, "zz_mine", "1.0"))) == ["ipykernel", "zz-mine"]


def test_a_swapped_wheel_is_not_installed(
    index: Index, recorded: Environment, blobs: Blobs, tmp_path: Path
) -> None:
    """An index that gives other bytes under the same name is found out, and named."""
    environment, lock = of(wheel(index.folder, "zz_mine", "1.0"), recorded)
    wheel(index.folder, "zz_mine", "1.0", {"zz_mine.py": "import os"})
    environment = with_wheel(environment, blobs, wheel(tmp_path, "ipykernel", "7.0"))
    with pytest.raises(EnvironmentFailure, match="zz-mine") as caught:
        build(environment, lock, cache=tmp_path / "c", copy_to=blobs.copy_to, report=silent)
    assert "other bytes" in caught.value.message
    assert kept(tmp_path / "c") == []


@pytest.mark.parametrize("place", ["scripts/python", "scripts/python3", "data/pyvenv.cfg"])
def test_a_wheel_of_an_index_does_not_become_the_interpreter(
    index: Index, rebuild: Any, tmp_path: Path, place: str
) -> None:
    """Also where uv unpacks it itself, such a wheel is found out before anything is started."""
    evil = wheel(index.folder, "zz_evil", "1.0", {f"zz_evil-1.0.data/{place}": "#!/bin/sh\n"})
    with pytest.raises((Hostile, EnvironmentFailure)):
        rebuild(evil)
    assert kept(tmp_path / "cache") == []


@pytest.mark.parametrize(
    "name",
    ["../../../../../outside", "/outside", "zz_evil-1.0.data/data/../../x"],
)
def test_a_wheel_of_an_index_writes_nothing_outside(
    index: Index, rebuild: Any, tmp_path: Path, name: str
) -> None:
    """Names that lead out of the environment leave nothing there."""
    where = name.replace("/outside", f"{tmp_path}/outside") if name.startswith("/") else name
    evil = wheel(index.folder, "zz_evil", "1.0", {where: "x"})
    try:
        rebuild(evil)
    except (Hostile, EnvironmentFailure):
        assert kept(tmp_path / "cache") == []
    assert not list(tmp_path.rglob("outside"))
    assert not (tmp_path / "cache" / "environments" / "x").exists()


def test_a_name_is_never_looked_up(
    index: Index, recorded: Environment, blobs: Blobs, tmp_path: Path
) -> None:
    """An index is not even asked for a package that the store has, nor for one nobody has."""
    wheel(index.folder, "zz_mine", "1.0", {"zz_mine.py": "stolen = True"})
    wheel(index.folder, "zz_lost", "1.0", {"zz_lost.py": "stolen = True"})
    environment = msgspec.structs.replace(
        recorded, distributions=[distribution("zz-lost", "1.0", "unknown")]
    )
    for name in ("zz_mine", "ipykernel"):
        environment = with_wheel(environment, blobs, wheel(tmp_path, name, "1.0"))
    index.asked.clear()
    built = build(
        environment, pylock.write([], "3.11.7"),
        cache=tmp_path / "cache", copy_to=blobs.copy_to, report=silent,
    )  # fmt: skip
    assert names(built) == ["ipykernel", "zz-mine"]
    assert index.asked == []
    assert "zz-lost 1.0 was left out" in built.notes[0]


def test_a_source_archive_runs_only_on_demand(index: Index, rebuild: Any, tmp_path: Path) -> None:
    """Its build script, which could do anything, does not run unless it is allowed."""
    tree, trace = project(tmp_path / "tree", "zz_source", "1.0"), tmp_path / "trace"
    backend = tree / "backend.py"
    backend.write_text(
        f"import pathlib\npathlib.Path({str(trace)!r}).touch()\n" + backend.read_text()
    )
    path = index.folder / "zz_source-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(tree, "zz_source-1.0")
        data = b"Metadata-Version: 2.1\nName: zz_source\nVersion: 1.0\n"
        entry = tarfile.TarInfo("zz_source-1.0/PKG-INFO")
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    with pytest.raises(NotTrusted, match="zz-source") as caught:
        rebuild(path)
    assert "--allow-build" in caught.value.hint
    assert not trace.exists()
    assert names(rebuild(path, compiling=True)) == ["ipykernel", "zz-source"]
    assert trace.exists()
