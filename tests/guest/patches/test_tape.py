from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from py_mlops.guest.observe import observer
from py_mlops.guest.patches import tape as tapes
from py_mlops.guest.patches.tape import Tape, Unrecorded

ASKED = ("sql", "postgresql://host:5432/shop", "SELECT 1", "key")


def keep(tape: Tape, *answers: bytes) -> None:
    """Record answers to the same question."""
    for answer in answers:
        recording = tape.record(*ASKED)
        recording.write(answer)
        recording.finish()


def given(tape: Tape) -> bytes:
    """Ask the question of a tape that plays back."""
    return Path(tape.replay(*ASKED)).read_bytes()


def test_answers_come_back_in_order(tmp_path: Path) -> None:
    """The second time a question is asked, its second answer is given."""
    keep(Tape(str(tmp_path), "record"), b"one", b"two")
    replayed = Tape(str(tmp_path), "replay")
    assert [given(replayed), given(replayed)] == [b"one", b"two"]
    with pytest.raises(Unrecorded, match=r"2 times .* different answers"):
        given(replayed)


def test_an_answer_that_never_changed_is_given_again(tmp_path: Path) -> None:
    """A loop that asks once more than when it was recorded gets the only answer there is."""
    keep(Tape(str(tmp_path), "record"), b"same", b"same")
    replayed = Tape(str(tmp_path), "replay")
    assert [given(replayed) for _ in range(4)] == [b"same"] * 4


def test_what_was_not_asked_is_named(tmp_path: Path) -> None:
    """A question that was never recorded is a connection error that quotes it and its source."""
    replayed = Tape(str(tmp_path), "replay")
    with pytest.raises(ConnectionError, match=r"(?s)SELECT 1.*postgresql://host:5432/shop"):
        given(replayed)


@pytest.mark.parametrize(
    ("kind", "way"), [("http", "mlops reproduce --network"), ("sql", "neither")]
)
def test_what_was_not_asked_can_be_helped(tmp_path: Path, kind: str, way: str) -> None:
    """The error says what to do, and does not promise a network to a database's client."""
    with pytest.raises(Unrecorded, match=f"take a new snapshot.*{way}"):
        Tape(str(tmp_path), "replay").replay(kind, *ASKED[1:])


def test_what_was_not_asked_is_noted(tmp_path: Path) -> None:
    """Once for each question, also where the program swallows the error; at most a thousand."""
    keep(Tape(str(tmp_path), "record"), b"one")
    replayed = Tape(str(tmp_path), "replay")
    given(replayed)
    assert replayed.unrecorded == []
    for number in [*range(1100), 1]:
        with pytest.raises(Unrecorded):
            replayed.replay("sql", "postgresql://host:5432/shop", f"SELECT {number}", f"{number}")
    assert len(replayed.unrecorded) == 1000
    assert replayed.unrecorded[:2] == [
        "postgresql://host:5432/shop: SELECT 0",
        "postgresql://host:5432/shop: SELECT 1",
    ]


def test_an_answer_can_be_taken_back(tmp_path: Path) -> None:
    """When there turns out to be more of it, it is a problem, and is not played back."""
    tape = Tape(str(tmp_path), "record")
    recording = tape.record(*ASKED)
    recording.write(b"first")
    recording.finish()
    recording.take_back("There is more.")
    recording.take_back("There is even more.")
    [line] = tape.seen()
    assert (line["file"], line["size"], line["problem"]) == ("", -1, "There is more.")
    with pytest.raises(Unrecorded, match="There is more"):
        given(Tape(str(tmp_path), "replay"))


