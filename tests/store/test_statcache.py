from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from py_mlops.errors import FileGone
from py_mlops.records import Blob, digest_of
from py_mlops.store import StatCache, ingest
from py_mlops.store.blobs.folder import FolderBlobs


class Counting(FolderBlobs):
    """A folder store that counts how many files it had to read."""

    reads = 0

    def put_file(self, path: Path) -> Blob:
        self.reads += 1
        return super().put_file(path)


@pytest.fixture
def blobs(tmp_path: Path) -> Counting:
    """Return an empty store for blobs."""
    return Counting(tmp_path / "store")


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[StatCache]:
    """Return an empty cache."""
    opened = StatCache(tmp_path / "cache.sqlite")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def old_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Files whose last change is long enough ago to be trusted."""
    paths = [tmp_path_factory.mktemp("old") / "data.csv" for _ in range(20)]
    for path in paths:
        path.write_bytes(b"a,b\n1,2\n")
    time.sleep(2.05)  # the time of a file's change cannot be set by hand
    return iter(paths)


@pytest.fixture
def settled(old_files: Iterator[Path]) -> Path:
    """A file of one's own among them."""
    return next(old_files)


def test_an_unchanged_file_is_read_once(blobs: Counting, cache: StatCache, settled: Path) -> None:
    """A file that did not change is not read again, also by another process's cache."""
    blob = ingest(settled, blobs, cache)
    assert blobs.read(blob.digest) == settled.read_bytes()
    assert [ingest(settled, blobs, cache) for _ in range(3)] == [blob] * 3
    cache.close()
    assert ingest(settled, blobs, StatCache(cache._path)) == blob
    assert blobs.reads == 1


def test_a_changed_file_is_read_again(blobs: Counting, cache: StatCache, settled: Path) -> None:
    """A change is seen though size and modification time were set back."""
    ingest(settled, blobs, cache)
    status = settled.stat()
    settled.write_bytes(b"a,b\n9,9\n")
    os.utime(settled, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert settled.stat().st_mtime_ns == status.st_mtime_ns
    assert blobs.read(ingest(settled, blobs, cache).digest) == b"a,b\n9,9\n"


def test_another_file_in_its_place_is_read(
    blobs: Counting, cache: StatCache, settled: Path
) -> None:
    """A file that took the place of another, of the same size and time, is read."""
    ingest(settled, blobs, cache)
    other = settled.with_name("other.csv")
    other.write_bytes(b"a,b\n7,7\n")
    shutil.copystat(settled, other)
    other.replace(settled)
    assert blobs.read(ingest(settled, blobs, cache).digest) == b"a,b\n7,7\n"


def test_a_file_changed_just_now_is_not_trusted(
    blobs: Counting, cache: StatCache, tmp_path: Path
) -> None:
    """A file written less than two seconds ago could change again unseen, so it is read again."""
    path = tmp_path / "fresh.csv"
    path.write_bytes(b"fresh")
    ingest(path, blobs, cache)
    ingest(path, blobs, cache)
    assert blobs.reads == 2


def test_a_time_in_the_future_is_not_trusted(cache: StatCache, settled: Path) -> None:
    """A modification time that has not come yet proves nothing."""
    os.utime(settled, (2**33, 2**33))
    status = settled.stat()
    cache.remember(settled, status, digest_of(b"x"), status.st_ctime_ns + 10**10)
    assert cache.find(settled, status) is None


def test_a_blob_that_is_gone_is_stored_again(
    blobs: Counting, cache: StatCache, settled: Path
) -> None:
    """The cache is no proof that the store still holds the bytes."""
    blob = ingest(settled, blobs, cache)
    blobs.delete(blob.digest)
    assert ingest(settled, blobs, cache) == blob
    assert blobs.has(blob.digest)


def test_a_truncated_blob_is_stored_again(blobs: Counting, cache: StatCache, settled: Path) -> None:
    """A blob of another size than the file is not taken for the file."""
    blob = ingest(settled, blobs, cache)
    blobs.path(blob.digest).chmod(0o644)
    blobs.path(blob.digest).write_bytes(b"")
    assert ingest(settled, blobs, cache) == blob
    assert blobs.read(blob.digest) == settled.read_bytes()


def test_an_unchanged_file_is_kept_from_the_collector(
    blobs: Counting, cache: StatCache, settled: Path
) -> None:
    """A file found in the cache counts as put just now."""
    blob = ingest(settled, blobs, cache)
    os.utime(blobs.path(blob.digest), (1, 1))
    ingest(settled, blobs, cache)
    assert list(blobs.stale(3600)) == []


def test_a_writer_takes_what_must_be_read(blobs: Counting, cache: StatCache, settled: Path) -> None:
    """Within a batch, files become durable together with everything else of the batch."""
    with blobs.batch() as writer:
        blob = ingest(settled, blobs, cache, writer)
        assert not blobs.has(blob.digest)
    assert blobs.has(blob.digest)


def test_a_file_that_is_gone_is_named(blobs: Counting, cache: StatCache, tmp_path: Path) -> None:
    """A file that is not there is an error that names it."""
    with pytest.raises(FileGone, match=r"gone\.csv"):
        ingest(tmp_path / "gone.csv", blobs, cache)


@pytest.mark.parametrize("damage", ["garbage", "half", "table", "digest", "folder"])
def test_a_damaged_cache_is_only_slower(
    blobs: Counting, cache: StatCache, settled: Path, damage: str
) -> None:
    """Whatever happens to the cache, files are stored rightly and nobody hears of it."""
    blob = ingest(settled, blobs, cache)
    path = cache._path
    if damage == "table":
        cache._open().execute("DROP TABLE file")
        cache._open().execute("CREATE TABLE file (other TEXT)")
    elif damage == "digest":
        cache._open().execute("UPDATE file SET digest = '../../etc/passwd'")
    cache.close()
    if damage == "garbage":
        path.write_bytes(b"no database" * 500)
    elif damage == "half":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 + 100])
    elif damage == "folder":
        path.unlink()
        path.mkdir()
    for _ in range(3):
        assert ingest(settled, blobs, cache) == blob
    assert blobs.reads == (4 if damage == "folder" else 2)


def test_a_name_that_is_no_text_is_stored(
    blobs: Counting, cache: StatCache, tmp_path: Path
) -> None:
    """A file whose name is not UTF-8 is stored like any other."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.csv"))
    path.write_bytes(b"latin")
    assert blobs.read(ingest(path, blobs, cache).digest) == b"latin"
    status = path.stat()
    cache.remember(path, status, digest_of(b"latin"), status.st_ctime_ns + 10**10)
    assert cache.find(path, status) is None
