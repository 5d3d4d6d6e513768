from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from py_mlops.data.replay import INDEX, gather, is_played_back, lay_out
from py_mlops.errors import InputError, Missing
from py_mlops.records import Blob, digest_of
from py_mlops.records.handover import Handover
from py_mlops.store.blobs.folder import FolderBlobs

Hand = Callable[..., Handover]
KEY = "ab" * 32


def answer(data: bytes, file: str = "1.answer", **parts: Any) -> dict[str, Any]:
    """Return what a kernel says of an answer."""
    return {
        "kind": "http", "source": "https://example.org", "request": "GET https://example.org/a",
        "key": KEY, "occurrence": 0, "cell": 3, "file": file, "size": len(data), "problem": "",
    } | parts  # fmt: skip


def nothing(path: Path) -> Blob:
    """Store nothing: there is nothing to store."""
    pytest.fail(f"stored {path}")


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    """A kernel's tape with two answers."""
    folder = tmp_path / "tape"
    folder.mkdir()
    (folder / "1.answer").write_bytes(b"first")
    (folder / "2.answer").write_bytes(b"second")
    return folder


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    """An empty store of bytes."""
    return FolderBlobs(tmp_path / "store")


def test_answers_travel_through_the_store(
    hand: Hand, tape: Path, blobs: FolderBlobs, tmp_path: Path
) -> None:
    """A rerun is laid out the very bytes that the kernel was told, question by question."""
    said = [answer(b"first"), answer(b"second", "2.answer", occurrence=1)]
    with blobs.batch() as writer:
        answers, holes = gather(hand(tape=str(tape), answers=said), writer.put_file)
    assert holes == []
    lay_out(answers, blobs, tmp_path / "again")
    lines = [json.loads(line) for line in (tmp_path / "again" / INDEX).read_text().splitlines()]
    assert [(line["key"], line["occurrence"]) for line in lines] == [(KEY, 0), (KEY, 1)]
    found = [(tmp_path / "again" / line["file"]).read_bytes() for line in lines]
    assert found == [b"first", b"second"]


def test_an_answer_that_could_not_be_kept_is_a_hole(hand: Hand, tape: Path) -> None:
    """It names the request, the source, the cell and why; someone else is stopped by it."""
    said = answer(b"", "", problem="it is larger than 256 MiB.")
    answers, [hole] = gather(hand(tape=str(tape), answers=[said]), nothing)
    assert answers == []
    assert (hole.kind, hole.cell, hole.blocking) == ("network", 3, True)
    for part in ("GET https://example.org/a", "larger than 256 MiB"):
        assert part in hole.text


def test_many_holes_are_counted(hand: Hand, tape: Path) -> None:
    """A thousand answers that could not be kept do not flood the record."""
    said = [answer(b"", "", problem="why.", occurrence=n) for n in range(1000)]
    _, holes = gather(hand(tape=str(tape), answers=said), nothing)
    assert len(holes) == 21
    assert "980 further answers" in holes[-1].text


@pytest.mark.parametrize("file", ["../secret", "/etc/hostname", "link", "gone"])
def test_a_kernel_cannot_name_files_outside_its_tape(
    hand: Hand, tape: Path, tmp_path: Path, file: str
) -> None:
    """Paths, links and missing files are refused; nothing of them is stored."""
    (tmp_path / "secret").write_bytes(b"secret")
    (tape / "link").symlink_to(tmp_path / "secret")
    said = hand(tape=str(tape), answers=[answer(b"secret", file)])
    with pytest.raises(InputError, match="not what the kernel wrote down"):
        gather(said, nothing)


def test_an_answer_that_was_changed_is_refused(hand: Hand, tape: Path, blobs: FolderBlobs) -> None:
    """Bytes that are not of the noted length are not what the program was told."""
    (tape / "1.answer").write_bytes(b"first, altered")
    said = hand(tape=str(tape), answers=[answer(b"first")])
    with blobs.batch() as writer, pytest.raises(InputError) as refused:
        gather(said, writer.put_file)
    assert "restart the kernel" in refused.value.hint


def test_a_lost_answer_stops_the_rerun(
    hand: Hand, tape: Path, blobs: FolderBlobs, tmp_path: Path
) -> None:
    """A store without an answer's bytes says so before any cell runs."""
    with blobs.batch() as writer:
        [kept], _ = gather(hand(tape=str(tape), answers=[answer(b"first")]), writer.put_file)
    lost = type(kept)(
        kind=kept.kind, source=kept.source, request=kept.request, key=kept.key,
        occurrence=0, cell=3, blob=Blob(digest=digest_of(b"never stored"), size=5),
    )  # fmt: skip
    with pytest.raises(Missing):
        lay_out([lost], blobs, tmp_path / "again")


@pytest.mark.parametrize(
    ("host", "port", "by", "source", "known"),
    [
        ("example.org", 443, "python", "https://example.org", True),
        ("example.org", 80, "python", "https://example.org", False),
        ("example.com", 443, "python", "https://example.org", False),
        ("93.184.216.34", 443, "python", "https://example.org", True),
        ("localhost", 8000, "python", "http://127.0.0.1:8000", True),
        ("example.org", 443, "native", "https://example.org", False),
        ("example.org", 443, "child", "https://example.org", False),
        ("db", 5432, "driver", "postgresql://db:5432/shop", True),
        ("db", 5432, "native", "postgresql://db:5432/shop", False),
        ("db", 5432, "python", "postgresql://db:5432/shop", False),
        ("/run/postgresql/.s.PGSQL.5432", 0, "driver", "postgresql://:5432/shop", True),
        ("/run/postgresql/.s.PGSQL.5432", 0, "driver", "https://example.org", False),
    ],
)
def test_a_connection_whose_answers_are_kept_is_no_hole(
    hand: Hand, host: str, port: int, by: str, source: str, known: bool
) -> None:
    """Only what a recorded client fetched is known: not what native code or a child did."""
    kind = "sql" if source.startswith("postgresql") else "http"
    said = hand(
        answers=[answer(b"", kind=kind, source=source)],
        connections=[{"cell": 3, "host": host, "port": port, "by": by}],
    )
    assert is_played_back(said.connections[0], said.answers) is known
