from __future__ import annotations

import gzip
import hashlib
import io
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from py_mlops.data.results import Result, compare
from py_mlops.records import Blob, DataFile, Digest


def digest_of(content: bytes) -> str:
    """Return the name of some bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Recorded:
    """The recorded content of one output."""

    def __init__(self, content: bytes) -> None:
        """Hold some bytes."""
        self.content = content

    def read(self, digest: Digest) -> bytes:
        """Return them by their digest."""
        assert digest == digest_of(self.content)
        return self.content


def compared(recorded: bytes, mirror: Path, path: str = "/p/out", **parts: Any) -> list[Result]:
    """Compare a recorded output with what lies in a mirror."""
    known: dict[str, Any] = {
        "path": path, "requested": "out", "role": "output", "rewritten": False, "cell": 1,
        "observed": "tracer", "process": "", "modified": "", "executable": False,
        "blobs": [Blob(digest=digest_of(recorded), size=len(recorded))],
    }  # fmt: skip
    file = DataFile(**{**known, **parts})
    return compare([file], Recorded(recorded), mirror, lambda name: name[1:])


def zipped(year: int, text: str = "x") -> bytes:
    """Return a zip file with one entry of that year."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(zipfile.ZipInfo("a.txt", (year, 1, 1, 0, 0, 0)), text)
        archive.writestr(zipfile.ZipInfo("docProps/core.xml", (year, 1, 1, 0, 0, 0)), str(year))
    return stream.getvalue()


SVG = b'<svg><dc:date>%s</dc:date><clipPath id="p%s"/><use clip="url(#p%s)"/>%s</svg>'


@pytest.mark.parametrize(
    ("then", "now", "state"),
    [
        (b"a", b"a", "same"),
        (b"a", b"b", "different"),
        (b"", b"a", "different"),
        (gzip.compress(b"a", mtime=1), gzip.compress(b"a", mtime=2), "close"),
        (gzip.compress(b"a", mtime=1), gzip.compress(b"b", mtime=1), "different"),
        (zipped(2001), zipped(2002), "close"),
        (zipped(2001), zipped(2002, "y"), "different"),
        (b"%PDF /CreationDate (D:2001)", b"%PDF /CreationDate (D:2002)", "close"),
        (b"%PDF /CreationDate (D:2001)", b"%PDF /CreationDate (D:2002) ", "different"),
        (
            SVG % (b"1", b"0123456789", b"0123456789", b"x"),
            SVG % (b"2", b"abcdef0123", b"abcdef0123", b"x"),
            "close",
        ),
        (
            SVG % (b"1", b"0123456789", b"0123456789", b"x"),
            SVG % (b"1", b"0123456789", b"0123456789", b"y"),
            "different",
        ),
        (b"\x1f\x8b broken", b"\x1f\x8b broken too", "different"),
        (b"PK\x03\x04 broken", b"PK\x03\x04 broken too", "different"),
    ],
)
def test_what_a_rerun_wrote(tmp_path: Path, then: bytes, now: bytes, state: str) -> None:
    """Content decides; when it was written, and names that a format draws, do not."""
    (tmp_path / "p").mkdir()
    (tmp_path / "p/out").write_bytes(now)
    [result] = compared(then, tmp_path)
    assert (result.state, result.requested) == (state, "out")


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    """What the rerun did not write is missing, and so is what is no file."""
    assert compared(b"a", tmp_path)[0].state == "missing"
    (tmp_path / "p/out").mkdir(parents=True)
    assert compared(b"a", tmp_path)[0].state == "missing"


def test_a_link_that_a_rerun_left_is_not_followed(tmp_path: Path) -> None:
    """Neither a file nor a folder of the host can be read through what the rerun left."""
    secret = tmp_path / "host"
    secret.mkdir()
    (secret / "out").write_bytes(b"secret")
    mirror = tmp_path / "m"
    mirror.mkdir()
    (mirror / "p").symlink_to(secret)
    assert compared(b"secret", mirror)[0].state == "missing"
    (mirror / "p").unlink()
    (mirror / "p").mkdir()
    (mirror / "p/out").symlink_to(secret / "out")
    assert compared(b"secret", mirror)[0].state == "missing"


def test_a_pipe_that_a_rerun_left_blocks_nobody(tmp_path: Path) -> None:
    """A pipe in the place of an output is no file."""
    (tmp_path / "p").mkdir()
    os.mkfifo(tmp_path / "p/out")
    assert compared(b"a", tmp_path)[0].state == "missing"


def test_inputs_and_holes_are_not_compared(tmp_path: Path) -> None:
    """Only outputs whose content is recorded are."""
    assert compared(b"a", tmp_path, role="input") == []
    assert compared(b"a", tmp_path, blobs=[]) == []
