"""What a Python program needs of its machine: its environment, its base, the links between."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from py_mlops.sandbox.mirror import covers

SHOWN = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
"""The system's programs and libraries, which every program needs."""

_PARTS = ("bin", "lib", "lib64", "include", "share", "ssl", "etc", "conda-meta")
_MOST_LINKS = 1000  # links may form a circle


class Runtime:
    """What a program needs.

    Attributes:
        layered: Virtual environments, which may be written to in a layer above.
        readable: Folders and files of the base interpreter.
        links: Every link on the way to them, and where it leads.
    """

    def __init__(self, program: str) -> None:
        """Find out what a program needs.

        Args:
            program: Its path, or a name found through ``PATH``.
        """
        self.layered: list[str] = []
        self.readable: list[str] = []
        self.links: dict[str, str] = {}
        for path in SHOWN:
            self.follow(Path(path))
        here = Path(shutil.which(program) or program).absolute()
        real = Path(self.follow(here))
        configuration = here.parent.parent / "pyvenv.cfg"
        if configuration.is_file():
            self.layered.append(self.follow(configuration.parent))
            self.follow(Path(_base_of(configuration), real.name))
        if any(covers(folder, str(real)) for folder in SHOWN) or not os.access(real, os.X_OK):
            return
        base = real.parent.parent
        parts = [base / name for name in _PARTS] if real.parent.name == "bin" else [real]
        self.readable += [str(part) for part in parts if part.exists()]

    def follow(self, path: Path) -> str:
        """Note every link on the way to a path; return where the way ends."""
        walked, waiting = Path("/"), list(reversed(path.parts[1:]))
        for _ in range(_MOST_LINKS):
            if not waiting:
                break
            part = waiting.pop()
            walked = walked.parent if part == ".." else walked / part
            if walked.is_symlink():
                target = walked.readlink()
                self.links[str(walked)] = str(target)
                waiting += reversed(target.parts[1:] if target.is_absolute() else target.parts)
                walked = Path("/") if target.is_absolute() else walked.parent
        return str(walked)


def _base_of(configuration: Path) -> str:
    """Return the folder of the interpreter that an environment was made with."""
    for line in configuration.read_text("utf-8", errors="replace").splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "home" and Path(value.strip()).is_absolute():
            return value.strip()
    return str(configuration.parent / "bin")
