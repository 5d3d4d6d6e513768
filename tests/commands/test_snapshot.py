from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from py_mlops.commands.snapshots.snapshot import snapshot
from py_mlops.commands.upkeep.verify import verify
from py_mlops.errors import FileChanged, FileGone, InputError, MlopsError, UnknownVariable
from py_mlops.records import Snapshot
from py_mlops.records.handover import FILE
from py_mlops.workspace import Workspace
from tests.handovers import MODEL, a_model, a_project, hand_over, handover, seen, take


def refuse(workspace: Workspace, folder: Path, error: type[MlopsError] = InputError) -> MlopsError:
    """Check that a handover is refused and nothing entered; return the refusal."""
    with pytest.raises(error) as refused:
        snapshot(workspace, folder)
    assert workspace.store.ledger.size() == 0
    return refused.value


def content(workspace: Workspace, taken: str, name: str) -> bytes:
    """Return what a snapshot holds of a file."""
    record = workspace.store.get_as(taken, Snapshot)
    [file] = [item for item in record.data if item.path.endswith(name)]
    return workspace.store.blobs.read(file.blobs[0].digest)


def test_a_snapshot_holds_the_whole_project(
    workspace: Workspace, taken: str, project: Path
) -> None:
    """Data, output, module, notebook and model are kept byte for byte, by the person's name."""
    record = workspace.store.get_as(taken, Snapshot)
    read = workspace.store.blobs.read
    assert content(workspace, taken, "flowers.csv") == (project / "data/flowers.csv").read_bytes()
    assert [file.role for file in record.data] == ["input", "output"]
    assert read(record.program.modules[0].blob.digest) == (project / "scaling.py").read_bytes()
    assert record.program.saved is not None
    assert read(record.program.saved.digest) == (project / "flowers.ipynb").read_bytes()
    assert record.model is not None
    assert read(record.model.artifacts[0].blob.digest) == MODEL
    assert (record.author.name, record.author.source) == ("Ada Tester", "git")
    assert record.metrics == {"accuracy": 0.96875}
    assert workspace.store.ledger.heads() == {"flowers@main": taken}
    assert list(verify(workspace)) == []


def test_a_metric_that_is_not_finite_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    """Nothing could be compared with it; the sentence names the metric."""
    said = handover(tmp_path, metrics={"accuracy": 0.5, "loss": None})
    refused = refuse(workspace, hand_over(tmp_path / "h", said))
    assert refused.message.startswith("loss is not a finite number")


@pytest.mark.parametrize("value", ["1e999", "123456789012345678901234567890"])
def test_a_parameter_that_no_record_can_carry_is_refused(
    workspace: Workspace, tmp_path: Path, value: str
) -> None:
    """It would come back as another number."""
    folder = hand_over(tmp_path / "h", handover(tmp_path, parameters={"rate": 77}))
    told = (folder / FILE).read_text().replace("77", value)
    (folder / FILE).write_text(told)
    refuse(workspace, folder)


def test_a_variable_that_is_missing_is_told(workspace: Workspace, tmp_path: Path) -> None:
    """The kernel's sentence is the error's."""
    said = handover(tmp_path, problem="The notebook has no variable clff.")
    assert "clff" in refuse(workspace, hand_over(tmp_path / "h", said), UnknownVariable).message


@pytest.mark.parametrize("name", ["model", "../outside", "/etc/passwd", "", ".", "sub/model"])
def test_a_payload_is_a_file_of_the_handover_or_it_is_refused(
    workspace: Workspace, tmp_path: Path, name: str
) -> None:
    """A handover can name neither what is not there nor a file of anybody else's."""
    (tmp_path / "outside").write_bytes(b"secret")
    folder = hand_over(tmp_path / "h", handover(tmp_path, model=a_model(name)))
    (folder / "sub").mkdir()
    (folder / "sub" / "model").write_bytes(MODEL)
    assert repr(name) in refuse(workspace, folder).message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[" * 100_000,
        '{"version": 2}',
        "null",
        "\ud800",
    ],
)
def test_a_handover_that_does_not_decode_is_refused(
    workspace: Workspace, tmp_path: Path, text: str
) -> None:
    """A kernel that died while writing, or was told to lie, leaves no snapshot."""
    (tmp_path / FILE).write_bytes(text.encode("utf-8", "surrogatepass"))
    assert "handover cannot be used" in refuse(workspace, tmp_path).message


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("entry", "elsewhere"),
        ("metrics", {"accuracy": "high"}),
        ("cells", [{"count": 1}]),
        ("request", {"name": "flowers"}),
        ("stranger", 1),
        ("version", 2),
    ],
)
def test_a_handover_of_another_shape_is_refused(
    workspace: Workspace, tmp_path: Path, part: str, value: Any
) -> None:
    """Every part is checked before anything is done with it."""
    refuse(workspace, hand_over(tmp_path / "h", handover(tmp_path) | {part: value}))


