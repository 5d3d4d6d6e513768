from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from py_mlops.errors import Missing, StoreUnavailable
from py_mlops.store.blobs.folder import FolderBlobs
from tests.store.contract import BlobsContract
from tests.store.samples import digest


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    """Return an empty store for blobs."""
    return FolderBlobs(tmp_path / "store")


@pytest.fixture
def damage(blobs: FolderBlobs) -> Callable[[str, bytes], None]:
    """Return a function that overwrites a blob."""

    def write(name: str, data: bytes) -> None:
        blobs.path(name).chmod(0o644)
        blobs.path(name).write_bytes(data)

    return write


class TestFolderKeepsTheContract(BlobsContract):
    pass


def files(folder: Path) -> list[str]:
    """Return every file beneath a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_blob_is_a_read_only_file_named_by_its_digest(blobs: FolderBlobs, tmp_path: Path) -> None:
    """An auditor finds a blob by its sha256 and can check it with `sha256sum` alone."""
    name = blobs.put_bytes(b"data").digest.removeprefix("sha256:")
    path = tmp_path / "store" / "objects" / name[:2] / name
    assert files(tmp_path / "store") == [f"objects/{name[:2]}/{name}"]
    assert stat.S_IMODE(path.stat().st_mode) & 0o222 == 0
    printed = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True)
    assert printed.stdout.split()[0] == name


def test_reading_makes_no_folders(blobs: FolderBlobs, tmp_path: Path) -> None:
    """Looking into a store that is not there leaves nothing behind."""
    assert list(blobs) == []
    assert not blobs.has(digest(1))
    assert blobs.sweep_tmp(0) == []
    with pytest.raises(Missing):
        blobs.read(digest(1))
    assert list(tmp_path.iterdir()) == []


def test_a_lost_folder_is_made_again(blobs: FolderBlobs, tmp_path: Path) -> None:
    """A store from a backup that dropped empty folders can be written to."""
    kept = blobs.put_bytes(b"kept")
    for folder in (tmp_path / "store" / "objects").iterdir():
        if not any(folder.iterdir()):
            folder.rmdir()
    (tmp_path / "store" / "tmp").rmdir()
    again = FolderBlobs(tmp_path / "store")
    assert {again.put_bytes(b"%d" % n) for n in range(20)} | {kept} == set(again)


def test_the_users_file_is_never_linked(blobs: FolderBlobs, tmp_path: Path) -> None:
    """Neither taking in nor restoring makes a hard link between the user's file and the store."""
    (tmp_path / "mine").write_bytes(b"data")
    blob = blobs.put_file(tmp_path / "mine")
    blobs.copy_to(blob.digest, tmp_path / "back")
    for path in (tmp_path / "mine", tmp_path / "back", blobs.path(blob.digest)):
        assert path.stat().st_nlink == 1
    assert os.access(tmp_path / "back", os.W_OK)


def test_storing_again_renews_the_grace(blobs: FolderBlobs) -> None:
    """An old blob that is put again counts as young for the garbage collector."""
    blob = blobs.put_bytes(b"old")
    os.utime(blobs.path(blob.digest), (1, 1))
    assert list(blobs.stale(3600)) == [blob]
    blobs.put_bytes(b"old")
    assert list(blobs.stale(3600)) == []


def test_strangers_in_the_folder_are_not_blobs(blobs: FolderBlobs, tmp_path: Path) -> None:
    """Files that others put among the objects are neither listed nor collected."""
    blob = blobs.put_bytes(b"data")
    folder = tmp_path / "store" / "objects" / "ab"
    for name in ("README", "a" * 64, "ab" + "G" * 62):
        (folder / name).write_text("not ours")
    assert list(blobs) == [blob]


def test_only_old_drafts_are_swept(blobs: FolderBlobs, tmp_path: Path) -> None:
    """What an interrupted writer left is removed after the grace, a running writer's is not."""
    blobs.put_bytes(b"data")
    old, young = tmp_path / "store/tmp/1-old.tmp", tmp_path / "store/tmp/2-young.tmp"
    old.write_bytes(b"half")
    young.write_bytes(b"half")
    os.utime(old, (1, 1))
    assert blobs.sweep_tmp(3600, dry_run=True) == [old.name]
    assert blobs.sweep_tmp(3600) == [old.name]
    assert [path.name for path in old.parent.iterdir()] == [young.name]


