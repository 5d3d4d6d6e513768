"""Copies of files that others may change without a sign, made before they have them."""

from __future__ import annotations

from typing import Callable, Tuple

from .originals import Kept

Look = Tuple[int, int, int]
"""Size, modification time in nanoseconds and inode: what tells versions of a file apart."""

_LARGEST = 64 << 20
_ALL = 256 << 20


class Copies:
    """What files held before a child process or a database had them."""

    def __init__(self, keep: Callable[[str, Look], Kept]) -> None:
        """Begin with none.

        Args:
            keep: Copies a file, see `originals.Originals.keep`.
        """
        self._keep = keep
        self._made: dict[str, tuple[Look, Kept]] = {}
        self._size = 0

    def __contains__(self, path: object) -> bool:
        """Say whether there is a copy of a file, of whatever version."""
        return path in self._made

    def make(self, path: str, look: Look) -> None:
        """Copy a file, unless it is large or this version of it is copied already."""
        known = self._made.get(path)
        is_new = known is None or known[0] != look
        if is_new and look[0] <= _LARGEST and self._size + look[0] <= _ALL:
            self._size += look[0]
            self._made[path] = look, self._keep(path, look)

    def look(self, path: str) -> Look:
        """Return how a copied file looked then."""
        return self._made[path][0]

    def of(self, path: str, look: Look | None) -> Kept:
        """Return the copy of one version of a file; empty texts when there is none."""
        made = self._made.get(path)
        return made[1] if made is not None and made[0] == look else ("", "")
