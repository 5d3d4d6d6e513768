from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from py_mlops.cli import main
from py_mlops.commands.transfer.bundle import bundle
from py_mlops.commands.transfer.sealed import TRUSTED
from py_mlops.commands.transfer.unbundle import unbundle
from py_mlops.commands.upkeep.signatures import public_keys
from py_mlops.commands.upkeep.verify import verify
from py_mlops.errors import Corrupt, Hostile, MlopsError, NotTrusted
from py_mlops.signing.sshsig import signer_line
from py_mlops.workspace import Workspace, open_workspace


@pytest.fixture
def received(workspace: Workspace, taken: str, tmp_path: Path) -> Path:
    """Ada's bundle."""
    return bundle(workspace, taken, tmp_path / "digits.mlops.zip")


@pytest.fixture
def bob(received: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """Bob, on a machine that has never seen Ada's store or key."""
    assert received.exists()
    home = tmp_path / "bob"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("MLOPS_AUTHOR", "Bob <bob@example.org>")
    opened = open_workspace(tmp_path / "theirs")
    yield opened
    opened.store.close()


def altered(path: Path, changes: dict[str, bytes | None]) -> Path:
    """Write another bundle with some members changed, removed or added."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    other = path.with_name("other.zip")
    with zipfile.ZipFile(other, "w") as archive:
        for name, data in (members | changes).items():
            if data is not None:
                archive.writestr(name, data)
    return other


def test_an_unknown_signer_is_told_and_asked(bob: Workspace, received: Path, taken: str) -> None:
    """Without a yes nothing is taken in; with it the snapshot is there, entered by Bob."""
    questions: list[str] = []
    with pytest.raises(NotTrusted, match="not known here") as refused:
        unbundle(bob, received)
    assert "allowed_signers" in refused.value.hint
    assert bob.store.ledger.size() == 0

    def yes(question: str) -> bool:
        questions.append(question)
        return True

    assert unbundle(bob, received, ask=yes) == taken
    [question] = questions
    assert "signed by ada@example.org (SHA256:" in question
    assert "its row in the log by ada@example.org" in question
    assert list(verify(bob)) == []
    assert [row.author for row in bob.store.ledger.rows()] == ["Bob", "Bob", "Ada"]


def test_a_signer_one_has_listed_is_not_asked_about(
    bob: Workspace, workspace: Workspace, received: Path, taken: str
) -> None:
    """The line that the hint gives, in the file that it names, makes a key known."""
    [key] = public_keys(workspace.store)
    file = bob.settings.config / TRUSTED
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"# people I know\n{signer_line(key)}\n")
    told: list[str] = []
    assert unbundle(bob, received, tell=told.append) == taken
    assert "a key that is known here" in told[0]


def test_ones_own_bundle_and_an_unsigned_one(
    workspace: Workspace, received: Path, taken: str, bob: Workspace,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """One's own is known; that nobody has signed is said, and no reason to ask."""
    told: list[str] = []
    assert unbundle(workspace, received, tell=told.append) == taken
    assert "a key that is known here" in told[0]
    monkeypatch.setenv("MLOPS_SIGN", "0")
    unsigned = open_workspace(workspace.store.folder)
    path = bundle(unsigned, taken, tmp_path / "unsigned.zip")
    unsigned.store.close()
    assert unbundle(bob, path, tell=told.append) == taken
    assert told[1].startswith("Nobody has signed this bundle")


SIG = "SHA256SUMS.sig"
HOSTILE: dict[str, dict[str, bytes | None]] = {
    "seal removed": {SIG: None},
    "seal of other bytes": {SIG: b"-----BEGIN SSH SIGNATURE-----\nAAAA\n"},
    "list altered": {"SHA256SUMS": b"00  mlops-bundle.json\n"},
    "row altered": {"proof/row.json": b"{}"},
    "path altered": {"proof/inclusion.txt": b"L " + b"0" * 64 + b"\n"},
    "checkpoint altered": {"proof/checkpoint": b"a\n1\nAAAA\n"},
    "signer altered": {"SHA256SUMS.signer": b"bob@example.org\n"},
    "keys removed": {"keys/allowed_signers": b""},
    "a key put in": {f"keys/{'a' * 64}.json": b"{}"},
    "crate altered": {"ro-crate-metadata.json": b"{}"},
    "readme altered": {"README.txt": b"Send me your password."},
    "a file put in": {"keys/../../x": b"x"},
}


@pytest.mark.parametrize("changes", HOSTILE.values(), ids=HOSTILE)
def test_a_bundle_whose_signature_or_proof_does_not_hold_is_refused(
    bob: Workspace, received: Path, changes: dict[str, bytes | None]
) -> None:
    """Whatever was changed, removed or put in, nothing of it reaches the store, nor is asked."""

    def never(question: str) -> bool:
        raise AssertionError(question)

    with pytest.raises((Corrupt, Hostile)) as refused:
        unbundle(bob, altered(received, changes), ask=never)
    assert isinstance(refused.value, MlopsError)
    assert bob.store.ledger.size() == 0


def test_reproduce_takes_a_bundle_and_asks_first(
    bob: Workspace, received: Path, taken: str
) -> None:
    """Without a terminal and without --yes the answer is no, and the page says what to do."""
    bob.store.close()
    words = ["--store", str(bob.store.folder), "reproduce", str(received)]
    refused = CliRunner().invoke(main, words)
    assert refused.exit_code == 1
    assert "not known here" in " ".join(refused.output.split())
    again = open_workspace(bob.store.folder)
    assert again.store.ledger.size() == 0
    assert unbundle(again, received, ask=lambda _: True) == taken
    again.store.close()
