"""Makes the environments of ``requirements/kernels/*.txt`` in ``.venv-kernels``, for tests.

A Python that is not on this machine is named as not covered.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from py_mlops.environment import interpreters
from py_mlops.errors import InterpreterMissing
from py_mlops.records import Interpreter

HERE = Path(__file__).parent
PLACE = HERE.parent / ".venv-kernels"
_OWN = {"formats": "3.11", "torch": "3.11"}
"""Locks that are named by something else than their Python's version."""
_WITH_TORCH = ("torch",)
"""The default build of torch brings gigabytes for graphics cards, so it is in no lock."""


def main() -> None:
    """Make what is missing or outdated; what is there costs a moment."""
    for lock in sorted((HERE / "kernels").glob("*.txt")):
        version = _OWN.get(lock.stem, lock.stem)
        wanted = Interpreter(
            implementation="cpython", version=f"{version}.99", platform="", libc=""
        )
        try:
            python = interpreters.find(wanted).path
        except InterpreterMissing:
            print(f"not covered: {lock.stem}, there is no Python {version} here")
            continue
        _make(lock, python)


def _make(lock: Path, python: Path) -> None:
    folder = PLACE / lock.stem
    stamp = folder / ".installed"
    state = f"{python} {hashlib.sha256(lock.read_bytes()).hexdigest()}"
    if stamp.is_file() and stamp.read_text() == state:
        return
    print(f"making .venv-kernels/{lock.stem} with {python}")
    uv = Path(sys.executable).parent / "uv"
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    for words in (
        ["venv", "--quiet", "--clear", "--python", python, folder],
        ["pip", "install", "--quiet", "--python", folder / "bin" / "python", "--require-hashes",
         "--only-binary", ":all:", "-r", lock],
    ):  # fmt: skip
        subprocess.run([uv, *words], check=True, env=environment)
    torch = os.environ.get("TORCH", "")
    if lock.stem in _WITH_TORCH and torch:
        words = ["pip", "--python", folder / "bin" / "python", "install", "--quiet", torch]
        done = subprocess.run([sys.executable, "-m", *words], check=False, capture_output=True)
        if done.returncode:
            print(f"not covered: torch in {lock.stem}, no package source here has {torch}")
    stamp.write_text(state)


if __name__ == "__main__":
    main()
