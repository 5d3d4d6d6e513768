from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from campaigns.forger import change_record, change_rows
from py_mlops.commands.upkeep.rebuild import rebuild
from py_mlops.commands.upkeep.signatures import examine
from py_mlops.commands.upkeep.verify import verify, verify_record
from py_mlops.errors import InputError
from py_mlops.records import HeadMove, PublicKey, Signature
from py_mlops.settings import read_settings
from py_mlops.signing import keygen
from py_mlops.workspace import Workspace, now, open_workspace
from tests.handovers import MODEL, a_project, take


def told(folder: Path) -> list[str]:
    """Return what verify says of a closed store."""
    workspace = open_workspace(folder)
    try:
        return list(verify(workspace))
    finally:
        workspace.store.close()


def statement(folder: Path, *statements: str) -> None:
    """Change the ledger behind our back."""
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as connection, connection:
        for one in statements:
            assert connection.execute(one).rowcount > 0, one


def test_signing_needs_no_setting(person: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has set nothing signs; who wants no signatures says so, and anything else is an error."""
    monkeypatch.delenv("MLOPS_SIGN")
    assert read_settings().sign
    file = person / ".config" / "py-mlops" / "settings.toml"
    file.parent.mkdir(parents=True)
    file.write_text("sign = false\n")
    assert not read_settings().sign
    monkeypatch.setenv("MLOPS_SIGN", "perhaps")
    with pytest.raises(InputError, match="neither yes nor no"):
        read_settings()


def test_everything_that_is_added_is_signed(
    workspace: Workspace, ssh_key: Path, taken: str
) -> None:
    """Key, act and rows: who signs is announced once, and every row has a signature."""
    assert ssh_key.exists()
    rows = list(workspace.store.ledger.rows())
    kinds = [row.kind for row in rows]
    assert kinds == ["public-key", "public-key", "signature", "snapshot", "head-move"]
    take(workspace, workspace.store.folder.parent / "h", a_project(ssh_key.parent), model=MODEL)
    rows = list(workspace.store.ledger.rows())
    assert [row.kind for row in rows[5:]] == ["signature", "snapshot", "head-move"]
    standing = examine(workspace.store)
    assert (standing.wrong, standing.notices) == ([], [])
    assert sum(standing.signed.values()) == len(rows) == 8
    assert standing.acts == 2
    assert list(verify(workspace)) == []
    assert list(verify_record(workspace, taken)) == []


def test_without_a_wish_to_sign_nothing_is_signed_and_that_is_said(
    person: Path, store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unsigned rows are counted, and are no damage; no key is made."""
    monkeypatch.setenv("MLOPS_SIGN", "0")
    workspace = open_workspace(store_folder)
    take(workspace, tmp_path / "h", a_project(tmp_path / "p"), model=MODEL)
    assert list(verify(workspace)) == []
    assert examine(workspace.store).told() == ["2 rows that nobody signed"]
    workspace.store.close()
    assert not (person / ".config").exists()


@pytest.mark.parametrize("field", ["author", "created", "metrics"])
def test_a_rewritten_history_is_named_though_every_hash_fits(
    workspace: Workspace, taken: str, field: str
) -> None:
    """Who has the whole store can alter a record and make all hashes anew; not the signature."""
    folder = workspace.store.folder
    workspace.store.close()

    def edit(plain: dict[str, object]) -> None:
        plain[field] = {
            "author": {"name": "Ada", "email": "other@example.org", "source": "git"},
            "created": "2026-01-31T12:00:00.000000Z",
            "metrics": {"accuracy": 0.99},
        }[field]

    change_record(folder, taken, edit)
    [sentence] = [one for one in told(folder) if "signed" in one and "altered" in one]
    assert "ada@example.org" in sentence
    assert "rows 0 to 2" in sentence


def test_rows_cut_off_with_everything_are_named(workspace: Workspace, taken: str) -> None:
    """The log ends earlier than it was signed."""
    folder = workspace.store.folder
    workspace.store.close()
    change_rows(folder, lambda rows: rows[:-1])
    assert any("rows 2 to 2" in one or "missing" in one for one in told(folder))
    assert taken


def test_removed_signatures_are_named(workspace: Workspace, taken: str) -> None:
    """Rows in the name of somebody whose key signs must be signed by it."""
    folder = workspace.store.folder
    workspace.store.close()
    change_rows(folder, lambda rows: rows, strip=True)
    [sentence] = told(folder)
    assert sentence.startswith("Rows 0 to 2 of the log stand in the name of Ada")
    assert taken


def test_a_row_in_another_persons_name_is_named(
    workspace: Workspace, taken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bob, who has a key, cannot act as Ada, who has one: his signature is not hers."""
    folder = workspace.store.folder
    workspace.store.close()
    bob = tmp_path / "bob"
    bob.mkdir()
    monkeypatch.setenv("HOME", str(bob))
    monkeypatch.setenv("MLOPS_AUTHOR", "Bob <bob@example.org>")
    theirs = open_workspace(folder)
    move = HeadMove(
        head="flowers@production", previous=None, target=taken, created=now(),
        author=workspace.author, reason="approved",
    )  # fmt: skip
    theirs.store.add(move)
    assert [row.author for row in theirs.store.ledger.rows()] == ["Ada"] * 3 + ["Bob", "Ada"]
    theirs.store.close()
    [sentence] = told(folder)
    assert sentence.startswith("Row 4 of the log stand in the name of Ada")


@pytest.mark.parametrize(
    "change",
    [
        "name = 'bob'",
        "note = CASE substr(note, 1, 1) WHEN 'A' THEN 'B' ELSE 'A' END || substr(note, 2)",
        "note = substr(note, 1, 20) || 'AAAA' || substr(note, 25)",
        "note = ''",
        "ssh = substr(ssh, 1, 20) || 'AAAA' || substr(ssh, 25)",
        "appended = 1",
        "size = 2",
        "size = 4",
    ],
)
def test_an_altered_signature_is_named(workspace: Workspace, taken: str, change: str) -> None:
    """Whatever of it was changed, and whether or not it still looks like one."""
    folder = workspace.store.folder
    workspace.store.close()
    statement(folder, f"UPDATE signature SET {change}")  # noqa: S608 - our own words
    assert told(folder) != []
    assert taken


def test_an_act_that_somebody_else_signed_is_named(
    workspace: Workspace, ssh_key: Path, taken: str
) -> None:
    """The SSH signature is about one record, by its author."""
    folder = workspace.store.folder
    [row] = workspace.store.ledger.newest(kind="signature")
    workspace.store.close()

    def edit(plain: dict[str, object]) -> None:
        text = str(plain["signature"])
        plain["signature"] = text[:150] + ("A" if text[150] != "A" else "B") + text[151:]

    change_record(folder, row.record, edit)
    assert any("signature of Ada over" in one for one in told(folder))
    assert ssh_key.exists()
    assert taken


def test_an_act_signed_with_a_key_that_nobody_announced_is_named(
    workspace: Workspace, ssh_key: Path, taken: str, tmp_path: Path
) -> None:
    """Another key's signature in her name is none of hers, however well it verifies."""
    [row] = workspace.store.ledger.newest(kind="signature")
    record = workspace.store.get_as(row.record, Signature)
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    line = " ".join(other.with_suffix(".pub").read_text().split()[:2])
    act = workspace.store.blobs.read(record.record)
    signature = keygen.sign(keygen.PersonalKey(line, other.with_suffix(".pub")), act)
    forged = msgspec.structs.replace(record, key=line, signature=signature)
    workspace.store.add(forged)
    [sentence] = examine(workspace.store).wrong
    assert "not announced" in sentence
    assert ssh_key.exists()
    assert taken


def test_a_clock_set_back_is_told(workspace: Workspace, taken: str) -> None:
    """A row dated long before the one it follows is worth knowing, and is no damage."""
    move = HeadMove(
        head="flowers@staging", previous=None, target=taken, author=workspace.author,
        created="2020-01-01T00:00:00.000000Z", reason="test",
    )  # fmt: skip
    workspace.store.add(move)
    standing = examine(workspace.store)
    assert standing.wrong == []
    [notice] = standing.notices
    assert "Row 3" in notice
    assert "2020-01-01" in notice


def test_a_lost_ledger_comes_back_with_its_signatures(workspace: Workspace, taken: str) -> None:
    """They lie among the objects as well."""
    folder = workspace.store.folder
    before = workspace.store.ledger.signatures()
    workspace.store.close()
    (folder / "ledger.sqlite").unlink()
    rebuild(folder)
    again = open_workspace(folder)
    assert again.store.ledger.signatures() == before != []
    assert list(verify(again)) == []
    again.store.close()
    assert taken


def test_a_person_who_changes_their_name_is_announced_again(
    workspace: Workspace, taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same key in another name is another announcement, and both verify."""
    monkeypatch.setenv("MLOPS_AUTHOR", "Ada Byron <byron@example.org>")
    again = open_workspace(workspace.store.folder)
    move = HeadMove(
        head="flowers@staging", previous=None, target=taken, author=again.author,
        created=now(), reason="test",
    )  # fmt: skip
    again.store.add(move)
    keys = [again.store.get(row.record) for row in again.store.ledger.newest(kind="public-key")]
    assert [key.name for key in keys if isinstance(key, PublicKey)] == [
        "byron@example.org",
        "ada@example.org",
    ]
    assert list(verify(again)) == []
    again.store.close()


def test_a_record_of_its_own_is_verified_by_itself(workspace: Workspace, taken: str) -> None:
    """Its row, its signature and its bytes; what is damaged elsewhere is not asked."""
    assert list(verify_record(workspace, taken[7:20])) == []
    data = workspace.store.folder / "objects" / taken[7:9] / taken[7:]
    data.chmod(0o644)
    data.write_bytes(b"{}")
    [sentence] = verify_record(workspace, taken)
    assert taken in sentence
    [row] = workspace.store.ledger.newest(kind="head-move")
    assert list(verify_record(workspace, row.record)) == []
