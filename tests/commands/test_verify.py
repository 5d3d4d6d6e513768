from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from py_mlops.commands.history import log, show
from py_mlops.commands.upkeep.verify import verify
from py_mlops.errors import Corrupt, Missing
from py_mlops.records import Snapshot
from py_mlops.workspace import Workspace


def stored(workspace: Workspace, digest: str) -> Path:
    """Return an object's file, made writable."""
    path = workspace.store.folder / "objects" / digest[7:9] / digest[7:]
    path.chmod(0o644)
    return path


def edit_ledger(workspace: Workspace, statement: str) -> None:
    """Change the ledger behind our back, as anybody with the file can."""
    path = workspace.store.folder / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        for (trigger,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        assert connection.execute(statement).rowcount > 0


def data_of(workspace: Workspace, taken: str) -> str:
    """Return the digest of the snapshot's data file."""
    return workspace.store.get_as(taken, Snapshot).data[0].blobs[0].digest


def test_a_sound_store_has_nothing_to_tell(workspace: Workspace, taken: str) -> None:
    """No sentence means that all is as it was written."""
    assert list(verify(workspace)) == []
    assert workspace.store.ledger.size() == 2
    assert taken


def test_one_altered_byte_is_named_with_the_snapshot_it_belongs_to(
    workspace: Workspace, taken: str
) -> None:
    """The sentence holds both digests' beginnings."""
    digest = data_of(workspace, taken)
    path = stored(workspace, digest)
    path.write_bytes(b"X" + path.read_bytes()[1:])
    [told] = verify(workspace)
    assert told.startswith(f"Snapshot {taken[7:19]}")
    assert digest[7:19] in told


def test_a_missing_object_is_named(workspace: Workspace, taken: str) -> None:
    """Every object that is gone gets its own sentence."""
    digest = data_of(workspace, taken)
    stored(workspace, digest).unlink()
    [told] = verify(workspace)
    assert digest[7:19] in told
    assert taken[7:19] in told


@pytest.mark.parametrize("left", [0, 1, 100, -1])
def test_a_record_that_was_cut_off_is_named_and_never_shown(
    workspace: Workspace, taken: str, left: int
) -> None:
    """Half a record is not used: log and show refuse in words."""
    path = stored(workspace, taken)
    path.write_bytes(path.read_bytes()[:left])
    assert any(taken[7:19] in told for told in verify(workspace))
    with pytest.raises(Corrupt):
        log(workspace)
    with pytest.raises(Corrupt):
        show(workspace, "flowers")


def test_a_record_that_is_gone_is_named_and_never_shown(workspace: Workspace, taken: str) -> None:
    """A row without its record is told as such."""
    stored(workspace, taken).unlink()
    assert any(taken[7:19] in told for told in verify(workspace))
    with pytest.raises(Missing):
        log(workspace)
    with pytest.raises(Missing):
        show(workspace, "flowers")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE log SET author = 'Mallory' WHERE seq = 0",
        "UPDATE log SET subject = 'other' WHERE seq = 0",
        "UPDATE log SET time = '2020-01-01T00:00:00.000000Z' WHERE seq = 0",
        "UPDATE log SET kind = 'import' WHERE seq = 0",
        "UPDATE log SET record = 'sha256:' || hex(zeroblob(32)) WHERE seq = 0",
        "DELETE FROM log WHERE seq = 0",
        "DELETE FROM log WHERE seq = 1",
    ],
)
def test_a_row_changed_by_hand_is_noticed(workspace: Workspace, taken: str, change: str) -> None:
    """Who, what, when and whether at all: none can be changed without a sentence about it."""
    edit_ledger(workspace, change)
    assert list(verify(workspace)) != []
    assert taken


def test_a_head_moved_by_hand_is_noticed_and_not_followed(workspace: Workspace, taken: str) -> None:
    """A model's name never leads to what the log does not say."""
    edit_ledger(workspace, "UPDATE head SET record = (SELECT record FROM log WHERE seq = 1)")
    assert any("flowers@main" in told for told in verify(workspace))
    with pytest.raises(Corrupt, match="altered"):
        show(workspace, "flowers")
    assert taken


def test_everything_damaged_is_told_in_one_go(workspace: Workspace, taken: str) -> None:
    """The first damaged object does not hide the second."""
    record = workspace.store.get_as(taken, Snapshot)
    digests = [data_of(workspace, taken), record.program.history.digest]
    for digest in digests:
        stored(workspace, digest).write_bytes(b"other")
    told = list(verify(workspace))
    assert len(told) == 2
    for digest in digests:
        assert digest[7:19] in "".join(told)


def test_an_altered_row_hides_no_damaged_object(workspace: Workspace, taken: str) -> None:
    """One look names them all: the row, the record it names, and the data that stands on."""
    edit_ledger(workspace, "UPDATE log SET author = 'Mallory' WHERE seq = 0")
    digest = data_of(workspace, taken)
    stored(workspace, digest).write_bytes(b"other")
    told = list(verify(workspace))
    assert any(one.startswith("Row 0 ") and "altered" in one for one in told)
    assert [one for one in told if digest[7:19] in one and taken[7:19] in one]
    stored(workspace, taken).write_bytes(b"{}")
    told = list(verify(workspace))
    assert [one for one in told if one.startswith("Row 0 of the log: ") and taken in one]
    with pytest.raises(Corrupt):
        show(workspace, "flowers")


@pytest.mark.parametrize(
    "change",
    ["DELETE FROM log", "UPDATE log SET record = seq", "UPDATE log SET record = x'ff' || seq"],
)
def test_an_object_that_the_log_no_longer_leads_to_is_checked_all_the_same(
    workspace: Workspace, taken: str, change: str
) -> None:
    """Whatever became of the log, a damaged object is told, once."""
    digest = data_of(workspace, taken)
    stored(workspace, digest).write_bytes(b"other")
    edit_ledger(workspace, change)
    told = list(verify(workspace))
    assert len([one for one in told if digest[7:19] in one]) == 1
    assert len(told) > 1


def test_a_log_whose_pages_are_damaged_hides_no_damaged_object(
    workspace: Workspace, taken: str
) -> None:
    """Where the log cannot be read to its end that is said, and every object is checked."""
    digest = data_of(workspace, taken)
    stored(workspace, digest).write_bytes(b"other")
    workspace.store.ledger.close()
    path = workspace.store.folder / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        [(root,)] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'log'")
        [(size,)] = connection.execute("PRAGMA page_size")
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)
    told = list(verify(workspace))
    assert any("malformed" in one for one in told)
    assert any("were not checked" in one for one in told)
    assert len([one for one in told if digest[7:19] in one]) == 1


def test_a_ruined_store_is_told_in_a_list_that_ends(
    workspace: Workspace, taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most so many sentences, and one that says how many more there are."""
    for blob in workspace.store.blobs:
        stored(workspace, blob.digest).write_bytes(b"other")
    whole = list(verify(workspace))
    assert len(whole) == len(list(workspace.store.blobs))
    monkeypatch.setattr("py_mlops.commands.upkeep.verify.MOST", 2)
    told = list(verify(workspace))
    assert told[:2] == whole[:2]
    assert [one for one in told[2:] if one.startswith(f"{len(whole) - 2} more")] == told[2:]
    assert taken
