"""Whose keys sign, and what they have signed."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from py_mlops.records.author import Author
from py_mlops.records.base import Digest, Part, Record, Time

KeyLine = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9@.-]{1,64} [A-Za-z0-9+/]{1,8192}={0,2}\Z")]
"""A public key as OpenSSH writes it, type and base64, without a comment."""

KeyName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9@._/-]{1,128}\Z")]
"""A key's name: in signed notes, and as a principal of OpenSSH's ``allowed_signers``."""

Base64 = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9+/]{1,256}={0,2}\Z")]
"""Standard base64 of some bytes (RFC 4648, section 4)."""


class PublicKey(Record, frozen=True, tag="public-key"):
    """A person says which key is theirs; the private one is in no store.

    Attributes:
        created: When.
        author: Whose it is.
        use: ``log``: it signs what that person appends to the ledger; ``act``: it
            signs single acts of theirs, by ``ssh-keygen -Y sign``.
        name: Its name, beginning with ``unverified/`` when nobody but the
            operating system said who the author is.
        key: The public key.
    """

    created: Time
    author: Author
    use: Literal["log", "act"]
    name: KeyName
    key: KeyLine


class Signature(Record, frozen=True, tag="signature"):
    """A person signed one of their acts with their SSH key.

    Attributes:
        created: When.
        author: Who signed.
        record: Id of what they signed: the bytes of that record are the message.
        key: The public key that it verifies with.
        signature: The armored signature (SSHSIG), namespace ``py-mlops``.
    """

    created: Time
    author: Author
    record: Digest
    key: KeyLine
    signature: Annotated[str, msgspec.Meta(max_length=16384)]


class LogSignature(Part, frozen=True):
    """A signature over the ledger, made by who appended its last rows, in the same transaction.

    Attributes:
        size: How many rows the log had.
        appended: How many of them, the last ones, were appended by who signs.
        name: The key's name.
        note: base64 of key id and ed25519 signature, as the signed note's line has them.
        ssh: base64 of the same key's ed25519 signature in an SSHSIG of the same text.
    """

    size: Annotated[int, msgspec.Meta(ge=1)]
    appended: Annotated[int, msgspec.Meta(ge=1)]
    name: KeyName
    note: Base64
    ssh: Base64
