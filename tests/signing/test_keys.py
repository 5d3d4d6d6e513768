from __future__ import annotations

import multiprocessing
import os
import stat
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from py_mlops.cli import main
from py_mlops.records import Author, HeadMove, encode
from py_mlops.signing import Signer, keygen
from py_mlops.signing.private import FILE, NoKeyError, private_key
from py_mlops.signing.sshsig import allowed_signers, ed25519_of, fingerprint, key_line
from py_mlops.workspace import open_workspace
from tests.handovers import MODEL, a_project, take

ADA = Author(name="Ada Lovelace", email="ada@example.org", source="git")
TIME = "2026-01-31T12:00:00.000000Z"


def public_of(folder: Path) -> bytes:
    """Return the public key in a folder."""
    return private_key(folder).public_key().public_bytes_raw()


def test_a_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    """The first use makes it, later ones find it; nothing else is left in the folder."""
    first = public_of(tmp_path / "config")
    assert public_of(tmp_path / "config") == first
    [file] = (tmp_path / "config").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    known = subprocess.run(
        ["ssh-keygen", "-y", "-f", str(file)], capture_output=True, text=True, check=True
    )
    assert known.stdout.split()[:2] == key_line(first).split()


def test_processes_that_make_it_at_once_have_one_key(tmp_path: Path) -> None:
    """Whoever is second takes the first one's."""
    with multiprocessing.get_context("fork").Pool(8) as pool:
        assert len(set(pool.map(public_of, [tmp_path] * 16))) == 1


@pytest.mark.parametrize("damage", ["open", "other", "folder"])
def test_a_key_that_cannot_be_used_signs_nothing_and_says_why(tmp_path: Path, damage: str) -> None:
    """One that others can read, no key at all, no folder to make it in: unsigned, in words."""
    folder = tmp_path / "config"
    if damage == "folder":
        folder.write_text("a file")
    else:
        public_of(folder)
        (folder / FILE).chmod(0o644 if damage == "open" else 0o600)
        if damage == "other":
            (folder / FILE).write_text("nothing")
    signer = Signer(ADA, folder)
    assert signer.sign_log("abc", 1, bytes(32), 1) is None
    assert signer.log_key(TIME) is None
    assert signer.seal(b"x") == ""
    assert str(folder / FILE) in signer.problem
    with pytest.raises(NoKeyError):
        private_key(folder)


def test_ssh_keygen_accepts_what_we_sign(tmp_path: Path) -> None:
    """Seal, key line, fingerprint and signers are OpenSSH's own; another name is refused."""
    signer = Signer(ADA, tmp_path)
    key = signer.log_key(TIME)
    assert key is not None
    (tmp_path / "allowed").write_text(allowed_signers([key]))
    (tmp_path / "sig").write_text(signer.seal(b"some bytes"))
    words = ["ssh-keygen", "-Y", "verify", "-f", "allowed", "-n", "py-mlops", "-s", "sig", "-I"]

    def verify(name: str, data: bytes) -> int:
        return subprocess.run(
            [*words, name], cwd=tmp_path, input=data, capture_output=True, check=False
        ).returncode

    assert verify("ada@example.org", b"some bytes") == 0
    assert verify("ada@example.org", b"Some bytes") != 0
    assert verify("bob@example.org", b"some bytes") != 0
    shown = subprocess.run(
        ["ssh-keygen", "-l", "-f", str(tmp_path / FILE)], capture_output=True, text=True, check=True
    )
    assert fingerprint(key.key) in shown.stdout
    assert ed25519_of(key.key) == signer.public


