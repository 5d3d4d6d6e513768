from __future__ import annotations

import os
from pathlib import Path

import pytest

from py_mlops.data.place import mirror_layout, place, relative_layout
from py_mlops.errors import Corrupt, Hostile, InputError, Missing, StoreUnavailable
from py_mlops.records import digest_of
from py_mlops.store import Store


@pytest.fixture
def digests(store: Store) -> list[str]:
    """Store two blobs."""
    return [store.blobs.put_bytes(data).digest for data in (b"one", b"two")]


def tree(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_place(store: Store, digests: list[str], tmp_path: Path) -> None:
    """Files come back whole in folders that are made for them; the parts of one are joined."""
    items = [("a/b/one", digests[:1]), ("both", digests), ("empty", [])]
    place(items, store.blobs, tmp_path / "new")
    assert tree(tmp_path / "new") == {"a/b/one": b"one", "both": b"onetwo", "empty": b""}
    assert (tmp_path / "new/both").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    "path", ["/etc/x", "../x", "a/../../x", "a//x", "", ".", "a/.", "x\0y", "a/"]
)
def test_hostile_names(store: Store, digests: list[str], tmp_path: Path, path: str) -> None:
    """A name that could lead out of the folder stops everything before the first byte."""
    with pytest.raises(Hostile):
        place([("fine", digests[:1]), (path, digests[:1])], store.blobs, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("second", ["x", "x/y"])
def test_two_for_one_place(store: Store, digests: list[str], tmp_path: Path, second: str) -> None:
    """Two recorded files that want the same place are refused."""
    with pytest.raises(Hostile):
        place([("x", digests[:1]), (second, digests[1:])], store.blobs, tmp_path / "new")


@pytest.mark.parametrize("way", ["link/x", "a/link/x"])
def test_link_on_the_way(store: Store, digests: list[str], tmp_path: Path, way: str) -> None:
    """A link inside the folder is not followed, wherever it leads."""
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    link = root / way.rpartition("/")[0]
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    with pytest.raises(Hostile):
        place([(way, digests[:1])], store.blobs, root)
    assert tree(outside) == {}


def test_link_at_the_end(store: Store, digests: list[str], tmp_path: Path) -> None:
    """A link in a file's place is not written through, even when overwriting."""
    (tmp_path / "victim").write_text("precious")
    root = tmp_path / "root"
    root.mkdir()
    (root / "x").symlink_to(tmp_path / "victim")
    with pytest.raises(InputError):
        place([("x", digests[:1])], store.blobs, root)
    place([("x", digests[:1])], store.blobs, root, overwrite=True)
    assert (tmp_path / "victim").read_text() == "precious"
    assert tree(root) == {"x": b"one"}


def test_there_already(store: Store, digests: list[str], tmp_path: Path) -> None:
    """The same content is kept, other content is refused unless it may be overwritten."""
    (tmp_path / "x").write_bytes(b"one")
    before = (tmp_path / "x").stat()
    place([("x", digests[:1])], store.blobs, tmp_path)
    assert (tmp_path / "x").stat() == before
    with pytest.raises(InputError, match="x is there already"):
        place([("x", digests[1:])], store.blobs, tmp_path)
    assert tree(tmp_path) == {"x": b"one"}
    place([("x", digests[1:])], store.blobs, tmp_path, overwrite=True)
    assert tree(tmp_path) == {"x": b"two"}


def test_pipe_in_a_files_place(store: Store, digests: list[str], tmp_path: Path) -> None:
    """A pipe in a file's place is refused, and is never waited for."""
    os.mkfifo(tmp_path / "x")
    with pytest.raises(InputError):
        place([("x", digests[:1])], store.blobs, tmp_path)


def test_damaged(store: Store, store_folder: Path, digests: list[str], tmp_path: Path) -> None:
    """Missing or damaged bytes leave nothing behind."""
    with pytest.raises(Missing):
        place([("x", [digest_of(b"never stored")])], store.blobs, tmp_path / "new")
    [stored] = [path for path in store_folder.rglob("*") if path.name in digests[0]
                and path.is_file()]  # fmt: skip
    stored.chmod(0o644)
    stored.write_bytes(b"0ne")
    with pytest.raises(Corrupt):
        place([("x", digests[:1])], store.blobs, tmp_path / "new")
    assert tree(tmp_path / "new") == {}


def test_cannot_be_written(store: Store, digests: list[str], tmp_path: Path) -> None:
    """A name the file system cannot hold is an error that says so."""
    with pytest.raises(StoreUnavailable):
        place([("x" * 300, digests[:1])], store.blobs, tmp_path)
    assert tree(tmp_path) == {}


def test_layouts() -> None:
    """Files of the notebook's folder keep their place in it, others go elsewhere."""
    assert relative_layout("/data/a/data/x", "/data/a") == "data/x"
    assert relative_layout("/data/ab/x", "/data/a") == "elsewhere/data/ab/x"
    assert mirror_layout("/data/a/x") == "data/a/x"


@pytest.mark.parametrize("path", ["x", "/", "/a/../b", "/a/./b", "//a", "/a/", "/a\0b", ""])
def test_hostile_layouts(path: str) -> None:
    """A recorded path that is no plain absolute path is refused."""
    with pytest.raises(Hostile):
        mirror_layout(path)
    with pytest.raises(Hostile):
        relative_layout(path, "/a")
