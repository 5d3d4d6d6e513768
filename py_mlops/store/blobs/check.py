"""Checks a blob's bytes against its name without holding them in memory."""

from __future__ import annotations

import hashlib
from typing import BinaryIO, Protocol

from py_mlops.errors import Corrupt, StoreUnavailable

_CHUNK = 1 << 20


class Opener(Protocol):
    """What gives the bytes of a digest, unverified."""

    def open(self, digest: str) -> BinaryIO:
        """Open them for reading, as `Blobs.open`."""
        ...


def check(blobs: Opener, digest: str) -> None:
    """Read a blob from end to end and compare it with its digest.

    Args:
        blobs: Where it is.
        digest: Its name.

    Raises:
        Missing: When the store does not hold it.
        Corrupt: When its bytes are not what the digest says.
        StoreUnavailable: When the disk does not give them.
    """
    found = hashlib.sha256()
    try:
        with blobs.open(digest) as stream:
            while chunk := stream.read(_CHUNK):
                found.update(chunk)
    except OSError as error:
        raise StoreUnavailable(
            f"The stored object {digest[7:19]} cannot be read: {error.strerror}.",
            hint="Check the disk; restore the object from a backup.",
        ) from error
    if found.hexdigest() != digest.removeprefix("sha256:"):
        raise Corrupt(
            f"the stored bytes are no longer what their digest {digest[:19]}… says.",
            hint="Restore the object from a backup or a bundle; `mlops verify` lists all damage.",
        )
