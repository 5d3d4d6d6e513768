"""Signs and verifies with ``ssh-keygen -Y``, without ever asking anybody for anything."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from py_mlops.signing.sshsig import NAMESPACE

_SECONDS = 20
_USUAL = ("id_ed25519", "id_ecdsa", "id_rsa")
_LARGEST = 1 << 16


@dataclass(frozen=True)
class PersonalKey:
    """A person's own SSH key.

    Attributes:
        line: The public key, type and base64.
        file: The public key's file; the private key lies beside it or in the
            agent. ``None`` when it is in the agent alone.
    """

    line: str
    file: Path | None


def installed() -> bool:
    """Say whether there is an ``ssh-keygen``."""
    return shutil.which("ssh-keygen") is not None


def personal_key() -> PersonalKey | None:
    """Return the key with which a person signs.

    It is git's ``user.signingkey`` where ``gpg.format`` is ``ssh``, else the
    first of the usual keys in ``~/.ssh`` that has its public key beside it.
    """
    if not installed():
        return None
    if _git("gpg.format") == "ssh" and (named := _git("user.signingkey")):
        literal = named.removeprefix("key::")
        if named.startswith("key::") or literal.startswith("ssh-"):
            words = literal.split()
            return PersonalKey(" ".join(words[:2]), None) if len(words) > 1 else None
        path = Path(named).expanduser()
        return _read(path if path.suffix == ".pub" else path.with_name(f"{path.name}.pub"))
    for name in _USUAL:
        found = _read(Path.home() / ".ssh" / f"{name}.pub")
        if found is not None:
            return found
    return None


def sign(key: PersonalKey, data: bytes) -> str:
    """Return an armored signature over some bytes; empty when it cannot be had unasked.

    A key with a passphrase and no agent is not used: nobody is asked.
    """
    with tempfile.TemporaryDirectory(prefix="mlops-") as held:
        file = key.file
        if file is None:  # ssh-keygen asks the agent for the key of this file
            file = Path(held, "key.pub")
            file.write_text(f"{key.line}\n")
        return _sign(file, data)


def _sign(file: Path, data: bytes) -> str:
    words = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(file), "-n", NAMESPACE]
    environment = os.environ | {"SSH_ASKPASS_REQUIRE": "never"}
    try:
        done = subprocess.run(
            words, input=data, capture_output=True, timeout=_SECONDS, check=False,
            start_new_session=True, env=environment,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    text = done.stdout.decode(errors="replace")
    return text if done.returncode == 0 and text.startswith("-----BEGIN SSH SIGNATURE") else ""


def verify(line: str, name: str, data: bytes, signature: str) -> bool:
    """Say whether an armored signature over some bytes is a key's.

    Args:
        line: The public key, type and base64.
        name: Its name, as ``allowed_signers`` has it.
        data: What was signed.
        signature: The armored signature.
    """
    with tempfile.TemporaryDirectory(prefix="mlops-") as held:
        allowed, signed = Path(held, "allowed_signers"), Path(held, "signature")
        allowed.write_text(f'{name} namespaces="{NAMESPACE}" {line}\n')
        signed.write_text(signature)
        words = ["ssh-keygen", "-Y", "verify", "-f", str(allowed), "-I", name]
        words += ["-n", NAMESPACE, "-s", str(signed)]
        try:
            done = subprocess.run(
                words, input=data, capture_output=True, timeout=_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
    return done.returncode == 0


def _read(path: Path) -> PersonalKey | None:
    try:
        with path.open("rb") as file:
            words = file.read(_LARGEST).decode("ascii", "replace").split()
    except OSError:
        return None
    return PersonalKey(f"{words[0]} {words[1]}", path) if len(words) > 1 else None


def _git(key: str) -> str:
    try:
        found = subprocess.run(
            ["git", "config", "--get", key], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip()
