"""Writes pieces into one file, for places that take files and no streams."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from py_mlops.errors import StoreUnavailable


def spool(pieces: Iterable[bytes], folder: Path) -> Path:
    """Write pieces, one behind the other, into a new file and return its path.

    Args:
        pieces: They are asked for one by one, and never held all at once.
        folder: Where the file is made.

    Raises:
        StoreUnavailable: When the folder cannot be written.
    """
    try:
        descriptor, path = tempfile.mkstemp(dir=folder)
        with os.fdopen(descriptor, "wb") as stream:
            for piece in pieces:
                stream.write(piece)
    except OSError as error:
        raise StoreUnavailable(
            f"{folder} cannot be written: {error.strerror}.",
            hint="Free some space for temporary files, or name another folder with TMPDIR.",
        ) from error
    return Path(path)
