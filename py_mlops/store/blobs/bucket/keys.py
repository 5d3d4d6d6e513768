"""Where things lie in a bucket, below the address's prefix."""

from __future__ import annotations

import re

from py_mlops.errors import InputError
from py_mlops.records import is_digest

OBJECTS = "objects"
"""The blobs, as in a folder."""

TOUCHED = "touched"
"""Empty objects: when a blob that was there already was last wanted."""

DOOMED = "doomed"
"""Empty objects: the garbage collector is about to remove that blob."""

CLOCK = "clock"
"""Empty objects, written to learn what time the server has."""

_OBJECT = re.compile(rf"{OBJECTS}/([0-9a-f]{{2}})/(\1[0-9a-f]{{62}})")
_HEX = re.compile(r"[0-9a-f]{64}")


def key(digest: str) -> str:
    """Return where a blob lies.

    Raises:
        InputError: When the text is not a digest, whatever else it may be.
    """
    name = _hex(digest)
    return f"{OBJECTS}/{name[:2]}/{name}"


def touched(digest: str) -> str:
    """Return where it is noted that a blob was wanted."""
    return f"{TOUCHED}/{_hex(digest)}"


def doomed(digest: str) -> str:
    """Return where it is noted that a blob is being removed."""
    return f"{DOOMED}/{_hex(digest)}"


def digest_at(path: str) -> str | None:
    """Return the digest of the blob at a place; ``None`` where something else lies."""
    found = _OBJECT.fullmatch(path)
    return f"sha256:{found[2]}" if found else None


def noted_at(path: str) -> str | None:
    """Return the digest that a note is about; ``None`` for what is no note of ours."""
    name = path.rpartition("/")[2]
    return f"sha256:{name}" if _HEX.fullmatch(name) else None


def _hex(digest: str) -> str:
    if not is_digest(digest):
        raise InputError(
            f"{str(digest)[:80]!r} is not a digest.",
            hint="A digest is `sha256:` and 64 hexadecimal digits.",
        )
    return digest.removeprefix("sha256:")
