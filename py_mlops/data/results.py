"""Whether a rerun wrote what the recorded run wrote: its output files, laid side by side."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from py_mlops.records import DataFile, Digest

_LARGEST = 64 << 20
_PIECE = 1 << 20
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_WRITTEN_WHEN = ("docProps/core.xml",)
_STAMPS = [
    (re.compile(pattern), by)
    for pattern, by in (
        (rb"/(?:CreationDate|ModDate) ?\([^)]*\)", b"/Date"),
        (rb"<(dc:date|xmp:\w+Date)>[^<]*</\1>", rb"<\1/>"),
    )
]
_SVG_NAME = re.compile(rb'((?:id="|"#|\(#))([A-Za-z]*)[0-9a-f]{10}\b')

State = Literal["same", "close", "different", "missing"]
"""``same`` bit for bit; ``close`` but for the time stamps and names that a format puts in;
``different``; ``missing`` when the rerun left no such file."""


class Reader(Protocol):
    """What is asked of a store of blobs."""

    def read(self, digest: Digest) -> bytes:
        """Return the bytes of that digest."""


@dataclass(frozen=True)
class Result:
    """A file that the recorded run wrote, beside the rerun's.

    Attributes:
        requested: The file as the program names it.
        state: How the two compare.
        digest: What the rerun's holds; empty when it is missing.
    """

    requested: str
    state: State
    digest: str


def compare(
    files: Iterable[DataFile], blobs: Reader, mirror: Path, where: Callable[[str], str]
) -> list[Result]:
    """Compare every output whose content is recorded.

    Args:
        files: The snapshot's files, inputs included.
        blobs: Where the recorded content is.
        mirror: What a rerun has left; hostile, it may hold links that lead out.
        where: Says where below it the file of a recorded path is.

    Returns:
        One result for each, in the order of the record.
    """
    return [
        _compared(file, blobs, mirror, where(file.path))
        for file in files
        if file.role == "output" and len(file.blobs) == 1
    ]


def _compared(file: DataFile, blobs: Reader, mirror: Path, relative: str) -> Result:
    blob = file.blobs[0]
    try:
        digest, found = _read(mirror, relative)
    except OSError:
        return Result(file.requested, "missing", "")
    if digest == blob.digest:
        return Result(file.requested, "same", digest)
    small = found is not None and blob.size <= _LARGEST
    close = small and _plain(blobs.read(blob.digest)) == _plain(found or b"")
    return Result(file.requested, "close" if close else "different", digest)


def _open(mirror: Path, relative: str) -> int:
    """Open a file below a folder; no link on the way is followed."""
    *folders, name = relative.split("/")
    folder = os.open(mirror, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in folders:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            inner = os.open(part, flags, dir_fd=folder)
            os.close(folder)
            folder = inner
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        return os.open(name, flags, dir_fd=folder)
    finally:
        os.close(folder)


def _read(mirror: Path, relative: str) -> tuple[str, bytes | None]:
    """Return digest and, unless it is large, content."""
    descriptor = _open(mirror, relative)
    with os.fdopen(descriptor, "rb") as stream:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError("no regular file")
        digest, kept = hashlib.sha256(), bytearray()
        while piece := stream.read(_PIECE):
            digest.update(piece)
            if found.st_size <= _LARGEST:
                kept += piece
    return f"sha256:{digest.hexdigest()}", bytes(kept) if found.st_size <= _LARGEST else None


def _plain(content: bytes) -> object:
    """Return what a file says, without when it was written."""
    try:
        if content.startswith(_ZIP):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                return {
                    one.filename: (one.file_size, one.CRC)
                    for one in archive.infolist()
                    if one.filename not in _WRITTEN_WHEN
                }
        if content.startswith(_GZIP):
            with gzip.open(io.BytesIO(content)) as stream:
                return stream.read(_LARGEST)
    except (OSError, EOFError, ValueError, struct.error, zipfile.BadZipFile, zlib.error):
        return content
    for pattern, by in _STAMPS:
        content = pattern.sub(by, content)
    return _SVG_NAME.sub(rb"\1\2", content) if b"<svg" in content else content
