from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from py_mlops.guest.held_back import flush_files


def test_only_files_are_flushed(tmp_path: Path) -> None:
    """What a file holds back is written, and a full pipe is not waited for."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, bytes(4096))
    os.set_blocking(writing, True)
    with (tmp_path / "text").open("w") as text, (tmp_path / "bytes").open("wb") as data:
        pipe = os.fdopen(writing, "w")
        pipe.write("x")
        text.write("é")
        data.write(b"abc")
        flush_files()
        assert [one.read_bytes() for one in (tmp_path / "text", tmp_path / "bytes")] == [
            "é".encode(),
            b"abc",
        ]
    os.close(reading)
    with suppress(BrokenPipeError):
        pipe.close()
