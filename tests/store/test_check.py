from __future__ import annotations

from pathlib import Path

import pytest

from py_mlops.errors import Corrupt, Missing, StoreUnavailable
from py_mlops.store.blobs.check import check
from py_mlops.store.blobs.folder import FolderBlobs
from tests.store.samples import digest


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    """Return an empty store of bytes."""
    return FolderBlobs(tmp_path)


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (3 << 20) + 7])
def test_whole_bytes_pass_and_one_altered_byte_does_not(blobs: FolderBlobs, size: int) -> None:
    """Whatever their length, and wherever the altered byte is."""
    blob = blobs.put_bytes(b"x" * size)
    check(blobs, blob.digest)
    path = blobs.path(blob.digest)
    path.chmod(0o644)
    for place in {0, size // 2, size - 1} if size else ():
        path.write_bytes(b"x" * place + b"y" + b"x" * (size - place - 1))
        with pytest.raises(Corrupt, match=blob.digest[:19]):
            check(blobs, blob.digest)
    path.write_bytes(b"x" * (size + 1))
    with pytest.raises(Corrupt):
        check(blobs, blob.digest)


def test_what_is_not_there_is_missing(blobs: FolderBlobs) -> None:
    """Lost bytes are told from altered ones."""
    with pytest.raises(Missing):
        check(blobs, digest("nothing"))


def test_what_the_disk_does_not_give_is_told(blobs: FolderBlobs) -> None:
    """A path that cannot be read is not called altered."""
    path = blobs.path(digest("folder"))
    path.mkdir(parents=True)
    with pytest.raises(StoreUnavailable):
        check(blobs, digest("folder"))
