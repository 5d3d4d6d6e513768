"""A stage for a sandbox: a folder of the host, and a mirror of what was recorded there."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from py_mlops import sandbox
from py_mlops.sandbox import Level, Limits

ELSEWHERE = "/recorded-elsewhere"  # no machine has it


class Stage:
    """A host's folder, and a mirror of what was recorded in a folder of the same path."""

    def __init__(self, root: Path) -> None:
        """Make the host's folder, and a mirror with one recorded file."""
        self.host = root / "host" / "project"
        self.mirror = root / "rerun" / "mirror"
        self.host.mkdir(parents=True)
        self.record(f"{self.host}/data.csv", "recorded")

    def record(self, path: str, text: str = "recorded") -> str:
        """Put a file into the mirror and return its absolute path."""
        file = sandbox.inside(self.mirror, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return path

    def recorded(self, path: Path | str) -> Path:
        """Return where a path lies in the mirror."""
        return sandbox.inside(self.mirror, str(path))

    def command(
        self,
        argv: Sequence[str],
        directory: Path | str = "",
        *,
        readable: Sequence[Path] = (),
        writable: Sequence[Path] = (),
        limits: Limits | None = None,
        network: bool = False,
        links: Mapping[str, str] | None = None,
    ) -> list[str]:
        """Return the wrapped command, in the project's folder unless told otherwise."""
        return sandbox.command(
            argv,
            mirror=self.mirror,
            directory=str(directory or self.host),
            readable=readable,
            writable=writable,
            limits=limits,
            network=network,
            links=links,
            level=Level.NAMESPACES,
        )

    def run(self, argv: Sequence[str], **options: Limits) -> subprocess.CompletedProcess[str]:
        """Run a program on the stage."""
        wrapped = self.command(argv, limits=options.get("limits"))
        return subprocess.run(wrapped, capture_output=True, text=True, check=False, timeout=100)

    def shell(self, script: str, directory: Path | str = "") -> str:
        """Run a shell script on the stage, which must succeed, and return what it printed."""
        argv = self.command(["sh", "-euc", script], directory)
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()
