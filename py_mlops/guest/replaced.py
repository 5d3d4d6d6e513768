"""Packages that were installed anew while the program had their old version loaded."""

from __future__ import annotations

import os
import re
import sys
from typing import Any

_KIND = ".dist-info"
_LONGEST = 8 << 20


class Replaced:
    """Looks, after each cell, whether ``%pip`` or anything else changed a loaded package."""

    def __init__(self) -> None:
        """Begin with an empty record; `attach` starts it."""
        self._observer: Any = None
        self._stamps: dict[str, int] = {}
        self._versions: dict[str, str] = {}
        self._loaded: set[str] = set()  # top-level modules, when the cell began
        self._found: dict[str, dict[str, Any]] = {}

    def attach(self, shell: Any, observer: Any) -> None:
        """Note what is installed, and look again after each cell.

        Args:
            shell: The IPython shell.
            observer: Its ``cell`` attribute is the running cell's count.
        """
        self._observer = observer
        self._versions, self._stamps = _installed(), _stamps()
        self._loaded = set(sys.modules)
        shell.events.register("pre_run_cell", self._before)
        shell.events.register("post_run_cell", self._after)

    def seen(self) -> list[dict[str, Any]]:
        """Return what is still loaded otherwise than installed.

        Returns:
            Dicts in the shape of ``records.handover.SeenReplaced``.
        """
        self._look()
        found = []
        for name, item in sorted(self._found.items()):
            version = self._versions.get(name, "")
            same = any(sys.modules.get(top) is module for top, module in item["modules"])
            if same and version and version != item["loaded"]:
                loaded, cell = item["loaded"], item["cell"]
                found.append({"name": name, "loaded": loaded, "version": version, "cell": cell})
        return found

    def _before(self, _info: Any) -> None:
        self._loaded = set(sys.modules)

    def _after(self, _result: Any) -> None:
        try:
            with self._observer.paused():
                self._look()
        except Exception:  # noqa: S110 - a failure of ours is never the user's
            pass

    def _look(self) -> None:
        stamps = _stamps()
        if stamps == self._stamps:
            return
        now = _installed()
        for name, version in self._versions.items():
            if now.get(name, version) == version or name in self._found:
                continue
            modules = [(top, sys.modules[top]) for top in _modules(name, now[name])
                       if top in self._loaded and top in sys.modules]  # fmt: skip
            if modules:
                cell = self._observer.cell
                self._found[name] = {"loaded": version, "modules": modules, "cell": cell}
        self._versions, self._stamps = now, stamps


def _stamps() -> dict[str, int]:
    """Return when each folder of packages was last changed."""
    found = {}
    for folder in sys.path:
        if str(folder).endswith("-packages"):  # programs append pathlib paths too
            try:
                found[folder] = os.stat(folder).st_mtime_ns
            except OSError:
                continue
    return found


def _installed() -> dict[str, str]:
    """Return the version of each installed distribution, by its normalised name."""
    found: dict[str, str] = {}
    for folder in _stamps():
        for name in sorted(os.listdir(folder)):
            project, dash, version = name[: -len(_KIND)].partition("-")
            if name.endswith(_KIND) and dash:
                found.setdefault(re.sub(r"[-_.]+", "-", project).lower(), version)
    return found


def _modules(name: str, version: str) -> set[str]:
    """Return the top-level modules of a distribution, from the list of its files."""
    for folder in _stamps():
        for entry in os.listdir(folder):
            project, _, number = entry[: -len(_KIND)].partition("-")
            same = re.sub(r"[-_.]+", "-", project).lower() == name and number == version
            if not (same and entry.endswith(_KIND)):
                continue
            try:
                with open(os.path.join(folder, entry, "RECORD"), encoding="utf-8") as stream:
                    lines = stream.read(_LONGEST).splitlines()
            except (OSError, ValueError):
                return set()
            firsts = {line.split(",", 1)[0].split("/", 1)[0] for line in lines}
            return {first.split(".", 1)[0] for first in firsts if not first.endswith(_KIND)}
    return set()
