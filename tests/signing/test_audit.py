"""docs/audit.md: an auditor with the page and standard tools confirms who, what and when."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from py_mlops.commands.transfer.bundle import bundle
from py_mlops.records import Snapshot
from py_mlops.signing.sshsig import fingerprint, key_line
from py_mlops.workspace import Workspace

ROOT = Path(__file__).parent.parent.parent
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SCRIPT = "set -eu\n" + "".join(BLOCK.findall((ROOT / "docs" / "audit.md").read_text()))
TOOLS = ("unzip", "sha256sum", "ssh-keygen", "cat", "cut", "sed", "grep", "base64", "od", "tr")
"""What an auditor needs: two programs beside a shell and what POSIX and coreutils have."""


def audit(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run every block of the page in a folder, with no other program than `TOOLS`."""
    tools = folder / "bin"
    tools.mkdir(exist_ok=True)
    for name in TOOLS:
        found = shutil.which(name)
        assert found is not None, f"apt-get install {name}"
        if not (tools / name).exists():
            (tools / name).symlink_to(found)
    shutil.rmtree(folder / "audit", ignore_errors=True)
    return subprocess.run(
        ["/bin/bash", "-c", SCRIPT], cwd=folder, env={"PATH": str(tools), "HOME": str(folder)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def given(workspace: Workspace, ssh_key: Path, taken: str, tmp_path: Path) -> Path:
    """A folder with nothing but the bundle in it."""
    assert ssh_key.exists()
    folder = tmp_path / "auditor"
    folder.mkdir()
    bundle(workspace, taken, folder / "digits.mlops.zip")
    return folder


def test_an_auditor_confirms_who_trained_the_model_on_which_bytes(
    workspace: Workspace, ssh_key: Path, taken: str, given: Path
) -> None:
    """All hashes and three signatures hold; author, model and data stand there by their sha256."""
    done = audit(given)
    assert done.returncode == 0, done.stdout + done.stderr
    assert workspace.signer is not None
    assert done.stdout.count('Good "py-mlops" signature for ada@example.org') == 3
    assert done.stdout.count(fingerprint(key_line(workspace.signer.public))) == 2
    assert fingerprint(" ".join(ssh_key.with_suffix(".pub").read_text().split()[:2])) in done.stdout
    assert "the row is in the signed log" in done.stdout
    assert "the record is the one in the row" in done.stdout
    assert f'"target":"{taken}"' in done.stdout
    assert '"author":{"email":"ada@example.org","name":"Ada","source":"git"}' in done.stdout
    snapshot = workspace.store.get_as(taken, Snapshot)
    assert snapshot.model is not None
    for blob in [snapshot.model.artifacts[0].blob, *snapshot.data[0].blobs]:
        assert f'"digest":"{blob.digest}","size":{blob.size}' in done.stdout


@pytest.mark.parametrize(
    "member",
    [
        "SHA256SUMS", "SHA256SUMS.sig", "SHA256SUMS.signer", "proof/row.json",
        "proof/inclusion.txt", "proof/checkpoint", "proof/checkpoint.sig", "proof/signer",
        "proof/head-move.json", "proof/head-move.json.sig", "keys/allowed_signers", "objects",
    ],
)  # fmt: skip
def test_an_auditor_notices_an_altered_file(given: Path, member: str) -> None:
    """One letter anywhere, and a command of the page fails, also when the sums were made anew."""
    whole = given / "digits.mlops.zip"
    tree = given / "tree"
    subprocess.run(["unzip", "-q", str(whole), "-d", str(tree)], check=True)
    path = tree / member
    if member == "objects":
        path = next(one for one in sorted(path.rglob("*")) if one.is_file())
    data = path.read_bytes()
    letter = data[len(data) // 2 :][:1]
    path.chmod(0o644)
    path.write_bytes(
        data[: len(data) // 2] + (b"A" if letter != b"A" else b"B") + data[len(data) // 2 + 1 :]
    )
    whole.unlink()
    shutil.make_archive(str(whole.with_suffix("")), "zip", tree)
    assert audit(given).returncode != 0