def test_an_answer_over_the_limit_leaves_its_reason(tmp_path: Path) -> None:
    """A large answer leaves no file but a line that says why, and the next one is kept."""
    tape = Tape(str(tmp_path), "record", limit=10)
    keep(tape, b"x" * 11, b"small")
    large, small = tape.seen()
    assert (large["file"], large["size"], large["problem"]) == (
        "",
        -1,
        "The answer is larger than 10 bytes.",
    )
    assert small["size"] == 5
    assert sorted(os.listdir(tmp_path)) == sorted(["index.jsonl", small["file"]])
    with pytest.raises(Unrecorded, match="larger than 10 bytes"):
        given(Tape(str(tmp_path), "replay"))


def test_all_answers_together_are_bounded(tmp_path: Path) -> None:
    """A session keeps eight times the limit of one answer, then says so."""
    tape = Tape(str(tmp_path), "record", limit=10)
    keep(tape, *[b"x" * 10] * 9)
    assert [bool(line["problem"]) for line in tape.seen()] == [False] * 8 + [True]


def test_an_unfinished_answer_is_a_problem(tmp_path: Path) -> None:
    """An answer that is still coming at a snapshot, or was dropped, is named as not whole."""
    tape = Tape(str(tmp_path), "record")
    recording = tape.record(*ASKED)
    recording.write(b"half")
    assert tape.seen()[0]["problem"] == "It was not read to its end."
    del recording
    assert [line["problem"] for line in tape.seen()] == ["It was not read to its end."]


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    """The folder and its files are closed to other users."""
    folder = tmp_path / "tape"
    keep(Tape(str(folder), "record"), b"one")
    modes = {path.name: path.stat().st_mode & 0o777 for path in [folder, *folder.iterdir()]}
    assert set(modes.values()) == {0o700, 0o600}
    assert modes["tape"] == 0o700


def test_a_restarted_kernel_begins_anew(tmp_path: Path) -> None:
    """What an earlier kernel left in the folder is gone."""
    keep(Tape(str(tmp_path), "record"), b"old")
    assert Tape(str(tmp_path), "record").seen() == []


def test_threads_and_forked_children_append_whole_lines(tmp_path: Path) -> None:
    """Many writers at once leave a readable index and every answer once."""
    tape = Tape(str(tmp_path), "record")

    def ask(name: str) -> None:
        for number in range(50):
            recording = tape.record("sql", "s", name, f"{name}{number}")
            recording.write(name.encode())
            recording.finish()

    threads = [threading.Thread(target=ask, args=(f"t{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # only what a fork may do: write and go
        try:
            ask("child")
            os.write(writer, b"done")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    assert os.read(reader, 4) == b"done"
    os.close(reader)
    lines = [json.loads(line) for line in (tmp_path / "index.jsonl").read_text().splitlines()]
    assert len(lines) == len({line["file"] for line in lines}) == 250


def test_processes_that_were_answered_differently_are_a_problem(tmp_path: Path) -> None:
    """When two processes asked the same and got different answers, none is played back."""
    keep(Tape(str(tmp_path), "record"), b"one")
    lines = (tmp_path / "index.jsonl").read_text()
    tape = Tape(str(tmp_path / "other"), "record")
    keep(tape, b"two")
    (tmp_path / "other" / "mine.answer").write_bytes(b"one")
    line = dict(json.loads(lines), file="mine.answer")
    with open(tmp_path / "other" / "index.jsonl", "a") as stream:
        stream.write(json.dumps(line) + "\n")
    assert [one["problem"] for one in tape.seen()] == [
        "Processes side by side got different answers to it."
    ]


def test_a_disk_that_takes_nothing_never_raises(tmp_path: Path) -> None:
    """When the folder has gone, recording fails silently and is counted."""
    tape = Tape(str(tmp_path / "tape"), "record")
    os.rmdir(tmp_path / "tape")
    keep(tape, b"one")
    assert tape.failures > 0
    assert tape.seen() == []


def test_work_of_ours_is_never_taped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the observer is paused there is no tape."""
    monkeypatch.setattr(tapes, "_tape", Tape(str(tmp_path), "record"))
    assert tapes.tape() is not None
    with observer().paused():
        assert tapes.tape() is None
