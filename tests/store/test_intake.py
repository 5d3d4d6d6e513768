from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from py_mlops.errors import FileChanged, FileGone, InputError
from py_mlops.store.blobs.copying import copy_and_hash
from py_mlops.store.blobs.folder import FolderBlobs


def append(path: Path) -> None:
    """Write to the file."""
    with path.open("ab") as file:
        file.write(b"more")


def replace(path: Path) -> None:
    """Put another file of the same size and time in its place, as editors do."""
    status = path.stat()
    draft = path.with_name("draft")
    draft.write_bytes(b"x" * status.st_size)
    os.utime(draft, ns=(status.st_atime_ns, status.st_mtime_ns))
    draft.replace(path)


def rewrite(path: Path) -> None:
    """Change bytes and set the time back."""
    status = path.stat()
    with path.open("r+b") as file:
        file.write(b"x")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("change", [append, replace, rewrite, Path.unlink])
def test_a_file_that_changes_while_it_is_copied_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None]
) -> None:
    """A file written to, replaced or removed during the copy is an error, not a digest."""
    path = tmp_path / "data.csv"
    path.write_bytes(b"a" * 100)
    blobs = FolderBlobs(tmp_path / "store")

    def meanwhile(source: int, target: int, *, durable: bool) -> tuple[str, int]:
        result = copy_and_hash(source, target, durable=durable)
        writer = threading.Thread(target=change, args=(path,))
        writer.start()
        writer.join()
        return result

    monkeypatch.setattr("py_mlops.store.blobs.intake.copy_and_hash", meanwhile)
    with pytest.raises(FileChanged, match=r"data\.csv changed while it was being copied"):
        blobs.put_file(path)
    assert list(blobs) == []
    assert list((tmp_path / "store" / "tmp").iterdir()) == []


def test_a_symbolic_link_is_followed_to_its_file(tmp_path: Path) -> None:
    """What is kept of a link is what the program read through it."""
    (tmp_path / "data.csv").write_bytes(b"data")
    (tmp_path / "link").symlink_to("data.csv")
    blobs = FolderBlobs(tmp_path / "store")
    assert blobs.read(blobs.put_file(tmp_path / "link").digest) == b"data"


@pytest.mark.parametrize("name", ["gone.csv", "data.csv/inside", "dangling"])
def test_a_file_that_is_gone_is_named(tmp_path: Path, name: str) -> None:
    """A file that was deleted since is named in the error."""
    (tmp_path / "data.csv").write_bytes(b"data")
    (tmp_path / "dangling").symlink_to("nowhere")
    with pytest.raises(FileGone, match=name):
        FolderBlobs(tmp_path / "store").put_file(tmp_path / name)


@pytest.mark.parametrize("name", ["nul\0byte", "x" * 300, "loop"])
def test_a_name_that_cannot_be_opened_is_refused(tmp_path: Path, name: str) -> None:
    """A name that no file can have is an input error, whoever made it up."""
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InputError, match="cannot be read"):
        FolderBlobs(tmp_path / "store").put_file(tmp_path / name)