def test_a_file_that_changed_since_it_was_read_is_refused(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Its bytes are not those the model was trained on; the file and its cell are named."""
    said = a_project(tmp_path / "p")
    data = tmp_path / "p" / "data" / "flowers.csv"
    data.write_text(data.read_text() + "1,1,1\n")
    refused = refuse(workspace, hand_over(tmp_path / "h", said, model=MODEL), FileChanged)
    assert "flowers.csv" in refused.message
    assert "[1]" in refused.message
    data.unlink()
    assert "flowers.csv" in refuse(workspace, tmp_path / "h", FileGone).message


@pytest.mark.parametrize("deleted", [True, False])
def test_incomplete_records_a_hole_in_place_of_a_lost_file(
    workspace: Workspace, tmp_path: Path, deleted: bool
) -> None:
    """Who wants it anyway gets it, with the hole that will stop someone else."""
    said = a_project(tmp_path / "p")
    data = tmp_path / "p" / "data" / "flowers.csv"
    data.write_text("other")
    if deleted:
        data.unlink()
    folder = hand_over(tmp_path / "h", said, model=MODEL)
    record = snapshot(workspace, folder, incomplete=True)
    assert record.data[0].blobs == []
    [hole] = [hole for hole in record.capture.holes if hole.kind == "data" and hole.blocking]
    assert "flowers.csv" in hole.text


def test_a_link_out_of_the_folder_is_captured_by_its_content(
    workspace: Workspace, tmp_path: Path
) -> None:
    """The bytes that were read are kept, under the name by which they were read."""
    project, shared = tmp_path / "p", tmp_path / "shared" / "big.csv"
    project.mkdir()
    shared.parent.mkdir()
    shared.write_bytes(b"1,2,3\n" * 100)
    (project / "data.csv").symlink_to(shared)
    taken = take(workspace, tmp_path / "h", handover(project, seen(project / "data.csv")))
    assert content(workspace, taken, "p/data.csv") == shared.read_bytes()


def test_a_second_snapshot_follows_the_first(workspace: Workspace, tmp_path: Path) -> None:
    """Its parent is the one that the model's head pointed at."""
    first, second = (
        take(workspace, tmp_path / "h", handover(tmp_path, metrics={"accuracy": value}))
        for value in (0.5, 0.6)
    )
    assert workspace.store.get_as(first, Snapshot).parents == []
    assert workspace.store.get_as(second, Snapshot).parents == [first]
    assert workspace.store.resolve("flowers") == second


TAKE = """
import sys
from pathlib import Path
from py_mlops.commands.snapshots.snapshot import snapshot
from py_mlops.workspace import open_workspace
print("ready", flush=True)
sys.stdin.readline()
snapshot(open_workspace(Path(sys.argv[1])), Path(sys.argv[2]))
"""


def test_eight_processes_that_snapshot_one_model_all_land(
    workspace: Workspace, tmp_path: Path
) -> None:
    """None is lost, none refused, and they follow one another in one line."""
    with ExitStack() as running:
        children = []
        for number in range(8):
            said = handover(tmp_path, metrics={"accuracy": number / 8})
            folder = hand_over(tmp_path / f"h{number}", said)
            words = [sys.executable, "-c", TAKE, str(workspace.store.folder), str(folder)]
            child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            children.append(running.enter_context(child))
        for child in children:
            assert child.stdout is not None
            child.stdout.readline()
        for child in children:
            assert child.stdin is not None
            child.stdin.close()
    assert [child.returncode for child in children] == [0] * 8
    at, chain = workspace.store.resolve("flowers"), []
    while at:
        record = workspace.store.get_as(at, Snapshot)
        chain.append(record.metrics["accuracy"])
        at = record.parents[0] if record.parents else ""
    assert sorted(chain) == [number / 8 for number in range(8)]
    assert list(verify(workspace)) == []


def test_hostile_text_in_a_handover_is_only_text(workspace: Workspace, tmp_path: Path) -> None:
    """Names with newlines, escapes and quotes come back as they were."""
    name = "\x1b[2J\n'; DROP TABLE log; --\u202e"
    said = handover(tmp_path, parameters={name: name}, commands=[{"cell": 1, "text": name}])
    taken = take(workspace, tmp_path / "h", json.loads(json.dumps(said)))
    assert workspace.store.get_as(taken, Snapshot).parameters == {name: name}
    assert list(verify(workspace)) == []
