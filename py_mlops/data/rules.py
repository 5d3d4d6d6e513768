"""Which files are no part of a snapshot, by rules that are shown and can be extended."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

from py_mlops.guest.places import PARTS, kept, left_out


class IgnoreRules:
    """The rules by which files are left out: shown in every record, never guessed."""

    def __init__(self, prefixes: Sequence[str], patterns: Sequence[str] = ()) -> None:
        """Collect the default rules and the person's own.

        Args:
            prefixes: Roots of the kernel's interpreter and packages.
            patterns: Shell patterns of whole paths from the settings,
                ``*/scratch/*``.
        """
        self._folders = left_out(prefixes)
        self._kept = kept()
        self._patterns = tuple(patterns)

    def reason(self, path: str) -> str | None:
        """Say why a file is left out.

        Args:
            path: An absolute path.

        Returns:
            The reason in plain words; ``None`` when it belongs to the snapshot.
        """
        for pattern in self._patterns:
            if fnmatch.fnmatch(path, pattern):
                return f"your rule {pattern}"
        for part in PARTS:
            if f"/{part}/" in path:
                return f"it lies in a {part} folder"
        if any(path.startswith(folder) for folder in self._kept):
            return None
        return next((why for folder, why in self._folders if path.startswith(folder)), None)

    def lines(self) -> list[str]:
        """Return the rules as a person reads them."""
        by_reason: dict[str, list[str]] = {}
        for folder, why in self._folders:
            by_reason.setdefault(why, []).append(folder)
        lines = [f"{why}: {', '.join(folders)}" for why, folders in by_reason.items()]
        lines.append("folders named " + ", ".join(PARTS))
        return lines + [f"your rule {pattern}" for pattern in self._patterns]
