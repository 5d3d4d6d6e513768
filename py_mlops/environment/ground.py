"""What packages are installed upon: a Python of this machine, or a prefix of conda's packages."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from py_mlops.environment import interpreters, uv
from py_mlops.environment.conda import prefix
from py_mlops.environment.install import last_words
from py_mlops.environment.shelf import CopyTo
from py_mlops.environment.wheel import Seal
from py_mlops.errors import EnvironmentFailure
from py_mlops.progress import Report


@dataclass
class Virtual:
    """A virtual environment over a Python of this machine."""

    found: interpreters.Found
    folder: Path
    notes: list[str] = field(default_factory=list)
    _seal: Seal | None = None

    @property
    def options(self) -> list[str | Path]:
        """What names it to uv."""
        return ["--python", self.folder / "bin" / "python"]

    def fresh(self) -> None:
        """Make it from nothing."""
        _venv(self.found.path, self.folder)
        self._seal = Seal(self.folder)

    def check(self) -> None:
        """Check that no package took the place of its interpreter."""
        if self._seal is not None:
            self._seal.check()


@dataclass
class Prefix:
    """A prefix of conda packages, whose Python is one of them and is not run here."""

    under: prefix.Beneath
    files: list[Path]
    folder: Path
    cache: Path
    report: Report
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(
        cls, under: prefix.Beneath, folder: Path, *, cache: Path, copy_to: CopyTo, report: Report
    ) -> Prefix:
        """Have the files of its packages before anything is unpacked.

        Raises:
            Unavailable: When one cannot be had.
        """
        files = prefix.archives(under, cache=cache, copy_to=copy_to, report=report)
        return cls(under, files, folder, cache, report)

    @property
    def options(self) -> list[str | Path]:
        """What names it to uv: the folder alone, for uv would start its interpreter."""
        version = ["--python", sys.executable, "--python-version", self.under.version]
        return [*version, "--target", self.folder / self.under.site]

    def fresh(self) -> None:
        """Make it from nothing."""
        self.notes[:] = prefix.unpack(
            self.under, self.files, self.folder, cache=self.cache, report=self.report
        )

    def check(self) -> None:
        """Put programs and data where a prefix has them: uv left them beside the packages."""
        site = self.folder / self.under.site
        for name in ("bin", "etc", "share"):
            for path in sorted((site / name).rglob("*")):
                place = self.folder / path.relative_to(site)
                if path.is_dir() and not path.is_symlink():
                    continue
                place.parent.mkdir(parents=True, exist_ok=True)
                if not place.exists():
                    path.rename(place)
                    if name == "bin":
                        _lead(place, self.folder / "bin" / "python")
            shutil.rmtree(site / name, ignore_errors=True)


def _lead(program: Path, python: Path) -> None:
    """Let a program that uv wrote start with the prefix's Python, not with ours."""
    text = program.read_bytes()
    first, end, rest = text.partition(b"\n")
    if first == b"#!" + os.fsencode(sys.executable):
        program.write_bytes(b"#!" + bytes(python) + end + rest)


def _venv(python: Path, folder: Path) -> None:
    """Make an environment with nothing in it, whatever lies in its folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    answer = uv.run(
        ["venv", "--quiet", "--allow-existing", "--no-project", "--python", python, folder],
        folder=folder,
    )
    if not answer.ok:
        raise EnvironmentFailure(
            f"No environment could be made with {python}: {last_words(answer.error)}",
            hint="Check that this Python starts and has not been moved.",
        )
