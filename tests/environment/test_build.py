from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from py_mlops import sandbox
from py_mlops.environment import pylock
from py_mlops.environment.build import Built, build
from py_mlops.environment.installed import installed, site_packages
from py_mlops.environment.kept import COMPLETE, kept
from py_mlops.environment.lock import Locked
from py_mlops.errors import EnvironmentFailure, Hostile, InterpreterMissing, NotTrusted
from py_mlops.progress import Progress, silent
from py_mlops.records import Environment
from py_mlops.store import Blobs


def versions(built: Built) -> dict[str, str]:
    """What is installed in a built environment."""
    folders = list(site_packages(built.python.parent.parent))
    return {one.name: one.version for one in installed(folders)}


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """An empty cache folder."""
    return tmp_path / "built"


def test_an_environment_is_rebuilt_with_a_kernel(
    recorded: Environment, locked: Locked, cache: Path, blobs: Blobs
) -> None:
    """The recorded versions are installed, ipykernel is added and said, and the kernel starts."""
    built = build(recorded, locked.pylock, cache=cache, copy_to=blobs.copy_to, report=silent)
    assert built.version == recorded.interpreter.version
    found = versions(built)
    assert (found["six"], found["idna"]) == ("1.17.0", "3.10")
    (note,) = built.notes
    assert f"ipykernel; {found['ipykernel']} was added" in note
    code = "import six, idna, ipykernel.kernelapp, sys; print(six.__version__, sys.prefix)"
    said = subprocess.run([built.python, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["1.17.0", str(built.python.parent.parent)]


def test_it_is_built_once_and_rebuilt_when_it_was_interrupted(
    recorded: Environment, locked: Locked, cache: Path, blobs: Blobs
) -> None:
    """A finished environment is taken as it is; one without its marker is made from nothing."""
    first = build(recorded, locked.pylock, cache=cache, copy_to=blobs.copy_to, report=silent)
    folder = first.python.parent.parent
    (folder / "trace").touch()
    said: list[Progress] = []
    assert (
        build(recorded, locked.pylock, cache=cache, copy_to=blobs.copy_to, report=said.append)
        == first
    )
    assert [step.text for step in said] == ["The environment was built before"]
    assert (folder / "trace").exists()
    (folder / COMPLETE).unlink()
    # Never written to: the file may be the very one in uv's cache.
    (next(folder.glob("lib/python*/site-packages")) / "six.py").unlink()
    assert (
        build(recorded, locked.pylock, cache=cache, copy_to=blobs.copy_to, report=silent) == first
    )
    assert not (folder / "trace").exists()
    assert (next(folder.glob("lib/python*/site-packages")) / "six.py").exists()
    assert [one.complete for one in kept(cache)] == [True]


def test_an_environment_whose_python_is_gone_is_rebuilt(
    recorded: Environment, locked: Locked, cache: Path, blobs: Blobs
) -> None:
    """When the interpreter beneath a kept environment was removed, it is built again."""
    first = build(recorded, locked.pylock, cache=cache, copy_to=blobs.copy_to, report=silent)
    first.python.unlink()
    first.python.symlink_to("/nowhere/python")
    again = build(recorded, locked.pylock, cache=cache, copy_to=blobs.copy_to, report=silent)
    assert again == first
    assert again.python.exists()


def test_two_at_once_build_once(
    recorded: Environment, locked: Locked, cache: Path, blobs: Blobs
) -> None:
    """Of two that rebuild at the same time one builds and the other waits for it."""
    said: list[str] = []
    results: list[Built] = []

    def one() -> None:
        results.append(
            build(
                recorded,
                locked.pylock,
                cache=cache,
                copy_to=blobs.copy_to,
                report=lambda step: said.append(step.text),
            )
        )

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results[0] == results[1]
    assert sum(text.startswith("Installing") for text in said) == 1


def test_a_lock_that_tries_something_is_refused_before_anything_happens(
    recorded: Environment, locked: Locked, cache: Path, blobs: Blobs
) -> None:
    """A hostile lock or record installs nothing and leaves nothing."""
    bad = locked.pylock.replace(b'name = "six"', b'name = "-r"')
    with pytest.raises(Hostile):
        build(recorded, bad, cache=cache, copy_to=blobs.copy_to, report=silent)
    interpreter = msgspec.structs.replace(recorded.interpreter, version="3.11.7; rm")
    with pytest.raises(Hostile):
        build(
            msgspec.structs.replace(recorded, interpreter=interpreter),
            locked.pylock, cache=cache, copy_to=blobs.copy_to, report=silent,
        )  # fmt: skip
    assert not cache.exists()


def test_changed_bytes_are_not_installed(
    recorded: Environment, locked: Locked, cache: Path, blobs: Blobs
) -> None:
    """When the index has other bytes than were recorded, the build fails and names the package."""
    idna, six = recorded.distributions
    forged = msgspec.structs.replace(
        recorded, distributions=[idna, msgspec.structs.replace(six, sha256="0" * 64)]
    )
    lock = locked.pylock.replace(str(six.sha256).encode(), b"0" * 64)
    with pytest.raises(EnvironmentFailure, match="six"):
        build(forged, lock, cache=cache, copy_to=blobs.copy_to, report=silent)
    assert kept(cache) == []


def test_compiling_someone_elses_source_needs_a_yes(
    recorded: Environment, locked: Locked, cache: Path, blobs: Blobs
) -> None:
    """A source archive is not compiled unasked, because its build script is a program."""
    idna, six = recorded.distributions
    source = pylock.Entry("six", "1.17.0", "six-1.17.0.tar.gz", "0" * 64, wheel=False)
    entries = [entry for entry in pylock.read(locked.pylock) if entry.name == "idna"]
    environment = msgspec.structs.replace(
        recorded,
        distributions=[idna, msgspec.structs.replace(six, wheel=None, sha256=None)],
    )
    with pytest.raises(NotTrusted, match="six") as caught:
        build(
            environment,
            pylock.write([*entries, source], "3.11.7"),
            cache=cache,
            copy_to=blobs.copy_to,
            report=silent,
        )
    assert "--allow-build" in caught.value.hint
    assert kept(cache) == []


def test_a_missing_python_is_said(
    recorded: Environment, locked: Locked, cache: Path, blobs: Blobs
) -> None:
    """Without a Python of that minor version nothing is built, and the hint says how to get one."""
    interpreter = msgspec.structs.replace(recorded.interpreter, version="3.2.1")
    environment = msgspec.structs.replace(recorded, interpreter=interpreter)
    with pytest.raises(InterpreterMissing) as caught:
        build(environment, locked.pylock, cache=cache, copy_to=blobs.copy_to, report=silent)
    assert "uv python install" in caught.value.hint


def test_another_patch_of_python_is_said(
    recorded: Environment, locked: Locked, cache: Path, blobs: Blobs
) -> None:
    """When only another patch of the same Python is there, it is used and the notes say so."""
    minor = recorded.interpreter.version.rpartition(".")[0]
    interpreter = msgspec.structs.replace(recorded.interpreter, version=f"{minor}.999")
    environment: Any = msgspec.structs.replace(recorded, interpreter=interpreter)
    built = build(environment, locked.pylock, cache=cache, copy_to=blobs.copy_to, report=silent)
    assert built.version.startswith(minor)
    assert f"Python {minor}.999 is not on this machine; {built.version} was taken." in built.notes


def test_a_rerun_that_writes_into_its_packages_reaches_neither_them_nor_uvs_cache(
    recorded: Environment,
    locked: Locked,
    blobs: Blobs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Uv links its cache into environments; what a rerun writes over a module stays the rerun's."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))  # its links are counted below
    built = build(
        recorded, locked.pylock,
        cache=tmp_path / "cache", copy_to=blobs.copy_to, report=silent,
    )  # fmt: skip
    module = next(built.python.parent.parent.glob("lib/python*/site-packages/six.py"))
    before, links = module.read_bytes(), module.stat().st_nlink
    assert links == 2
    mirror = tmp_path / "rerun" / "mirror"
    (mirror / "work").mkdir(parents=True)
    code = "import six; open(six.__file__, 'a').write('altered = 1'); print(six.__file__)"
    if sandbox.available().level is sandbox.Level.COPY:
        sys.stdout.write("not covered: this machine allows no sandbox\n")
        return
    argv = sandbox.command(
        [str(built.python), "-c", code],
        mirror=mirror, directory="/work", level=sandbox.Level.NAMESPACES,
    )  # fmt: skip
    done = subprocess.run(argv, cwd=mirror / "work", capture_output=True, text=True, check=False)
    sandbox.clear(mirror)
    assert done.stdout.strip() == str(module), done.stderr
    assert module.read_bytes() == before
    assert module.stat().st_nlink == links
    assert links > 1 or "UV_LINK_MODE" in os.environ or not same_disk(tmp_path)


def same_disk(folder: Path) -> bool:
    """Say whether uv's cache lies on a folder's disk, so that uv may link."""
    return Path(os.environ["UV_CACHE_DIR"]).stat().st_dev == folder.stat().st_dev
