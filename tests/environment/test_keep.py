from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from py_mlops.environment.build import Built, build
from py_mlops.environment.installed import installed, site_packages
from py_mlops.environment.keep import prepare, working_folder
from py_mlops.environment.lock import lock
from py_mlops.progress import silent
from py_mlops.records import Environment, KeptWheel
from py_mlops.store import Blobs, open_store
from tests.environment.worlds import World, make, project, record, wheel


def kept(environment: Environment) -> dict[str, str]:
    """How each kept wheel came about."""
    return {one.name: one.kept.how for one in environment.distributions if one.kept}


def rebuilt(environment: Environment, lock: bytes, blobs: Blobs, cache: Path) -> Built:
    """Build it again."""
    return build(environment, lock, cache=cache, copy_to=blobs.copy_to, report=silent)


def versions(built: Built) -> dict[str, str]:
    """What is installed in a built environment."""
    folders = list(site_packages(built.python.parent.parent))
    return {one.name: one.version for one in installed(folders)}


def test_what_no_index_has_is_kept(mixed: Any, blobs: Blobs, tmp_path: Path) -> None:
    """Working trees are built, local packages repacked; what cannot be is named and blocks."""
    environment, lock, holes = record(mixed, tmp_path / "cache", blobs)
    assert kept(environment) == {"zz-local": "repacked", "zz-working-tree": "built"}
    blocking = [hole.text for hole in holes if hole.blocking]
    assert len(blocking) == 2
    for name, text in zip(("zz-unheard-of", "zz-unheard-of-too"), blocking, strict=True):
        assert f"No wheel of {name} 3.0 could be kept" in text
    built = versions(rebuilt(environment, lock, blobs, tmp_path / "built"))
    assert {"six", "zz-local", "zz-working-tree", "ipykernel"} <= built.keys()


def test_it_is_made_once(blobs: Blobs, tmp_path: Path) -> None:
    """A second snapshot finds the wheels, in another store too, until a file changes."""
    tree = project(tmp_path / "tree", "zz_mine", "1.0")
    world = make(tmp_path / "world", "-e", tree)
    backend = (tree / "backend.py").read_text()
    counting = f"\nwith open({str(tmp_path / 'runs')!r}, 'a') as runs:\n    runs.write('.')\n"
    (tree / "backend.py").write_text(backend + counting)

    def runs() -> str:
        return (tmp_path / "runs").read_text()

    first = record(world, tmp_path / "cache", blobs)[0]
    once = runs()
    assert record(world, tmp_path / "cache", blobs)[0] == first
    empty = open_store(tmp_path / "empty").blobs
    assert record(world, tmp_path / "cache", empty)[0] == first
    assert runs() == once
    built = versions(rebuilt(first, empty.read(first.lock.digest), empty, tmp_path / "built"))
    assert "zz-mine" in built
    (tree / "note.py").touch()
    record(world, tmp_path / "cache", blobs)
    assert len(runs()) > len(once)


@pytest.fixture
def vaulted(plain: Any, blobs: Blobs, tmp_path: Path) -> tuple[Environment, bytes]:
    """The plain environment with all its wheels."""
    environment, lock, _ = record(plain, tmp_path / "cache", blobs, everything=True)
    return environment, lock


def test_a_vault_needs_no_index(
    vaulted: Any, blobs: Blobs, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The index's own files are kept, ipykernel's too, and with no index all is installed."""
    environment, lock = vaulted
    request.getfixturevalue("unreachable")
    assert kept(environment) == {"idna": "index", "six": "index"}
    assert all(one.kept.blob.digest == f"sha256:{one.sha256}" for one in environment.rerun)
    assert "ipykernel" in {one.name for one in environment.rerun}
    built = rebuilt(environment, lock, blobs, tmp_path / "built")
    everything = {one.name: one.version for one in (*environment.distributions, *environment.rerun)}
    assert versions(built) == everything
    assert "had no ipykernel" in built.notes[0]


def test_what_the_store_has_is_not_fetched_again(
    vaulted: Any, plain: Any, blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second vaulted snapshot of the same packages asks for nothing."""
    monkeypatch.setattr("sys.executable", "/nowhere/python")  # pip would be started by it
    again, _, holes = record(plain, tmp_path / "cache", blobs, everything=True)
    assert again.distributions == vaulted[0].distributions
    assert not [hole for hole in holes if "could not be fetched" in hole.text]


def test_a_wheel_that_is_gone_is_repacked_and_said(
    plain: Any, blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the index's own file cannot be had, the installed files are kept, and that is told."""
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    environment, lock, holes = record(plain, tmp_path / "cache", blobs, everything=True)
    assert kept(environment) == {"idna": "repacked", "six": "repacked"}
    (hole,) = [hole for hole in holes if "own wheel of" in hole.text]
    assert "idna 3.10, six 1.17.0" in hole.text
    built = rebuilt(environment, lock, blobs, tmp_path / "built")
    assert "Packed again from what was installed: idna, six." in built.notes


@pytest.mark.usefixtures("unreachable")
def test_without_an_index_everything_is_kept(plain: Any, blobs: Blobs, tmp_path: Path) -> None:
    """What could not be pinned is in the store, so that no name is ever looked up later."""
    environment, _, _ = record(plain, tmp_path / "cache", blobs)
    assert kept(environment) == {"idna": "repacked", "six": "repacked"}


def test_a_native_package_is_repacked_for_its_platform(blobs: Blobs, tmp_path: Path) -> None:
    """A package with compiled modules keeps the tags of its wheel, and works again."""
    world = make(tmp_path / "world", "markupsafe==3.0.2")
    info = next(world.site.glob("[Mm]arkup[Ss]afe-*.dist-info"))
    gone = '{"url": "file:///gone/markupsafe.whl", "archive_info": {}}'
    (info / "direct_url.json").write_text(gone)
    environment, lock, _ = record(world, tmp_path / "cache", blobs)
    (one,) = environment.distributions
    assert one.source == "local"
    assert isinstance(one.kept, KeptWheel)
    assert "cp311" in one.kept.name
    built = rebuilt(environment, lock, blobs, tmp_path / "built")
    code = "import markupsafe._speedups as s; print(s.__file__)"
    said = subprocess.run([built.python, "-c", code], capture_output=True, text=True, check=True)
    assert str(built.python.parent.parent) in said.stdout


def test_secrets_are_looked_for_in_own_folders_not_in_published_archives(
    tmp_path: Path, blobs: Blobs
) -> None:
    """The texts of a local folder's package are looked through, those of a given wheel are not."""
    mine = project(tmp_path / "mine", "mine", "1.0")
    published = wheel(tmp_path, "published", "1.0", {"published.py": "password = 'h4!Xq'"})
    world: World = make(tmp_path / "world", mine, published)
    locked = lock(world.facts, cache=tmp_path / "cache", report=silent)
    assert {one.source for one in locked.distributions} == {"local"}
    with working_folder(tmp_path / "cache") as folder:
        prepared = prepare(
            locked, world.facts, folder=folder, cache=tmp_path / "cache", have=blobs.touch,
            everything=False, report=silent,
        )  # fmt: skip
        assert prepared.files.keys() == {"mine", "published"}
        texts = dict(prepared.texts())
    assert texts["mine: mine.py"] == b"here = True"
    assert not any(place.startswith("published") for place in texts)
    assert list(blobs) == []
