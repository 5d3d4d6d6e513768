from __future__ import annotations

import functools
import hashlib
import http.server
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from campaigns.conda_channel import FORGE, SITE, VERSION, package, subdir
from py_mlops.environment.conda.archives import Archives, take
from py_mlops.environment.conda.listing import CondaPackage, InstalledPackage, listing
from py_mlops.environment.conda.prefix import Beneath, Unavailable, archives, beneath, unpack
from py_mlops.errors import EnvironmentFailure, Hostile
from py_mlops.progress import silent
from py_mlops.records import Conda, CondaArchive, Environment
from py_mlops.store import Blobs


@pytest.fixture
def channel(tmp_path: Path) -> Path:
    """The folder of a channel."""
    return tmp_path / "channels" / FORGE


def named(path: Path, *, digest: str | None = None) -> CondaPackage:
    """Return how a record names a package's file."""
    real = hashlib.sha256(path.read_bytes()).hexdigest()
    return CondaPackage(
        f"{FORGE}/{path.parent.name}/{path.name}", real if digest is None else digest
    )


@pytest.fixture
def served(channel: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server of channels, named as conda's users name theirs."""
    channel.mkdir(parents=True)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=channel.parent)
    monkeypatch.setattr(http.server.SimpleHTTPRequestHandler, "log_message", lambda *_: None)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    monkeypatch.setenv("CONDA_CHANNEL_ALIAS", f"http://127.0.0.1:{server.server_port}/")
    yield
    server.shutdown()
    thread.join()
    server.server_close()


def no_blob(digest: str, path: Path) -> None:
    """Give nothing: the store has none."""
    raise AssertionError(digest, path)


def built(tmp_path: Path, *files: Path) -> Path:
    """Unpack packages beneath a Python of ours; return the prefix."""
    under = Beneath([named(one) for one in files], [], VERSION)
    folder = tmp_path / "cache" / "prefix"
    folder.mkdir(parents=True)
    unpack(under, files, folder, cache=tmp_path / "cache", report=silent)
    return folder


@pytest.mark.usefixtures("served")
def test_a_recorded_package_comes_from_its_channel(channel: Path, tmp_path: Path) -> None:
    """It is fetched from where the user's channels lie, once, and checked by its digest."""
    made = package(channel / "noarch", "zz", "1.0", {"share/zz": b"1"})
    under = Beneath([named(made)], [], VERSION)
    for _ in range(2):
        (path,) = archives(under, cache=tmp_path, copy_to=no_blob, report=silent)
        assert path.read_bytes() == (made.read_bytes() if made.exists() else path.read_bytes())
        made.unlink(missing_ok=True)


@pytest.mark.usefixtures("served")
def test_a_package_with_other_bytes_is_not_taken(channel: Path, tmp_path: Path) -> None:
    """A channel that gives another file under a released name is told by name."""
    made = package(channel / "noarch", "zz", "1.0", {"share/zz": b"1"})
    for digest in ("0" * 64, "0" * 32):
        under = Beneath([named(made, digest=digest)], [], VERSION)
        with pytest.raises(Unavailable, match=r"zz-1\.0-0\.tar\.bz2 is not the file") as told:
            archives(under, cache=tmp_path, copy_to=no_blob, report=silent)
        assert "package index's own files" in told.value.instead


@pytest.mark.usefixtures("served")
def test_a_package_that_nobody_has_is_told(tmp_path: Path) -> None:
    """The name, what the channel said, and what to do."""
    gone = CondaPackage(f"{FORGE}/noarch/gone-1-0.conda", "0" * 64)
    with pytest.raises(EnvironmentFailure, match=r"gone-1-0\.conda could not.*404") as told:
        take([gone], [], cache=tmp_path, copy_to=no_blob, report=silent)
    assert "--vault" in told.value.hint


def test_what_is_kept_needs_no_channel(channel: Path, blobs: Blobs, tmp_path: Path) -> None:
    """Conda's own files go into the store, and come out of it when the channel is gone."""
    made = package(channel / "noarch", "zz", "1.0", {"share/zz": b"1"})
    conda = Archives([InstalledPackage(named(made), "https://gone.example.org/x", str(made))])
    assert conda.keep(tmp_path / "work", blobs.touch, silent) == []
    record = conda.store(blobs.put_file, blobs.put_bytes)
    assert record is not None
    data = made.read_bytes()
    made.unlink()
    (path,) = take(
        [one.package for one in conda.installed], record.kept,
        cache=tmp_path / "cache", copy_to=blobs.copy_to, report=silent,
    )  # fmt: skip
    assert path.read_bytes() == data
    again = Archives(conda.installed)
    assert (again.keep(tmp_path, blobs.touch, silent), list(again.known)) == (
        [],
        [record.kept[0].place],
    )


def test_what_cannot_be_kept_is_named(channel: Path, blobs: Blobs, tmp_path: Path) -> None:
    """A file that conda no longer has, or that is not what conda noted, is no file."""
    made = package(channel / "noarch", "zz", "1.0", {})
    other = named(made, digest="0" * 64)
    conda = Archives([InstalledPackage(other, "file:///nowhere/zz.conda", str(made))])
    assert conda.keep(tmp_path, blobs.touch, silent) == ["zz 1.0"]


