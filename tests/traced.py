"""Programs run under the tracer, for tests: the library built from the sources, and its log."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import hatch_build
from py_mlops.guest.tracelog import TraceLog

ROOT = Path(__file__).parent.parent
SKIPPED = (
    *("/proc/", "/sys/", "/dev/", "/etc/", "/lib/", "/lib64/", "/usr/"),
    *(f"{prefix}/" for prefix in dict.fromkeys([sys.prefix, sys.base_prefix])),
)


def build(folder: Path) -> Path:
    """Compile the tracer into a folder and return the library."""
    source = folder / hatch_build.SOURCE
    source.parent.mkdir(parents=True)
    shutil.copy(ROOT / hatch_build.SOURCE, source)
    assert hatch_build.build(folder)
    return folder / hatch_build.LIBRARY


class Traced:
    """Runs programs under the tracer in a folder, with a log for all of them."""

    def __init__(self, library: Path, folder: Path) -> None:
        """Prepare the log, beside the folder."""
        self.library, self.folder = library, folder
        self.log = folder.parent / f"{folder.name}.log"
        self.log.touch(0o600)

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment that makes a program traced."""
        return {
            **os.environ,
            "LD_PRELOAD": str(self.library),
            "MLOPS_TRACE": str(self.log),
            "MLOPS_TRACE_SKIP": ":".join(SKIPPED),
            **more,
        }

    def run(self, *argv: Any, **env: str) -> str:
        """Run a program and return what it printed; it must not fail nor complain."""
        ran = subprocess.run(
            [*map(os.fspath, argv)], cwd=self.folder, env=self.environment(**env),
            capture_output=True, text=True, check=True, errors="surrogateescape", timeout=60,
        )  # fmt: skip
        assert ran.stderr == ""
        return ran.stdout

    def python(self, code: str, **env: str) -> str:
        """Run Python code; see `run`."""
        return self.run(sys.executable, "-c", code, **env)

    def records(self) -> list[list[bytes]]:
        """Return all records so far."""
        return list(TraceLog(str(self.log)).records())

    def files(self) -> list[tuple[str, str]]:
        """Return kind and path, relative to the folder, of the files in it, in order."""
        start = os.fsencode(self.folder) + b"/"
        return [
            (fields[3].decode(), os.fsdecode(fields[9][len(start) :]))
            for fields in self.records()
            if fields[0] == b"F" and fields[9].startswith(start)
        ]
