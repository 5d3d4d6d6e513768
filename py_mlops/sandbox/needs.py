"""What a program in a sandbox needs of this machine, which no record may replace."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from py_mlops.sandbox.mirror import covers, places, system
from py_mlops.sandbox.runtime import Runtime


class Needs:
    """The places of a sandbox that belong to the machine.

    Attributes:
        runtime: The interpreter, its environment and its base.
        shown: What the program sees of the host, by how it sees it.
        places: In which nothing may be replaced.
        folders: Places that must stay folders.
    """

    def __init__(
        self,
        program: str,
        directory: str,
        home: str,
        *,
        readable: Sequence[Path] = (),
        writable: Sequence[Path] = (),
    ) -> None:
        """Find out what is needed; see `sandbox.command` for the arguments.

        Args:
            program: The kernel's interpreter, its path or its name.
            directory: The folder that it runs in.
            home: Its home folder.
            readable: Further files and folders it may read.
            writable: Further folders it may write.
        """
        self.runtime = Runtime(program)
        self.shown = {
            "layered": list(self.runtime.layered),
            "readable": [*self.runtime.readable, *(self.runtime.follow(path) for path in readable)],
            "writable": [self.runtime.follow(path) for path in writable],
        }
        found = {place for paths in self.shown.values() for path in paths for place in places(path)}
        self.places = [*system(), *sorted(found)]
        self.folders = [directory, home, "/tmp"]  # noqa: S108 - the sandbox's own
        self._above = {
            str(parent) for path in (*self.places, *self.folders) for parent in Path(path).parents
        }

    def refuses(self, path: str) -> bool:
        """Say whether nothing but a folder may lie at a path, if anything.

        For callers that fill a mirror, and would rather leave something out
        than have `sandbox.command` refuse all of it.

        Args:
            path: Absolute and normalised.
        """
        return path in self._above or path in self.folders or self.holds(path)

    def holds(self, path: str) -> bool:
        """Say whether a path lies in a place in which nothing may be replaced."""
        return any(covers(place, path) for place in self.places)
