from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from py_mlops.store.blobs.copying import copy_and_hash

SIZES = [0, 1, (1 << 20) - 1, 4 << 20, (4 << 20) + 1, (13 << 20) + 5]


@contextmanager
def opened(source: Path, target: Path) -> Iterator[tuple[int, int]]:
    """Open a file to copy and a file to copy to."""
    files = os.open(source, os.O_RDONLY), os.open(target, os.O_RDWR | os.O_CREAT)
    yield files
    for file in files:
        os.close(file)


@pytest.mark.parametrize("folder", ["same file system", "another file system"])
@pytest.mark.parametrize("size", SIZES)
def test_the_digest_is_of_the_copy(tmp_path: Path, folder: str, size: int) -> None:
    """Copy and digest are right for any size, within a file system and across two."""
    data = os.urandom(size)
    source = tmp_path / "source"
    if folder == "another file system":
        source = Path("/dev/shm") / f"py-mlops-test-{os.getpid()}"  # noqa: S108 - another device
    source.write_bytes(data)
    try:
        with opened(source, tmp_path / "copy") as files:
            result = copy_and_hash(*files, durable=True)
    finally:
        source.unlink()
    assert result == ("sha256:" + hashlib.sha256(data).hexdigest(), size)
    assert (tmp_path / "copy").read_bytes() == data


def test_files_without_a_size_are_copied(tmp_path: Path) -> None:
    """A file of /proc, which has no size and which the kernel does not copy, is copied."""
    with opened(Path("/proc/self/status"), tmp_path / "copy") as files:
        digest, size = copy_and_hash(*files)
    copied = (tmp_path / "copy").read_bytes()
    assert copied.startswith(b"Name:")
    assert (digest, size) == ("sha256:" + hashlib.sha256(copied).hexdigest(), len(copied))


def test_a_failing_disk_is_reported(tmp_path: Path) -> None:
    """An error while copying a large file is raised, also though another thread is hashing."""
    (tmp_path / "large").write_bytes(b"x" * (40 << 20))
    with opened(tmp_path / "large", tmp_path / "copy") as (source, target):
        reader = os.open(tmp_path / "copy", os.O_RDONLY)
        with pytest.raises(OSError, match="Bad file descriptor"):
            copy_and_hash(source, reader)
        os.close(reader)
        assert os.fstat(target).st_size == 0
