"""Tests of the sandbox as the users that it is for: root, and somebody ordinary."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import py_mlops

PACKAGE = Path(py_mlops.__file__).parent
USERS = ["root", "nobody"] if os.geteuid() == 0 else ["self"]


@contextmanager
def public() -> Iterator[Path]:
    """Make a folder that every user may read, with the sandbox in it, and a desk to write on."""
    folder = Path(tempfile.mkdtemp(prefix="sandbox-"))
    package = folder / "py_mlops"
    for name in ("sandbox", "guest"):
        shutil.copytree(
            PACKAGE / name, package / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("__init__.py", "errors.py"):
        shutil.copy(PACKAGE / name, package / name)
    for name in ("escapes.py", "prober.py"):
        shutil.copy(Path(__file__).with_name(name), folder / name)
    (folder / "desk").mkdir()
    subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
    (folder / "desk").chmod(0o777)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def run_as(user: str, folder: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a Python program of a public folder as a user.

    ``nobody`` takes a Python that every user may start; where there is none,
    that is printed, and the test is done as whoever runs it.
    """
    prefix, python = [], sys.executable
    if user == "nobody":
        become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
        for found in (os.path.realpath(sys.executable), "/usr/bin/python3"):
            if not subprocess.run([*become, "test", "-x", found], check=False).returncode:
                prefix, python = become, found
                break
        else:
            sys.stdout.write("not covered: no Python here that an ordinary user may start\n")
    desk = folder / "desk"
    return subprocess.run(
        [*prefix, python, *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(folder), "HOME": str(desk)},
        cwd=desk, capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
