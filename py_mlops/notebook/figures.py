"""The images that a saved notebook shows, looked at before anybody draws them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from py_mlops.notebook.document import Document
from py_mlops.records import digest_of

Mime = Literal["image/png", "image/jpeg"]

_BEGINS: dict[Mime, bytes] = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
_LARGEST = 16 * 1024 * 1024


@dataclass(frozen=True)
class Image:
    """An image.

    Attributes:
        mime: Its type, which its first bytes confirm.
        cell: Its cell's place among the code cells, from 1.
        data: Its bytes.
    """

    mime: Mime
    cell: int
    data: bytes

    @property
    def digest(self) -> str:
        """Return the digest of its bytes."""
        return digest_of(self.data)


def images(document: Document) -> Iterator[Image]:
    """Yield the PNG and JPEG images that a notebook's cells show, in order.

    An SVG is none: it can run code.
    """
    number = 0
    for cell in document.normalised_cells:
        if cell.get("cell_type") != "code":
            continue
        number += 1
        outputs = cell.get("outputs")
        for output in outputs if isinstance(outputs, list) else []:
            yield from _of(output.get("data"), number)


def _of(data: object, cell: int) -> Iterator[Image]:
    if not isinstance(data, dict):
        return
    for mime, begin in _BEGINS.items():
        text = data.get(mime)
        if isinstance(text, str) and len(text) <= _LARGEST:
            try:
                found = base64.b64decode(text)
            except (binascii.Error, ValueError):
                continue
            if found.startswith(begin):
                yield Image(mime, cell, found)
