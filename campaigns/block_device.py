"""A disk that remembers each write and flush, so that its power can be cut after any of them.

It is one file in a file system of our own, which a loop device makes a disk of.
A real disk may lose or reorder what was not flushed; so does `Recording.cut`.

Run with ``python -m campaigns.block_device IMAGE LOG FOLDER`` it serves that file.
"""

from __future__ import annotations

import errno
import os
import random
import stat
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SECTOR = 512
"""Bytes of which a disk writes all or none."""

_DISK = "disk"
_HEAD = struct.Struct("<QI")  # where, and how many bytes follow
_FLUSH = (1 << 64) - 1  # no write begins there


def problem() -> str | None:
    """Say why no such disk can be had here, or return None."""
    if os.geteuid() != 0:
        return "mounting needs root"
    try:
        import mfusepy  # noqa: F401, PLC0415 - an OSError where the C library is not there
    except (ImportError, OSError) as error:
        return str(error)
    if not Path("/dev/fuse").exists():
        return "this machine has no /dev/fuse"
    with tempfile.TemporaryDirectory() as name:
        image, folder = Path(name) / "image", Path(name) / "folder"
        folder.mkdir()
        try:
            format_image(image, megabytes=8)
            with mounted(image, folder):
                return None
        except (OSError, subprocess.CalledProcessError) as error:
            return f"this machine mounts no images: {error}"


def format_image(image: Path, megabytes: int = 64) -> None:
    """Make an image with an empty ext4 file system."""
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True, capture_output=True)


@contextmanager
def mounted(image: Path, folder: Path) -> Iterator[None]:
    """Mount an image; what its journal holds is put in place, as after a power cut."""
    subprocess.run(["mount", "-o", "loop", str(image), str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def recorded(image: Path, log: Path, folder: Path) -> Iterator[None]:
    """Mount an image so that all it is given is also written into a log.

    Args:
        image: A formatted image; it goes on being written.
        log: Where to record.
        folder: Where to mount it.
    """
    served = image.parent / "served"
    served.mkdir()
    argv = [sys.executable, "-m", "campaigns.block_device", str(image), str(log), str(served)]
    server = subprocess.Popen(argv, cwd=ROOT)
    try:
        while not (served / _DISK).exists():
            if server.poll() is not None:
                raise RuntimeError("the recording disk ended at once")
            time.sleep(0.02)
        with mounted(served / _DISK, folder):
            yield
    finally:
        subprocess.run(["umount", str(served)], check=False)
        server.wait(timeout=60)
        served.rmdir()


@dataclass(frozen=True)
class Write:
    """Bytes that were written, or a flush of all that were written before.

    Attributes:
        offset: Where in the image, in bytes; nothing counts for a flush.
        data: The bytes, none for a flush.
    """

    offset: int
    data: bytes

    @property
    def flush(self) -> bool:
        """Whether it is a flush."""
        return self.offset == _FLUSH


@dataclass(frozen=True)
class Recording:
    """All that a disk was given.

    Attributes:
        base: The image before.
        writes: Writes and flushes in their order.
    """

    base: Path
    writes: tuple[Write, ...]

    @classmethod
    def read(cls, base: Path, log: Path) -> Recording:
        """Read a recording from a log."""
        raw, at, writes = log.read_bytes(), 0, []
        while at + _HEAD.size <= len(raw):
            offset, size = _HEAD.unpack_from(raw, at)
            at += _HEAD.size + size
            writes.append(Write(offset, raw[at - size : at]))
        return cls(base, tuple(writes))

    @cached_property
    def ends(self) -> list[int]:
        """Where in the log each write ends, in bytes."""
        return list(accumulate(_HEAD.size + len(write.data) for write in self.writes))

    def cut(self, at: int, image: Path, chance: random.Random) -> int:
        """Make the image of a disk whose power was cut after so many writes and flushes.

        What was flushed is there; of the others each is there or not, and the
        last one perhaps only up to one of its sectors.

        Args:
            at: After how many.
            image: The image to write.
            chance: Decides what of the others is there.

        Returns:
            How many writes were lost.
        """
        flushed = max((n for n in range(at) if self.writes[n].flush), default=0)
        lost = 0
        subprocess.run(["cp", "--sparse=always", str(self.base), str(image)], check=True)
        with image.open("r+b") as disk:
            for number, write in enumerate(self.writes[:at]):
                data = write.data
                if number >= flushed and not write.flush:
                    if chance.random() < 0.5:
                        lost += 1
                        continue
                    if number == at - 1:
                        data = data[: SECTOR * chance.randint(0, len(data) // SECTOR)]
                if not write.flush:
                    disk.seek(write.offset)
                    disk.write(data)
        return lost


def _serve(image: Path, log: Path, folder: Path) -> None:
    import mfusepy  # noqa: PLC0415 - see `problem`

    class Disk(mfusepy.Operations):  # type: ignore[misc]  # it has no types
        """A folder with one file."""

        use_ns = True

        def __init__(self) -> None:
            self._image = os.open(image, os.O_RDWR)
            self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

        def getattr(self, path: str, *_: Any) -> dict[str, int]:
            if path == "/":
                return {"st_mode": stat.S_IFDIR | 0o700, "st_nlink": 2}
            if path != f"/{_DISK}":
                raise mfusepy.FuseOSError(errno.ENOENT)
            size = os.fstat(self._image).st_size
            return {"st_mode": stat.S_IFREG | 0o600, "st_nlink": 1, "st_size": size}

        def readdir(self, *_: Any) -> list[str]:
            return [".", "..", _DISK]

        def read(self, _path: str, size: int, offset: int, *_: Any) -> bytes:
            return os.pread(self._image, size, offset)

        def write(self, _path: str, data: bytes, offset: int, *_: Any) -> int:
            os.write(self._log, _HEAD.pack(offset, len(data)) + data)
            return os.pwrite(self._image, data, offset)

        def fsync(self, *_: Any) -> int:
            os.write(self._log, _HEAD.pack(_FLUSH, 0))
            return 0

    mfusepy.FUSE(Disk(), str(folder), foreground=True, nothreads=True)


if __name__ == "__main__":
    _serve(*map(Path, sys.argv[1:]))
