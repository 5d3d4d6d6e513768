"""Which files are left out of a snapshot, and why."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from py_mlops.guest import places

SETTINGS = "your settings"
"""Why a file is left out that the person's own settings name."""


class IgnoreRules:
    """Rules by the beginning of a path, by a folder's name, or by a pattern of yours.

    The kernel leaves out the same places by the same list when it watches; here
    they are judged again, because what a kernel says is not believed.
    """

    def __init__(self, prefixes: Iterable[str], patterns: Sequence[str] = ()) -> None:
        """Make the rules.

        Args:
            prefixes: Roots of the kernel's interpreter and packages.
            patterns: Further rules from the settings: an absolute path (``~`` is
                the home folder) leaves out everything below it; a pattern with
                a slash is matched against the whole path, any other against the
                file's name.
        """
        self._prefixes = dict(places.left_out(prefixes))
        self._kept = tuple(places.kept())
        self._patterns: list[str] = []
        for pattern in patterns:
            path = os.path.expanduser(pattern)  # noqa: PTH111 - a pattern is no path yet
            if path.startswith("/") and not set(path) & set("*?["):
                self._prefixes[path.rstrip("/") + "/"] = SETTINGS
            elif path:
                self._patterns.append(path)
        self._beginnings = tuple(self._prefixes)

    def reason(self, path: str) -> str | None:
        """Return why a file is left out, ``None`` when it is kept.

        Args:
            path: Absolute and normalised.
        """
        for pattern in self._patterns:
            if fnmatchcase(path if "/" in pattern else path.rpartition("/")[2], pattern):
                return f"{pattern} ({SETTINGS})"
        # At once for all: most files of a large folder are under none.
        prefixes = self._prefixes if f"{path}/".startswith(self._beginnings) else {}
        for prefix, why in prefixes.items():
            # The kept caches are an exception to the built-in rules only.
            kept = why != SETTINGS and path.startswith(self._kept)
            if (path + "/").startswith(prefix) and not kept:
                return f"{prefix} ({why})"
        for part in places.PARTS:
            if f"/{part}/" in path:
                return f"{part}/ (folders of that name)"
        return None

    def keeps_all(self, folder: str) -> bool:
        """Say whether no file right in a folder is left out, whatever its name.

        Args:
            folder: Absolute and normalised.
        """
        below = f"{folder.rstrip('/')}/"
        return not (
            self._patterns
            or below.startswith(self._beginnings)
            or any(prefix.startswith(below) for prefix in self._beginnings)
            or any(f"/{part}/" in below for part in places.PARTS)
        )

    def lines(self) -> list[str]:
        """Return the rules for a person, one a line; for the record's ``capture.ignored``."""
        reasons: dict[str, list[str]] = {}
        for prefix, why in self._prefixes.items():
            reasons.setdefault(why, []).append(prefix)
        lines = [f"{why}: {', '.join(found)}" for why, found in reasons.items()]
        lines.append("folders of these names: " + ", ".join(f"{part}/" for part in places.PARTS))
        if self._patterns:
            lines.append(f"{SETTINGS}: " + ", ".join(self._patterns))
        if self._kept:
            lines.append("but these are kept: " + ", ".join(self._kept))
        return lines
