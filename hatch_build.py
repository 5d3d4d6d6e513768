"""Builds the tracer into the wheel, where there is a C compiler; without one there is no tracer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = Path("py_mlops", "guest")
SOURCE = FOLDER / "tracer.c"
LIBRARY = FOLDER / "tracer.so"
COMPILERS = ("cc", "gcc", "clang")
FLAGS = (
    *("-shared", "-fPIC", "-O2", "-std=gnu11", "-Wall", "-Wextra", "-Wno-nonnull-compare"),
    # Nothing is exported but what it stands in front of; no symbol that old systems lack.
    *("-fvisibility=hidden", "-fno-stack-protector", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=0"),
    "-Wl,--no-as-needed",
)
LIBRARIES = ("-l:libdl.so.2",)  # where dlsym was before glibc 2.34


class TracerBuild(BuildHookInterface):  # type: ignore[type-arg]  # of no use here
    """Compiles ``tracer.c`` and gives the wheel the platform's tag when that worked."""

    def initialize(self, _version: str, build_data: dict[str, Any]) -> None:
        """Build before the files are collected.

        Args:
            _version: ``standard`` or ``editable``, which is the same to us.
            build_data: hatchling's; it learns of the library and the tag.
        """
        if self.target_name == "wheel" and build(Path(self.root)):
            build_data["artifacts"].append(f"/{LIBRARY.as_posix()}")
            build_data["pure_python"] = False
            platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["tag"] = f"py3-none-{platform}"


def build(root: Path) -> bool:
    """Compile the tracer in a source tree; say whether there is one now.

    Args:
        root: The folder that holds this file.
    """
    library = root / LIBRARY
    compiler = os.environ.get("CC") or next(filter(shutil.which, COMPILERS), None)
    if sys.platform.startswith("linux") and compiler is not None:
        with tempfile.TemporaryDirectory(dir=library.parent) as folder:
            made = Path(folder, library.name)
            command = [*compiler.split(), *FLAGS, "-o", str(made), str(root / SOURCE), *LIBRARIES]
            problem = _problem(command)
            if not problem:
                made.replace(library)  # a kernel that runs keeps the old one
                return True
            sys.stderr.write(f"No tracer: {problem}\n")
    library.unlink(missing_ok=True)  # an older one would go by the name of this source
    return False


def _problem(command: list[str]) -> str:
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return (
        (ran.stderr.strip()[-500:] or f"it ended with {ran.returncode}") if ran.returncode else ""
    )