def test_a_prefix_is_as_conda_makes_it(channel: Path, tmp_path: Path) -> None:
    """A package for any Python lies among this one's packages; links lead where they led."""
    ours = package(channel / "noarch", "zz", "1.0", {"site-packages/zz.py": b"V=1"}, noarch=True)
    python = package(channel / subdir(), "python", VERSION, {"lib/a": b"1", "lib/b": "a"})
    folder = built(tmp_path, python, ours)
    assert (folder / SITE / "zz.py").read_bytes() == b"V=1"
    assert (folder / "lib" / "b").read_bytes() == b"1"


def test_a_script_of_a_package_is_told_and_not_run(channel: Path, tmp_path: Path) -> None:
    """What conda would run after linking could be anything."""
    mark = tmp_path / "ran"
    made = package(
        channel / subdir(), "zz", "1", {"bin/.zz-post-link.sh": f"touch {mark}".encode()}
    )
    under = Beneath([named(made)], [], VERSION)
    (tmp_path / "cache").mkdir()
    notes = unpack(under, [made], tmp_path / "cache" / "p", cache=tmp_path / "cache", report=silent)
    assert [note for note in notes if "zz-1-0" in note and "not run" in note]
    assert not mark.exists()


ESCAPES: dict[str, dict[str, Any]] = {
    "up": {"contents": {"../evil": b""}},
    "absolute": {"contents": {"/tmp/evil": b""}},  # noqa: S108 - what must not be written
    "link out": {"contents": {"lib/x": "/etc"}},
    "link up": {"contents": {"lib/x": "../../etc"}},
    "link down and up": {"contents": {"lib/x": "a/../../.."}},
    "beneath a link": {"contents": {"lib/x": "y", "lib/x/evil": b""}},
    "program elsewhere": {
        "contents": {"site-packages/zz.py": b""}, "noarch": True,
        "link": {"noarch": {"type": "python", "entry_points": ["../../evil = zz:main"]}},
    },
    "site elsewhere": {"contents": {}, "index": {"python_site_packages_path": "../../evil"}},
    "another's name": {"contents": {}, "index": {"name": "python"}},
    "name up": {"contents": {}, "index": {"build": "0/../../evil"}},
}  # fmt: skip


@pytest.mark.parametrize("case", ESCAPES)
def test_a_package_that_leads_out_is_refused(case: str, channel: Path, tmp_path: Path) -> None:
    """Somebody else's package writes nothing outside its prefix, and nothing of it is unpacked."""
    made = package(channel / "noarch", "zz", "1", **ESCAPES[case])
    with pytest.raises(Hostile, match=r"zz-1-0\.tar\.bz2"):
        built(tmp_path, made)
    assert not list(tmp_path.rglob("evil"))
    assert not list(tmp_path.rglob("conda-meta"))


def test_two_packages_do_not_lead_out_together(channel: Path, tmp_path: Path) -> None:
    """What one links, another does not fill."""
    first = package(channel / subdir(), "aa", "1", {SITE: "../../share"})
    second = package(channel / "noarch", "zz", "1", {"site-packages/evil": b""}, noarch=True)
    with pytest.raises(Hostile, match="beneath a link"):
        built(tmp_path, first, second)


def test_what_is_no_package_is_refused(channel: Path, tmp_path: Path) -> None:
    """A torn file says so by name."""
    made = package(channel / "noarch", "zz", "1", {"a": b"1"})
    made.write_bytes(made.read_bytes()[:40])
    with pytest.raises(Hostile, match="no conda package"):
        built(tmp_path, made)


def with_conda(recorded: Environment, *packages: CondaPackage) -> tuple[Environment, bytes]:
    """Return an environment that has conda beneath, and the list."""
    data = listing(packages)
    kept: list[CondaArchive] = []
    conda = Conda(packages=recorded.lock, kept=kept)
    return msgspec.structs.replace(recorded, conda=conda), data


def python_of(version: str, platform: str = "") -> CondaPackage:
    """Return conda's package of a Python."""
    return CondaPackage(f"{FORGE}/{platform or subdir()}/python-{version}-0.conda", "0" * 64)


def test_without_rattler_the_index_stands_in(
    recorded: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has not installed the extra is told of it, and reruns all the same."""
    environment, data = with_conda(recorded, python_of(recorded.interpreter.version))
    assert beneath(environment, data)[0] is not None
    monkeypatch.setitem(sys.modules, "rattler", None)
    under, notes = beneath(environment, data)
    assert under is None
    assert "py-mlops[conda]" in notes[0]


def test_packages_of_another_machine_are_not_unpacked(recorded: Environment) -> None:
    """On another kind of machine the index's own files stand in, which is said."""
    environment, data = with_conda(recorded, python_of(recorded.interpreter.version, "osx-arm64"))
    under, notes = beneath(environment, data)
    assert under is None
    assert "osx-arm64" in notes[0]


def test_a_python_that_is_not_the_recorded_one_is_refused(recorded: Environment) -> None:
    """Record and list must speak of the same interpreter."""
    environment, data = with_conda(recorded, python_of("2.7.18"))
    with pytest.raises(Hostile, match="not the one that is recorded"):
        beneath(environment, data)
