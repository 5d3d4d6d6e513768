from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from py_mlops.commands.transfer.bundle import LISTING, bundle
from py_mlops.commands.transfer.unbundle import unbundle
from py_mlops.commands.upkeep.verify import verify
from py_mlops.errors import Corrupt, InputError, Missing, StoreUnavailable
from py_mlops.records import Snapshot, encode
from py_mlops.workspace import Workspace


def test_the_same_snapshot_gives_the_same_bytes(
    workspace: Workspace, taken: str, tmp_path: Path
) -> None:
    """Two people who bundle a snapshot can compare their files by sha256."""
    first = bundle(workspace, taken, tmp_path / "a.zip").read_bytes()
    assert bundle(workspace, taken, tmp_path / "b.zip").read_bytes() == first


def test_a_bundle_carries_the_snapshot_whole(
    workspace: Workspace, elsewhere: Workspace, taken: str, tmp_path: Path
) -> None:
    """Elsewhere it is the same record, and every byte it stands on is there."""
    path = bundle(workspace, taken, tmp_path / "a.zip")
    assert unbundle(elsewhere, path) == taken
    assert encode(elsewhere.store.get(taken)) == encode(workspace.store.get(taken))
    assert list(verify(elsewhere)) == []
    snapshot = elsewhere.store.get_as(taken, Snapshot)
    assert b"5.1,3.5,0" in elsewhere.store.blobs.read(snapshot.data[0].blobs[0].digest)


def test_sha256sum_checks_an_unpacked_bundle(
    workspace: Workspace, taken: str, tmp_path: Path
) -> None:
    """Nobody needs this product to check one: `sha256sum -c` does, and notices an altered byte."""
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(bundle(workspace, taken, tmp_path / "a.zip")) as archive:
        archive.extractall(folder)
    words = ["sha256sum", "--strict", "-c", LISTING]
    checked = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
    objects = [path for path in folder.glob("objects/*/*") if path.is_file()]
    assert checked.stdout.count(": OK\n") == sum(path.is_file() for path in folder.rglob("*")) - 1
    assert len(objects) > 5
    objects[0].write_bytes(objects[0].read_bytes() + b" ")
    again = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert objects[0].name in again.stdout


def test_a_file_that_exists_is_never_overwritten(
    workspace: Workspace, taken: str, tmp_path: Path
) -> None:
    """What lies there is the person's."""
    (tmp_path / "mine.zip").write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        bundle(workspace, taken, tmp_path / "mine.zip")
    assert (tmp_path / "mine.zip").read_text() == "mine"


def test_a_damaged_object_is_not_bundled(workspace: Workspace, taken: str, tmp_path: Path) -> None:
    """Damage is not handed on; the error names the object and no file is left."""
    digest = workspace.store.get_as(taken, Snapshot).data[0].blobs[0].digest
    path = workspace.store.folder / "objects" / digest[7:9] / digest[7:]
    path.chmod(0o644)
    path.write_bytes(b"X" + path.read_bytes()[1:])
    (tmp_path / "out").mkdir()
    with pytest.raises(Corrupt, match=digest[:19]):
        bundle(workspace, taken, tmp_path / "out" / "a.zip")
    path.unlink()
    with pytest.raises(Missing):
        bundle(workspace, taken, tmp_path / "out" / "a.zip")
    assert list((tmp_path / "out").iterdir()) == []


FULL_DISK = """
import resource, sys
from pathlib import Path
from py_mlops.commands.transfer.bundle import bundle
from py_mlops.errors import StoreUnavailable
from py_mlops.workspace import open_workspace
workspace = open_workspace(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (700, 700))
try:
    bundle(workspace, sys.argv[2], Path(sys.argv[3]))
except StoreUnavailable as error:
    print(error.message)
"""


def test_a_full_disk_leaves_nothing_behind(
    workspace: Workspace, taken: str, tmp_path: Path
) -> None:
    """Neither half a bundle nor a temporary file, and the store is unharmed."""
    target = tmp_path / "out" / "a.zip"
    target.parent.mkdir()
    words = [sys.executable, "-c", FULL_DISK, str(workspace.store.folder), taken, str(target)]
    ended = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "could not be written" in ended.stdout
    assert list(target.parent.iterdir()) == []
    assert list(verify(workspace)) == []


def test_a_folder_that_is_not_there_is_told(
    workspace: Workspace, taken: str, tmp_path: Path
) -> None:
    """A mistyped folder ends in a sentence."""
    with pytest.raises(StoreUnavailable, match="No such file"):
        bundle(workspace, taken, tmp_path / "nowhere" / "a.zip")
    assert not (tmp_path / "nowhere").exists()
