from __future__ import annotations

from pathlib import Path

import pytest

from py_mlops.guest.tracelog import TraceLog


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return an empty log."""
    path = tmp_path / "log"
    path.touch()
    return path


def append(path: Path, data: bytes) -> None:
    """Append as the tracer does."""
    with path.open("ab") as log:
        log.write(data)


def test_each_record_once(path: Path) -> None:
    """What was read is not read again, and a half record waits for its other half."""
    log = TraceLog(str(path))
    append(path, b"E 1 2 \0L 1 2 80 ::")
    assert list(log.records()) == [[b"E", b"1", b"2", b""]]
    append(path, b"1\0")
    assert list(log.records()) == [[b"L", b"1", b"2", b"80", b"::1"]]
    assert list(log.records()) == []
    assert log.whole


def test_a_path_with_blanks(path: Path) -> None:
    """The last field holds whatever is left of its record."""
    append(path, b"F 1 2 R 3 4 5 6 7 /a b \n c\0")
    [fields] = TraceLog(str(path)).records()
    assert fields[9] == b"/a b \n c"


@pytest.mark.parametrize(
    "data", [b"X\0", b"Q 1 2\0", b"\0", b"F R 1\0", b"E 1 2 \0" + b"x" * 100_000, b"F R\0E 1 2 \0"]
)
def test_what_is_missing(path: Path, data: bytes) -> None:
    """A full log, a torn record and one that nobody knows say that something is missing."""
    append(path, data)
    log = TraceLog(str(path))
    assert [fields[0] for fields in log.records()] in ([], [b"E"])
    assert not log.whole


def test_removed(path: Path) -> None:
    """A log that is gone holds nothing, and is not whole."""
    log = TraceLog(str(path))
    path.unlink()
    assert list(log.records()) == []
    assert not log.whole


@pytest.mark.parametrize("replace", [True, False])
def test_not_the_same(path: Path, replace: bool) -> None:
    """A log that was replaced or cut is not read on."""
    log = TraceLog(str(path))
    append(path, b"E 1 2 \0")
    assert list(log.records())
    if replace:
        path.rename(path.with_name("old"))
    path.write_bytes(b"E 3 4 \0"[: 7 if replace else 3])
    assert list(log.records()) == []
    assert not log.whole
