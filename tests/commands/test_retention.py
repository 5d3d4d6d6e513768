from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from py_mlops.cli import main
from py_mlops.commands.upkeep.gc import gc
from py_mlops.commands.upkeep.retention import expired, hold, redact
from py_mlops.commands.upkeep.verify import verify
from py_mlops.errors import InputError, UnknownReference
from py_mlops.predictions import LoggedPrediction, SegmentWriter, find, seal
from py_mlops.records import PredictionSegment
from py_mlops.settings import read_settings
from py_mlops.workspace import Workspace


def logged(workspace: Workspace, folder: Path, days: int, snapshot: str) -> str:
    """Log a prediction so many days ago; return its segment."""
    when = (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    file = folder / f"log-{days}"
    with SegmentWriter(file) as writer:
        writer.append(
            LoggedPrediction(
                id=f"r{days}", time=when, snapshot=snapshot, inputs=[days], outputs=[0]
            )
        )
    return seal(workspace.store, file, log="flowers@production", author=workspace.author)


@pytest.fixture
def segments(workspace: Workspace, taken: str, tmp_path: Path) -> tuple[str, str]:
    """Two segments of predictions by the snapshot: of last year, and of last month."""
    return logged(workspace, tmp_path, 200, taken), logged(workspace, tmp_path, 100, taken)


def test_predictions_are_kept_for_half_a_year_and_records_for_ever(
    workspace: Workspace, segments: tuple[str, str]
) -> None:
    """After 183 days what they say goes, with a record; the segment's record and proof stay."""
    old, young = segments
    assert expired(workspace) == [old]
    assert gc(workspace).expired == 1
    assert find(workspace.store, "r200") is not None
    assert gc(workspace, delete=True).expired == 1
    assert find(workspace.store, "r200") is None
    assert find(workspace.store, "r100") is not None
    segment = workspace.store.get_as(old, PredictionSegment)
    assert not workspace.store.blobs.has(segment.payload)
    assert workspace.store.blobs.has(segment.commitments.digest)
    [row] = workspace.store.ledger.newest(kind="redaction")
    assert row.subject == old
    assert list(verify(workspace)) == []
    assert gc(workspace, delete=True).expired == 0
    assert young


def test_what_is_held_is_not_deleted(
    workspace: Workspace, taken: str, segments: tuple[str, str]
) -> None:
    """A hold on the segment, or on the model that made the predictions, until it is released."""
    old, _ = segments
    for target in (old, taken):
        hold(workspace, target, reason="court case 7/26")
        assert gc(workspace, delete=True).expired == 0
        with pytest.raises(InputError, match="held"):
            redact(workspace, old, [0], reason="request")
        hold(workspace, target, reason="closed", release=True)
    assert expired(workspace) == [old]
    redact(workspace, old, [0], reason="request")
    assert find(workspace.store, "r200") is None
    assert list(verify(workspace)) == []


def test_a_hold_says_why_and_of_what(workspace: Workspace, taken: str) -> None:
    """No reason, nothing of that name, nothing held: each is an error with a hint."""
    with pytest.raises(InputError, match="needs a reason"):
        hold(workspace, taken, reason=" ")
    with pytest.raises(UnknownReference):
        hold(workspace, "nothing", reason="x")
    with pytest.raises(InputError, match="is not held"):
        hold(workspace, taken, reason="x", release=True)
    workspace.store.close()
    held = CliRunner().invoke(main, ["hold", "flowers", "--reason", "audit"])
    assert held.exit_code == 0, held.output
    assert CliRunner().invoke(main, ["hold", "flowers"]).exit_code == 2


def test_the_rule_is_a_setting(
    workspace: Workspace, segments: tuple[str, str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`[retention] predictions` in settings.toml, in days; another kind is an error."""
    assert read_settings().retention == 183
    monkeypatch.setenv("XDG_CONFIG_HOME", str(workspace.store.folder.parent))
    file = workspace.store.folder.parent / "py-mlops" / "settings.toml"
    file.parent.mkdir()
    file.write_text("[retention]\npredictions = 50\n")
    shorter = dataclasses.replace(workspace, settings=read_settings())
    assert set(expired(shorter)) == set(segments)
    for wrong in ("[retention]\nsnapshots = 5\n", "[retention]\npredictions = 0\n"):
        file.write_text(wrong)
        with pytest.raises(InputError, match="cannot be read"):
            read_settings()
    assert home.is_dir()


def test_an_interrupted_deletion_is_finished_by_the_collector(
    workspace: Workspace, segments: tuple[str, str]
) -> None:
    """When the record is there and the bytes still are, verify says so and gc removes them."""
    old, _ = segments
    payload = workspace.store.get_as(old, PredictionSegment).payload
    before = workspace.store.blobs.read(payload)
    redact(workspace, old, [0], reason="request")
    assert workspace.store.blobs.put_bytes(before).digest == payload  # as if it were not reached
    [*told] = verify(workspace)
    assert told != []
    assert all("is still there" in one for one in told)
    gc(workspace, delete=True, grace=-1)
    assert list(verify(workspace)) == []
    assert not workspace.store.blobs.has(payload)
