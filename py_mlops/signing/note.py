"""Signed notes and checkpoints as C2SP has them: c2sp.org/signed-note and c2sp.org/tlog-checkpoint.

A checkpoint of ours is the text

    py-mlops/STORE
    SIZE
    ROOT (base64)
    appended N

and a signature says: the log of this store had SIZE rows and that root, and the last N of
them are mine. The fourth line is an extension line; other readers pass over it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ORIGIN = "py-mlops/"
"""What the first line of our checkpoints begins with; the store's name follows."""

_ED25519 = b"\x01"
_MOST = 1 << 16
_LINES = 16
_ROOT = 32
_SIGNATURE = 64
_KEY_ID = 4
_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")
_APPENDED = re.compile(r"appended ([1-9][0-9]{0,17})")
_LINE = re.compile("— ([^\\s+]+) ([A-Za-z0-9+/]+={0,2})")


class NoteError(ValueError):
    """A text is no signed checkpoint, in words."""


@dataclass(frozen=True)
class Checkpoint:
    """What a log was: its origin, size and root.

    Attributes:
        origin: Which log; of ours `ORIGIN` and the store's name.
        size: How many rows.
        root: Their Merkle tree hash, 32 bytes.
        appended: How many of the last rows the signer appended; 0 when nobody says.
    """

    origin: str
    size: int
    root: bytes
    appended: int = 0


@dataclass(frozen=True)
class Note:
    """A checkpoint with its signature lines.

    Attributes:
        text: The signed text, with its final newline.
        checkpoint: What the text says.
        lines: Key name, key id and signature of each line.
    """

    text: str
    checkpoint: Checkpoint
    lines: tuple[tuple[str, bytes, bytes], ...]


def text_of(checkpoint: Checkpoint) -> str:
    """Return the note text of a checkpoint: what is signed, with its final newline."""
    root = base64.b64encode(checkpoint.root).decode()
    more = f"appended {checkpoint.appended}\n" if checkpoint.appended else ""
    return f"{checkpoint.origin}\n{checkpoint.size}\n{root}\n{more}"


def key_id(name: str, public: bytes) -> bytes:
    """Return the four bytes that, with its name, tell a key from others.

    Args:
        name: The key's name.
        public: The ed25519 public key, 32 bytes.
    """
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:_KEY_ID]


def line_of(name: str, encoded: str) -> str:
    """Return a signature line from a key's name and the base64 of key id and signature."""
    return f"— {name} {encoded}\n"


def verifies(public: bytes, signature: bytes, message: bytes) -> bool:
    """Say whether an ed25519 signature over a message is a key's."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def decode_base64(text: str) -> bytes:
    """Return the bytes of some base64, and nothing for what is none."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def parse(data: bytes) -> Note:
    """Read a signed checkpoint; what others wrote is hostile until it has passed.

    Args:
        data: The note.

    Returns:
        It, its signatures not verified yet.

    Raises:
        NoteError: When it is none.
    """
    if len(data) > _MOST:
        raise NoteError("it is too large")
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise NoteError("it is no text") from error
    if any(ord(letter) < ord(" ") and letter != "\n" for letter in whole):
        raise NoteError("it holds control characters")
    text, blank, rest = whole.rpartition("\n\n")
    if not blank or (rest and not rest.endswith("\n")):
        raise NoteError("it has no blank line before its signatures, or its end is cut off")
    lines = rest.splitlines()
    if len(lines) > _LINES:
        raise NoteError("it has too many signatures")
    return Note(f"{text}\n", _checkpoint(text), tuple(map(_signature, lines)))


def signers(note: Note, keys: Mapping[tuple[str, bytes], bytes]) -> list[tuple[str, bytes]]:
    """Return name and id of the known keys that have signed a note.

    Args:
        note: It.
        keys: Public keys by name and key id.

    Raises:
        NoteError: When a known key's signature does not verify: then the whole
            note is to be rejected.
    """
    found = []
    for name, identifier, signature in note.lines:
        public = keys.get((name, identifier))
        if public is None:
            continue
        if not verifies(public, signature, note.text.encode()):
            raise NoteError(f"the signature of {name} does not match its text")
        found.append((name, identifier))
    return found


def _checkpoint(text: str) -> Checkpoint:
    origin, *more = text.split("\n")
    if not origin or len(more) < 2 or not all(more):  # noqa: PLR2004 - size and root
        raise NoteError("its text is not origin, size and root")
    root = decode_base64(more[1])
    if not _SIZE.fullmatch(more[0]) or len(root) != _ROOT:
        raise NoteError("its size or its root cannot be read")
    said = [int(found[1]) for line in more[2:] if (found := _APPENDED.fullmatch(line))]
    return Checkpoint(origin, int(more[0]), root, said[0] if said else 0)


def _signature(line: str) -> tuple[str, bytes, bytes]:
    found = _LINE.fullmatch(line)
    decoded = decode_base64(found[2]) if found else b""
    if found is None or len(decoded) <= _KEY_ID:
        raise NoteError("one of its signature lines cannot be read")
    return found[1], decoded[:_KEY_ID], decoded[_KEY_ID:]
