"""The private key of a person on one machine: made on first use, in their own folder, once."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_ssh_private_key,
)

FILE = "signing-key"
"""Its name in the person's configuration folder; OpenSSH's format."""

_LARGEST = 1 << 14
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class NoKeyError(Exception):
    """There is no key to sign with, in words; whatever was to be signed stays unsigned."""


def private_key(folder: Path) -> Ed25519PrivateKey:
    """Return the key in a folder, making it when there is none.

    The file is whole before it has its name, readable by its owner alone, and
    never replaced: of two processes that make it at once, one wins for both.

    Args:
        folder: The person's configuration folder.

    Raises:
        NoKeyError: When it cannot be made or read, or others can read it.
    """
    path = folder / FILE
    try:
        if not path.exists():
            _make(path)
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & _OTHERS:
                raise NoKeyError(f"{path} can be read by others: make it yours alone, `chmod 600`")
            key = load_ssh_private_key(file.read(_LARGEST), password=None)
    except OSError as error:
        raise NoKeyError(f"{path} cannot be made or read: {error.strerror or error}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise NoKeyError(f"{path} is no private key that can be used: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise NoKeyError(f"{path} is no ed25519 key")
    return key


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
    )
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process was quicker: its key is the key
            path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
