"""The person who signs: their name, their key for the ledger, and their own SSH key."""

from __future__ import annotations

import base64
import re
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from py_mlops.records import Author, LogSignature, PublicKey, Signature, digest_of
from py_mlops.signing import keygen
from py_mlops.signing.note import ORIGIN, Checkpoint, key_id, line_of, text_of
from py_mlops.signing.private import NoKeyError, private_key
from py_mlops.signing.sshsig import armored, key_line, message

_UNFIT = re.compile(r"[^A-Za-z0-9@._-]+")
_LONGEST = 100


class Signer:
    """Signs in one person's name; where they have no key, nothing is signed and it says why.

    Attributes:
        author: The person.
        problem: Why nothing is signed; empty while all is well.
    """

    def __init__(self, author: Author, folder: Path) -> None:
        """Remember where the key is, or is to be made; nothing is read yet.

        Args:
            author: The person.
            folder: Their configuration folder.
        """
        self.author = author
        self.problem = ""
        self._folder = folder

    @cached_property
    def name(self) -> str:
        """The name of this person's keys; it says so when nobody has verified who they are."""
        said = self.author.email or self.author.name
        name = _UNFIT.sub("-", said).strip("-")[:_LONGEST] or "nobody"
        return f"unverified/{name}" if self.author.source == "unverified" else name

    @cached_property
    def _secret(self) -> Ed25519PrivateKey | None:
        try:
            return private_key(self._folder)
        except NoKeyError as error:
            self.problem = str(error)
            return None

    @cached_property
    def _personal(self) -> keygen.PersonalKey | None:
        return keygen.personal_key()

    @property
    def public(self) -> bytes:
        """The public key for the ledger, 32 bytes; empty when there is none."""
        return self._secret.public_key().public_bytes_raw() if self._secret else b""

    def log_key(self, created: str) -> PublicKey | None:
        """Return what announces the key for the ledger.

        Args:
            created: The time for the record.
        """
        return self._announced("log", key_line(self.public), created) if self.public else None

    def sign_log(self, store: str, size: int, root: bytes, appended: int) -> LogSignature | None:
        """Sign what the ledger is after one has appended to it.

        Args:
            store: The store's own name.
            size: How many rows the log has now.
            root: Their Merkle tree hash.
            appended: How many of them one has appended.
        """
        if self._secret is None:
            return None
        text = text_of(Checkpoint(f"{ORIGIN}{store}", size, root, appended)).encode()
        identified = key_id(self.name, self.public) + self._secret.sign(text)
        return LogSignature(
            size=size,
            appended=appended,
            name=self.name,
            note=base64.b64encode(identified).decode(),
            ssh=base64.b64encode(self._secret.sign(message(text))).decode(),
        )

    def sign_text(self, text: str) -> str:
        """Return a signature line under a note's text; empty when there is no key."""
        if self._secret is None:
            return ""
        identified = key_id(self.name, self.public) + self._secret.sign(text.encode())
        return line_of(self.name, base64.b64encode(identified).decode())

    def seal(self, data: bytes) -> str:
        """Return an armored OpenSSH signature by the ledger's key; empty without one."""
        if self._secret is None:
            return ""
        return armored(self.public, self._secret.sign(message(data)))

    def sign_act(self, record: bytes, created: str) -> tuple[PublicKey, Signature] | None:
        """Sign an act with the person's own SSH key, where they have one that asks nothing.

        Args:
            record: The act's canonical JSON.
            created: The time for the records.

        Returns:
            What announces the key, and the signature.
        """
        if self._personal is None:
            return None
        signature = keygen.sign(self._personal, record)
        if not signature:
            return None
        return (
            self._announced("act", self._personal.line, created),
            Signature(
                created=created,
                author=self.author,
                record=digest_of(record),
                key=self._personal.line,
                signature=signature,
            ),
        )

    def _announced(self, use: str, key: str, created: str) -> PublicKey:
        return PublicKey(
            created=created,
            author=self.author,
            use="log" if use == "log" else "act",
            name=self.name,
            key=key,
        )
