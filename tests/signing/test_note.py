from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from py_mlops.signing.note import (
    Checkpoint,
    NoteError,
    key_id,
    line_of,
    parse,
    signers,
    text_of,
    verifies,
)

# The example of golang.org/x/mod/sumdb/note, the format's first implementation.
NAME, HASH, ENCODED = (
    "PeterNeumann",
    "c74f20a3",
    "ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
)
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
SIGNED = (
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
)
SECRET = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = SECRET.public_key().public_bytes_raw()
SEEN = Checkpoint("py-mlops/abc", 7, bytes(32), 2)


def note(text: str = text_of(SEEN), signed: str | None = None) -> bytes:
    """Return a note, signed over its text or another one."""
    signature = key_id("ada", PUBLIC) + SECRET.sign((signed or text).encode())
    return f"{text}\n{line_of('ada', base64.b64encode(signature).decode())}".encode()


def test_the_first_implementations_example_verifies() -> None:
    """Key id and signature are those that the reference implementation publishes."""
    public, signed = base64.b64decode(ENCODED)[1:], base64.b64decode(SIGNED)
    assert key_id(NAME, public).hex() == HASH == signed[:4].hex()
    assert verifies(public, signed[4:], TEXT.encode())
    assert not verifies(public, signed[4:], TEXT.upper().encode())


def test_a_checkpoint_says_what_was_signed() -> None:
    """Origin, size, root and the number of one's own rows come back, with who signed."""
    found = parse(note())
    assert found.checkpoint == SEEN
    assert signers(found, {("ada", key_id("ada", PUBLIC)): PUBLIC}) == [
        ("ada", key_id("ada", PUBLIC))
    ]
    assert signers(found, {}) == []


def test_a_known_keys_wrong_signature_rejects_the_note() -> None:
    """A signature over another text is an error, not an unknown signer."""
    with pytest.raises(NoteError, match="does not match"):
        signers(parse(note(signed="other\n1\nroot\n")), {("ada", key_id("ada", PUBLIC)): PUBLIC})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"py-mlops/abc\n7\n",
        b"py-mlops/abc\n7\nAAAA\n\n",
        note("py-mlops/abc\n07\n" + text_of(SEEN).split("\n")[2] + "\n"),
        note("py-mlops/abc\n-7\n" + text_of(SEEN).split("\n")[2] + "\n"),
        note()[:-1],
        note() + b"more\n",
        note().replace("— ".encode(), b"- "),
        note().replace(b"7", b"7\r"),
        note() + note().splitlines(keepends=True)[-1] * 20,
        b"x" * (1 << 17),
    ],
)
def test_what_is_no_note_is_refused(data: bytes) -> None:
    """A cut, a control character, another line, a size that is none: each is said in words."""
    with pytest.raises(NoteError, match=r"\w+ \w+"):
        parse(data)
