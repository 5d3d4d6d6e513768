"""Finds the kind of blobs an address asks for: a folder, or a bucket."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from urllib.parse import urlsplit

from py_mlops.errors import InputError
from py_mlops.store.base import Blobs
from py_mlops.store.blobs.folder import FolderBlobs

BUCKETS = ("s3", "gs", "az")
"""Schemes of the addresses that `py_mlops.store.blobs.bucket` opens."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def open_blobs(address: str, *, timeout: float | None = None) -> Blobs:
    """Open the blobs at an address; nothing is made before the first write.

    Args:
        address: An absolute folder, or a bucket with a prefix: ``s3://…``,
            ``gs://…``, ``az://…``.
        timeout: Seconds for one request to a bucket; as the surroundings say by default.

    Returns:
        The blobs.

    Raises:
        InputError: When the address is neither, holds a password, or the
            libraries for buckets are not installed.
    """
    if _SCHEME.match(address) is None:
        return _folder(address)
    parts = urlsplit(address)
    if parts.scheme not in BUCKETS:
        raise InputError(
            f"Bytes cannot be kept at {parts.scheme}://.",
            hint="Name a folder, or a bucket: s3://BUCKET/PREFIX, gs://… or az://….",
        )
    if parts.username is not None or parts.password is not None:
        raise InputError(
            "The bucket's address holds a key or a password.",
            hint="Leave it out there: its provider's own variables or files are read, "
            "such as AWS_ACCESS_KEY_ID or ~/.aws/credentials.",
        )
    return _bucket(address, timeout)


def _folder(address: str) -> FolderBlobs:
    folder = Path(address).expanduser()
    if not folder.is_absolute():
        raise InputError(
            f"The folder {address!r} is not absolute: other programs would look elsewhere for it.",
            hint="Write it from the root or from ~ on.",
        )
    return FolderBlobs(folder)


def _bucket(address: str, timeout: float | None) -> Blobs:
    try:
        # An extra: obstore is not installed with the core.
        module = importlib.import_module("py_mlops.store.blobs.bucket.blobs")
    except ImportError as error:
        raise InputError(
            "Keeping bytes in a bucket needs libraries that are not installed.",
            hint="Install them with: pip install 'py-mlops[team]'.",
        ) from error
    blobs: Blobs = module.BucketBlobs(address, timeout=timeout)
    return blobs
