"""OpenSSH's signatures (PROTOCOL.sshsig) by ed25519 keys, key lines, and ``allowed_signers``."""

from __future__ import annotations

import base64
import hashlib
import re
import struct
from collections.abc import Iterable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from py_mlops.records import PublicKey
from py_mlops.signing.note import decode_base64

NAMESPACE = "py-mlops"
"""What our signatures are for, so that none made for something else passes for one."""

_TYPE = b"ssh-ed25519"
_MAGIC = b"SSHSIG"
_VERSION = 1
_HASH = b"sha512"
_BEGIN = "-----BEGIN SSH SIGNATURE-----"
_END = "-----END SSH SIGNATURE-----"
_WIDTH = 70
_PUBLIC = 32
_SIGNATURE = 64
_LENGTH = struct.Struct(">I")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def key_line(public: bytes) -> str:
    """Return an ed25519 public key as OpenSSH writes it."""
    return f"{_TYPE.decode()} {base64.b64encode(_wire_key(public)).decode()}"


def ed25519_of(line: str) -> bytes:
    """Return the 32 bytes of an ed25519 key's line; nothing for a line of another type."""
    blob = decode_base64(line.partition(" ")[2])
    prefix = _string(_TYPE) + _LENGTH.pack(_PUBLIC)
    public = blob[len(prefix) :]
    if not blob.startswith(prefix) or len(public) != _PUBLIC:
        return b""
    try:
        Ed25519PublicKey.from_public_bytes(public)
    except ValueError:
        return b""
    return public


def fingerprint(line: str) -> str:
    """Return the fingerprint by which OpenSSH names a key, ``SHA256:…``."""
    digest = hashlib.sha256(decode_base64(line.partition(" ")[2])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def message(data: bytes) -> bytes:
    """Return what is really signed when some bytes are."""
    digest = hashlib.sha512(data).digest()
    parts = (NAMESPACE.encode(), b"", _HASH, digest)
    return _MAGIC + b"".join(map(_string, parts))


def armored(public: bytes, signature: bytes) -> str:
    """Return the file that ``ssh-keygen -Y verify`` reads.

    Args:
        public: The ed25519 public key, 32 bytes.
        signature: Its signature over `message`, 64 bytes.
    """
    parts = (
        _wire_key(public),
        NAMESPACE.encode(),
        b"",
        _HASH,
        _string(_TYPE) + _string(signature),
    )
    blob = _MAGIC + _LENGTH.pack(_VERSION) + b"".join(map(_string, parts))
    encoded = base64.b64encode(blob).decode()
    lines = [encoded[start : start + _WIDTH] for start in range(0, len(encoded), _WIDTH)]
    return "\n".join([_BEGIN, *lines, _END, ""])


def read_armored(text: str) -> tuple[bytes, bytes]:
    """Return public key and signature of what `armored` has written.

    Raises:
        ValueError: When it is anything else, such as another type of key.
    """
    lines = text.splitlines()
    blob = decode_base64("".join(lines[1:-1]))
    start = len(_MAGIC) + 2 * _LENGTH.size + len(_string(_TYPE)) + _LENGTH.size
    public, signature = blob[start : start + _PUBLIC], blob[-_SIGNATURE:]
    if armored(public, signature) != text:
        raise ValueError("it is no signature by an ed25519 key in our namespace")
    return public, signature


def allowed_signers(keys: Iterable[PublicKey]) -> str:
    """Return OpenSSH's file of who may sign with which key, for our namespace alone.

    Args:
        keys: The keys; a line for each, with a comment that says whose it is.
    """
    lines = {f"{_comment(key)}\n{signer_line(key)}\n": None for key in keys}
    return "".join(lines)


def signer_line(key: PublicKey) -> str:
    """Return a key's line of ``allowed_signers``."""
    return f'{key.name} namespaces="{NAMESPACE}" {key.key}'


def _comment(key: PublicKey) -> str:
    known = {
        "git": "as git's configuration has it",
        "jupyterhub": "a user of JupyterHub",
        "environment": "as an environment variable had it",
        "unverified": "unverified: the operating system's login name",
    }[key.author.source]
    return f"# {_CONTROL.sub('?', key.author.name)} ({known}), {key.use} key since {key.created}"


def _wire_key(public: bytes) -> bytes:
    return _string(_TYPE) + _string(public)


def _string(data: bytes) -> bytes:
    return _LENGTH.pack(len(data)) + data