@pytest.mark.parametrize(
    ("author", "name"),
    [
        (ADA, "ada@example.org"),
        (Author(name="Ada L.+ove  lace", email=None, source="git"), "Ada-L.-ove-lace"),
        (Author(name="ada", email=None, source="jupyterhub"), "ada"),
        (Author(name="root", email=None, source="unverified"), "unverified/root"),
        (Author(name="jovyan", email=None, source="unverified"), "unverified/jovyan"),
        (Author(name="爱达", email=None, source="git"), "nobody"),
    ],
)
def test_a_keys_name_says_who_and_how_far_that_is_known(
    tmp_path: Path, author: Author, name: str
) -> None:
    """A login name alone is called unverified in every signature."""
    signer = Signer(author, tmp_path)
    signed = signer.sign_log("abc", 1, bytes(32), 1)
    assert signed is not None
    assert signed.name == name
    key = signer.log_key(TIME)
    assert key is not None
    assert ("unverified" in allowed_signers([key])) == (author.source == "unverified")


def test_a_person_without_a_key_signs_no_act(person: Path) -> None:
    """No key, no ceremony."""
    assert Signer(ADA, person).sign_act(b"{}", TIME) is None


def test_a_persons_act_is_signed_with_their_own_key(person: Path, ssh_key: Path) -> None:
    """The usual key of ~/.ssh, or git's; the signature holds for that act alone."""
    act = encode(
        HeadMove(
            head="digits@main",
            previous=None,
            target="sha256:" + "a" * 64,
            created=TIME,
            author=ADA,
            reason="test",
        )
    )
    made = Signer(ADA, person).sign_act(act, TIME)
    assert made is not None
    key, signature = made
    assert key.key.split() == ssh_key.with_suffix(".pub").read_text().split()[:2]
    assert keygen.verify(key.key, key.name, act, signature.signature)
    assert not keygen.verify(key.key, key.name, act + b" ", signature.signature)
    other = person / "work_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", str(other)], check=True)
    with (person / ".gitconfig").open("a") as file:
        file.write(f"[gpg]\n\tformat = ssh\n[user]\n\tsigningkey = {other}\n")
    again = Signer(ADA, person).sign_act(act, TIME)
    assert again is not None
    assert again[0].key.startswith("ssh-rsa ")
    assert keygen.verify(again[0].key, "x", act, again[1].signature)


def test_a_key_behind_a_passphrase_asks_nobody(person: Path) -> None:
    """Without an agent that has it, the act stays unsigned, at once."""
    key = person / ".ssh" / "id_ed25519"
    key.parent.mkdir()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "words", "-f", str(key)], check=True)
    assert os.environ.get("SSH_AUTH_SOCK") is None
    assert Signer(ADA, person).sign_act(b"{}", TIME) is None


def test_a_key_that_only_the_agent_has_signs(
    person: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Git names it by its text; the agent signs, and no private key is in any file."""
    key = tmp_path / "token"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    line = " ".join(key.with_suffix(".pub").read_text().split()[:2])
    socket = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.PIPE) as agent:
        try:
            assert agent.stdout is not None
            agent.stdout.readline()
            monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
            subprocess.run(["ssh-add", "-q", str(key)], check=True)
            key.unlink()
            with (person / ".gitconfig").open("a") as file:
                file.write(f"[gpg]\n\tformat = ssh\n[user]\n\tsigningkey = key::{line}\n")
            made = Signer(ADA, person).sign_act(b"{}", TIME)
        finally:
            agent.terminate()
    assert made is not None
    assert made[0].key == line
    assert keygen.verify(line, "x", b"{}", made[1].signature)


def test_that_nothing_can_be_signed_is_told_after_a_command(
    person: Path, store_folder: Path, tmp_path: Path
) -> None:
    """What was asked for is done, and a line says why it is unsigned."""
    workspace = open_workspace(store_folder)
    take(workspace, tmp_path / "h", a_project(tmp_path / "p"), model=MODEL)
    workspace.store.close()
    (person / ".config" / "py-mlops" / FILE).chmod(0o644)
    ended = CliRunner().invoke(main, ["hold", "flowers", "--reason", "audit"])
    assert ended.exit_code == 0
    assert "not signed" in " ".join(ended.output.split())
    assert "chmod 600" in " ".join(ended.output.split())
