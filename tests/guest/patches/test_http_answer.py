from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from py_mlops.guest.patches.http_answer import Answer, Kept, Question
from py_mlops.guest.patches.tape import Tape, Unrecorded
from tests.webserver import index

URL = "https://ada:PLANTED@host.example:8443/p?token=PLANTED&q=1"


def ask(
    headers: list[tuple[str, str]] | None = None, body: bytes = b"", **changed: str
) -> Question:
    """Ask a question."""
    asked = {"client": "test", "method": "POST", "url": URL, **changed}
    question = Question(headers=headers or [], **asked)
    question.body(body)
    return question


def record(folder: Path) -> Answer:
    """Begin to record an answer on a new tape."""
    return ask().record(Tape(str(folder), "record"))


def replay(folder: Path) -> Kept:
    """Get the answer back."""
    kept = ask().replay(Tape(str(folder), "replay"))
    assert kept is not None
    return kept


def test_a_question_is_shown_without_credentials(tmp_path: Path) -> None:
    """Source and request say what was asked, and not by whom."""
    record(tmp_path).whole()
    (line,) = index(tmp_path)
    assert line["source"] == "https://host.example:8443"
    assert line["request"] == "POST https://host.example:8443/p?token=***&q=1"


@pytest.mark.parametrize(
    ("question", "equal"),
    [
        (ask([("Authorization", "Bearer other")]), True),
        (ask(url=URL.replace("PLANTED", "other")), True),
        (ask([("Range", "bytes=0-1")]), False),
        (ask(body=b"x"), False),
        (ask(url=URL + "&r=2"), False),
        (ask(client="other"), False),
        (ask(method="GET"), False),
    ],
)
def test_questions_are_equal_but_for_credentials(
    tmp_path: Path, question: Question, equal: bool
) -> None:
    """Another token asks the same; another range, body, address or method does not."""
    record(tmp_path).whole()
    tape = Tape(str(tmp_path), "replay")
    if equal:
        kept = question.replay(tape)
        assert kept is not None
        assert kept.is_whole
    else:
        with pytest.raises(Unrecorded):
            question.replay(tape)


@pytest.mark.parametrize("size", [0, 1, 70_000, 1 << 20])
def test_a_whole_answer_comes_back(tmp_path: Path, size: int) -> None:
    """Status, headers and every byte, short or long, written in pieces."""
    body = b"a\nb\r\n{" * (size // 7 + 1)
    answer = record(tmp_path)
    answer.head("1.1", 206, "Partial", [("ETag", '"e"'), ("Set-Cookie", "PLANTED")])
    for start in range(0, size, 30_000):
        answer.write(memoryview(body)[start : min(size, start + 30_000)])
    answer.whole()
    answer.write(b"late")
    kept = replay(tmp_path).begun()
    assert (kept.version, kept.status, kept.reason) == ("1.1", 206, "Partial")
    assert kept.headers == [("ETag", '"e"')]
    assert b"".join(kept.pieces()) == body[:size]
    assert kept.stream(b"before").read() == b"before" + body[:size]


def test_the_head_names_the_client(tmp_path: Path) -> None:
    """A stranger knows from it whether the sizes of chunks are still in the body."""
    answer = record(tmp_path)
    answer.head("1.1", 200, "OK", [])
    answer.whole()
    [payload] = tmp_path.glob("*.answer")
    assert json.loads(payload.read_bytes().partition(b"\n")[0])["client"] == "test"


def test_only_a_tape_that_passes_through_has_no_word_for_a_new_question(tmp_path: Path) -> None:
    """The server may be asked then; the question is noted, and a recorded one is played back."""
    record(tmp_path).whole()
    tape = Tape(str(tmp_path), "replay", passes_through=True)
    assert ask().replay(tape) is not None
    assert ask(method="PUT").replay(tape) is None
    assert tape.unrecorded == [
        "https://host.example:8443: PUT https://host.example:8443/p?token=***&q=1"
    ]


def test_a_partly_read_answer_says_so_where_it_ends(tmp_path: Path) -> None:
    """What the recorded run did not read is not made up."""
    answer = record(tmp_path)
    answer.head("1.1", 200, "OK", [])
    answer.write(b"12345")
    answer.part()
    stream = replay(tmp_path).stream(b"")
    assert stream.read(5) == b"12345"
    with pytest.raises(Unrecorded, match=r"Only 5 bytes .* POST https://host\.example"):
        stream.read(1)


def test_an_answer_ends_with_the_error_it_ended_with(tmp_path: Path) -> None:
    """After the bytes that came; or at once, when none did."""
    answer = record(tmp_path / "one")
    answer.head("1.1", 200, "OK", [])
    answer.write(b"123")
    answer.failed(ConnectionResetError(104, "reset"))
    pieces = replay(tmp_path / "one").begun().pieces()
    assert next(pieces) == b"123"
    with pytest.raises(ConnectionResetError, match="reset"):
        next(pieces)
    record(tmp_path / "two").failed(TimeoutError("slow"))
    with pytest.raises(TimeoutError, match="slow"):
        replay(tmp_path / "two").begun()


def test_a_websocket_is_a_hole(tmp_path: Path) -> None:
    """A connection that goes on as another protocol is named, and not kept."""
    record(tmp_path).head("1.1", 101, "Switching Protocols", [])
    (line,) = index(tmp_path)
    assert not line["file"]
    assert "websocket" in str(line["problem"])


def test_a_compressed_credential_is_a_hole(tmp_path: Path) -> None:
    """What cannot be masked is not kept."""
    answer = record(tmp_path)
    answer.head("1.1", 200, "OK", [])
    answer.write(gzip.compress(b'{"access_token": "PLANTED", "expires_in": 1}'))
    answer.whole()
    (line,) = index(tmp_path)
    assert "credential" in str(line["problem"])


@pytest.mark.parametrize(
    "damaged",
    [b"", b"{}", b"{}\n", b"[]\n\n{}", b"{}\n\n[]", b'{"status":"x"}\n\n{"end":"whole"}',
     b'{"status":200,"headers":[1]}\n\n{"end":"whole"}', b"\xff\n\n\xff", b"[" * 100_000],
)  # fmt: skip
def test_a_damaged_tape_is_said_to_be_damaged(tmp_path: Path, damaged: bytes) -> None:
    """Whatever was done to a recorded answer, the error names the request."""
    record(tmp_path).whole()
    next(tmp_path.glob("*.answer")).write_bytes(damaged)
    with pytest.raises(Unrecorded, match="damaged: POST https://host"):
        replay(tmp_path)