def test_the_collector_waits_for_a_writer(blobs: FolderBlobs, tmp_path: Path) -> None:
    """Removing a blob and keeping it exclude each other between processes."""
    blob = blobs.put_bytes(b"data")
    script = (
        "import fcntl, os, sys, time\n"
        "folder = os.open(sys.argv[1], os.O_RDONLY)\n"
        "fcntl.flock(folder, fcntl.LOCK_SH)\n"
        "print('locked', flush=True)\n"
        "sys.stdin.readline()\n"
        "os.utime(sys.argv[2])\n"
    )
    os.utime(blobs.path(blob.digest), (1, 1))
    objects = tmp_path / "store" / "objects"
    with subprocess.Popen(
        [sys.executable, "-c", script, objects, blobs.path(blob.digest)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        assert writer.stdout.readline() == "locked\n"
        collector = os.fork()
        if collector == 0:
            os._exit(int(blobs.delete(blob.digest, idle=3600)))
        time.sleep(0.2)
        writer.stdin.write("go\n")
        writer.stdin.close()
    _, status = os.waitpid(collector, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert blobs.read(blob.digest) == b"data"


@pytest.fixture
def small_disk() -> Iterator[Callable[[], None]]:
    """Return a function after which no file may grow past 64 KiB, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, limits[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_leaves_nothing_half_written(
    blobs: FolderBlobs, tmp_path: Path, small_disk: Callable[[], None]
) -> None:
    """When the disk is full, the error says so, and neither blob, draft nor copy is left."""
    kept = blobs.put_bytes(b"kept")
    large = blobs.put_bytes(b"l" * (1 << 20))
    (tmp_path / "large").write_bytes(os.urandom(1 << 20))
    before = files(tmp_path)
    small_disk()
    works: list[Callable[[], object]] = [
        lambda: blobs.put_file(tmp_path / "large"),
        lambda: blobs.put_bytes(os.urandom(1 << 20)),
        lambda: blobs.copy_to(large.digest, tmp_path / "back"),
    ]
    for work in works:
        with pytest.raises(StoreUnavailable, match="File too large") as caught:
            work()
        assert "Free some space" in caught.value.hint
    assert files(tmp_path) == before
    assert blobs.read(kept.digest) == b"kept"


def test_a_store_that_cannot_be_written_says_so() -> None:
    """A folder that may not be made, as on a read-only disk, is an error with a way out."""
    blobs = FolderBlobs(Path("/proc/self/fdinfo/store"))  # not even root may write here
    works: list[Callable[[], object]] = [
        lambda: blobs.put_bytes(b"x"),
        lambda: blobs.put_file(Path(__file__)),
    ]
    for work in works:
        with pytest.raises(StoreUnavailable, match="Writing to the store failed") as caught:
            work()
        assert "MLOPS_STORE" in caught.value.hint or "Check the folder" in caught.value.hint


def test_a_read_only_folder_can_still_be_read() -> None:
    """On a read-only folder reading works and writing is refused with a way out."""
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from py_mlops.errors import StoreUnavailable\n"
        "from py_mlops.store.blobs.folder import FolderBlobs\n"
        "if os.getuid() == 0: os.setuid(65534)\n"  # root may write anywhere
        "blobs = FolderBlobs(Path(sys.argv[1]))\n"
        "assert blobs.read(sys.argv[2]) == b'data'\n"
        "try: blobs.put_bytes(b'more')\n"
        "except StoreUnavailable as error: print(error)\n"
    )
    # Not in tmp_path, whose parents only its owner may enter.
    with tempfile.TemporaryDirectory() as name:
        blob = FolderBlobs(Path(name)).put_bytes(b"data")
        folders = [Path(name), *Path(name).rglob("*/")]
        for folder in folders:
            folder.chmod(0o555)
        ran = subprocess.run(
            [sys.executable, "-c", script, name, blob.digest],
            capture_output=True,
            text=True,
            check=False,
        )
        for folder in folders:
            folder.chmod(0o755)
    assert ran.stderr == ""
    assert "Writing to the store failed: Permission denied" in ran.stdout
    assert "set MLOPS_STORE to a folder you may write" in ran.stdout
