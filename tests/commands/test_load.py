from __future__ import annotations

import pickle
from pathlib import Path

import msgspec
import pytest

from py_mlops.commands.snapshots.load import load
from py_mlops.errors import Corrupt, InputError, NotTrusted
from py_mlops.records import Snapshot
from py_mlops.workspace import Workspace
from tests.handovers import a_model, handover, take


class _Trap:
    """Leaves a trace when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.trace,))


def test_another_persons_pickle_asks_first_and_a_no_runs_nothing(
    workspace: Workspace, tmp_path: Path
) -> None:
    """The question names who made it; without a yes not a byte of it is unpickled."""
    trace = tmp_path / "executed"
    evil = pickle.dumps(_Trap(trace))
    taken = take(workspace, tmp_path / "h", handover(tmp_path, model=a_model()), model=evil)
    asked: list[str] = []

    def no(question: str) -> bool:
        asked.append(question)
        return False

    with pytest.raises(NotTrusted, match="Ada Tester"):
        load(workspace, taken, allow=no)
    with pytest.raises(NotTrusted):
        load(workspace, taken)
    assert not trace.exists()
    assert asked[0].startswith("Ada Tester made this model.")
    load(workspace, taken, allow=lambda _: True)
    assert trace.exists()


def test_a_model_comes_back_after_a_yes(workspace: Workspace, taken: str) -> None:
    """It is what was snapshotted."""
    assert load(workspace, taken, allow=lambda _: True) == {"coef": [1.0, 2.0]}


def test_a_record_that_calls_a_pickle_harmless_is_not_believed(
    workspace: Workspace, tmp_path: Path
) -> None:
    """What can run code is known by its format, not by what a stranger's record says."""
    trace = tmp_path / "executed"
    evil = pickle.dumps(_Trap(trace))
    taken = take(workspace, tmp_path / "h", handover(tmp_path, model=a_model()), model=evil)
    record = workspace.store.get_as(taken, Snapshot)
    assert record.model is not None
    artifact = msgspec.structs.replace(record.model.artifacts[0], executes=False)
    model = msgspec.structs.replace(record.model, artifacts=[artifact])
    row = workspace.store.add(msgspec.structs.replace(record, model=model))
    with pytest.raises(NotTrusted):
        load(workspace, row.record)
    assert not trace.exists()


def test_a_snapshot_without_a_model_says_how_to_get_one(
    workspace: Workspace, tmp_path: Path
) -> None:
    """The hint is what to type next time."""
    taken = take(workspace, tmp_path / "h", handover(tmp_path))
    with pytest.raises(InputError, match="holds no model") as refused:
        load(workspace, taken)
    assert "--model" in refused.value.hint


def test_a_damaged_model_is_never_loaded(workspace: Workspace, taken: str) -> None:
    """Not even after a yes."""
    record = workspace.store.get_as(taken, Snapshot)
    assert record.model is not None
    digest = record.model.artifacts[0].blob.digest
    path = workspace.store.folder / "objects" / digest[7:9] / digest[7:]
    path.chmod(0o644)
    path.write_bytes(pickle.dumps("other"))
    with pytest.raises(Corrupt):
        load(workspace, taken, allow=lambda _: True)
