from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from py_mlops.commands.upkeep.verify import verify
from py_mlops.errors import Corrupt, InputError
from py_mlops.predictions import SegmentWriter, find, redact, seal
from py_mlops.predictions.line import GONE
from py_mlops.records import Answered, Blob, PredictionSegment, Redaction
from py_mlops.workspace import Workspace, now
from tests.predictions.conftest import ROWS, SNAPSHOT, prediction
from tests.store.samples import ANN


def path_of(workspace: Workspace, digest: str) -> Path:
    """Return where an object lies, made writable."""
    path = workspace.store.folder / "objects" / digest[7:9] / digest[7:]
    path.chmod(0o644)
    return path


def test_a_prediction_is_found_by_its_id(workspace: Workspace, segment: str) -> None:
    """Whatever was asked and answered comes back, with its place; an unknown id is nothing."""
    for number in (0, 1, 499, ROWS - 1):
        found = find(workspace.store, f"request-{number}")
        assert found is not None
        assert (found.segment, found.row, found.prediction) == (
            segment, number, prediction(number),
        )  # fmt: skip
    assert find(workspace.store, "request-1000") is None
    assert find(workspace.store, "request-1", log="other@production") is None
    assert list(verify(workspace)) == []


def test_the_newest_segment_that_has_it_counts(
    workspace: Workspace, segment: str, tmp_path: Path
) -> None:
    """Segments are looked through from the newest one on."""
    assert segment
    with SegmentWriter(tmp_path / "next") as writer:
        writer.append(prediction(7, "sha256:" + "b" * 64))
    newer = seal(workspace.store, tmp_path / "next", log="flowers@production", author=ANN)
    found = find(workspace.store, "request-7")
    assert found is not None
    assert found.segment == newer
    assert not (tmp_path / "next").exists()


KILLED = """
import sys
from py_mlops.predictions import SegmentWriter
from tests.predictions.conftest import prediction
from pathlib import Path
writer = SegmentWriter(Path(sys.argv[1]))
number = 0
while True:
    writer.append(prediction(number))
    print(number, flush=True)
    number += 1
"""


def test_what_a_killed_process_had_logged_is_there(workspace: Workspace, tmp_path: Path) -> None:
    """Every acknowledged prediction; the line that was being written is cut off."""
    file = tmp_path / "log"
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(file)], stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": "."},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(200)]
        process.send_signal(signal.SIGKILL)
        told += process.stdout.readlines()
    last = int(told[-1])
    with file.open("ab") as torn:
        torn.write(b"0" * 64 + b' {"id":"half')
    with SegmentWriter(file) as writer:
        writer.append(prediction(100_000))
    seal(workspace.store, file, log="flowers@production", author=ANN)
    for number in (0, last, 100_000):
        assert find(workspace.store, f"request-{number}") is not None, number
    assert list(verify(workspace)) == []


def test_a_redacted_row_is_gone_and_the_log_still_verifies(
    workspace: Workspace, segment: str
) -> None:
    """Its words are in no byte of the store; the others are found; a record says what and why."""
    redaction = redact(
        workspace.store, segment, [5, 6, 9], reason="request of the person", author=ANN,
        created=now(),
    )  # fmt: skip
    assert list(verify(workspace)) == []
    assert find(workspace.store, "request-5") is None
    found = find(workspace.store, "request-7")
    assert found is not None
    assert found.row == 7
    record = workspace.store.get_as(redaction, Redaction)
    assert record.rows == [(5, 6), (9, 9)]
    assert workspace.store.ledger.newest(kind="redaction")[0].record == redaction
    objects = [path for path in workspace.store.folder.glob("objects/*/*") if path.is_file()]
    assert not any(b'Person 5"' in path.read_bytes() for path in objects)
    assert any(b'Person 7"' in path.read_bytes() for path in objects)
    redact(workspace.store, segment, [0], reason="another", author=ANN, created=now())
    assert find(workspace.store, "request-0") is None
    assert find(workspace.store, "request-7") is not None
    redact(workspace.store, segment, None, reason="all", author=ANN, created=now())
    assert find(workspace.store, "request-7") is None
    assert list(verify(workspace)) == []
    with pytest.raises(InputError, match="no row 1000"):
        redact(workspace.store, segment, [1000], reason="x", author=ANN, created=now())


@pytest.mark.parametrize("what", ["payload", "index", "commitments", "silent", "forged"])
def test_an_altered_segment_is_named(workspace: Workspace, segment: str, what: str) -> None:
    """Removed, deleted without a word, or answered otherwise: verify says which row."""
    record = workspace.store.get_as(segment, PredictionSegment)
    path = path_of(workspace, record.payload)
    lines = path.read_bytes().splitlines(keepends=True)
    if what == "payload":
        path.unlink()
    elif what == "index":
        path_of(workspace, record.index).unlink()
    elif what == "commitments":
        path_of(workspace, record.commitments.digest).write_bytes(b"\0" * 32 * ROWS)
    elif what == "silent":
        path.write_bytes(b"".join([*lines[:3], GONE, *lines[4:]]))
    else:
        lines[3] = lines[3].replace(b'"outputs":[3]', b'"outputs":[4]')
        path.write_bytes(b"".join(lines))
    told = list(verify(workspace))
    assert told != []
    if what in {"silent", "forged"}:
        assert any("row 3 " in one for one in told)
    if what == "forged":
        with pytest.raises(Corrupt, match="Row 3 "):
            find(workspace.store, "request-3")


def test_a_segment_that_names_another_model_is_told(workspace: Workspace, segment: str) -> None:
    """Whose model answered stands in the rows, too: a record cannot say otherwise."""
    record = workspace.store.get_as(segment, PredictionSegment)
    assert [(one.snapshot, one.rows) for one in record.answered] == [(SNAPSHOT, ROWS)]
    other = [Answered(snapshot="sha256:" + "b" * 64, rows=ROWS)]
    workspace.store.add(replace(record, answered=other))
    assert any("names other models than its rows" in one for one in verify(workspace))


def test_equal_predictions_have_different_commitments(workspace: Workspace, segment: str) -> None:
    """Nobody can guess from a commitment what was redacted: each has a salt of its own."""
    record = workspace.store.get_as(segment, PredictionSegment)
    assert isinstance(record.commitments, Blob)
    known = workspace.store.blobs.read(record.commitments.digest)
    payload = workspace.store.blobs.read(record.payload).splitlines()
    assert len({known[at : at + 32] for at in range(0, len(known), 32)}) == ROWS
    assert len({line[:64] for line in payload}) == ROWS


def test_an_empty_log_is_no_segment(workspace: Workspace, tmp_path: Path) -> None:
    """There is nothing to seal, in words; a file with other lines is refused."""
    with SegmentWriter(tmp_path / "log"):
        pass
    with pytest.raises(InputError, match="No prediction"):
        seal(workspace.store, tmp_path / "log", log="x", author=ANN)
    (tmp_path / "other").write_text("my diary\n")
    with pytest.raises(Corrupt, match="cannot be read"):
        seal(workspace.store, tmp_path / "other", log="x", author=ANN)
    assert (tmp_path / "other").exists()


def test_a_file_has_one_writer(tmp_path: Path) -> None:
    """A second one is refused, as long as the first one writes."""
    with SegmentWriter(tmp_path / "log") as first:
        first.append(prediction(0))
        with pytest.raises(InputError, match="Another process"):
            SegmentWriter(tmp_path / "log")
    with SegmentWriter(tmp_path / "log") as second:
        second.append(prediction(1))
