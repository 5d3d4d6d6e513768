"""The store that a server looks at: it is never made by looking, and may go and come back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from py_mlops.errors import InputError, StoreUnavailable
from py_mlops.server.room import Room
from py_mlops.workspace import open_workspace
from tests import handovers


@pytest.fixture
def room() -> Iterator[Room]:
    """A server's view of the test's store."""
    made = Room()
    yield made
    made.close()


def take(folder: Path) -> str:
    """Take a snapshot into the store, in a workspace of its own."""
    workspace = open_workspace()
    said = handovers.a_project(folder / "project")
    taken = handovers.take(workspace, folder / "handover", said, model=handovers.MODEL)
    workspace.store.close()
    return taken


def test_looking_makes_no_store(room: Room, store_folder: Path) -> None:
    """A server that is only started leaves no store behind."""
    assert not room.is_there()
    with pytest.raises(InputError, match="There is no store"):
        room.catalogue()
    assert not store_folder.exists()


def test_a_store_that_comes_later(room: Room, tmp_path: Path) -> None:
    """The first snapshot makes it, and the server has it at its next look."""
    assert not room.is_there()
    taken = take(tmp_path)
    assert room.is_there()
    assert [item.id for item in room.catalogue().snapshots().items] == [taken]


def test_a_store_that_goes_and_comes_back(room: Room, tmp_path: Path, store_folder: Path) -> None:
    """While it is gone nothing old is told, and it need not be asked for when it is back."""
    taken = take(tmp_path)
    assert room.catalogue().snapshot(taken) is not None
    store_folder.rename(tmp_path / "away")
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="is gone"):
            room.catalogue()
    store_folder.write_text("something else")
    with pytest.raises(StoreUnavailable, match="is gone"):
        room.workspace()
    assert room.is_there()
    store_folder.unlink()
    (tmp_path / "away").rename(store_folder)
    assert room.catalogue().snapshot(taken) is not None


def test_another_store_in_its_place(room: Room, tmp_path: Path, store_folder: Path) -> None:
    """A store that took the place of the one that was open is the one that is told of."""
    first = take(tmp_path / "first")
    assert room.catalogue().snapshot(first) is not None
    store_folder.rename(tmp_path / "away")
    second = take(tmp_path / "second")
    assert [item.id for item in room.catalogue().snapshots().items] == [second]
