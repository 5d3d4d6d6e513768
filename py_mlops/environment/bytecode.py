"""Bytecode for an environment: what one rerun had to compile, the next one finds compiled."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

_MOST = 20_000
# Runs in the environment's Python, of which -I -S leaves the standard library only:
# a module is read and compiled, and nothing of it is executed. Its parent ends at once,
# so that whoever asked has no child to wait for.
_COMPILE = """
import os, py_compile, sys
names = sys.stdin.buffer.read().split(b"\\0")
if os.fork():
    os._exit(0)
os.nice(19)
for line in names:
    try:
        py_compile.compile(os.fsdecode(line), quiet=2)
    except Exception:
        pass
"""


def compile_later(base: Path | None, environment: Path, modules: Iterable[str]) -> None:
    """Compile modules of an environment in a process of its own that nobody waits for.

    A rerun's own bytecode is lost with its sandbox, and is not to be trusted:
    only the names of the modules are taken from it.

    Args:
        base: The interpreter beneath the environment. The environment's own is
            a file that its packages could have replaced. Where there is none,
            nothing is compiled.
        environment: The environment's folder.
        modules: Paths of modules relative to the environment's folder; those
            that do not lead to a file in it are left out.
    """
    environment = environment.resolve()
    found = []
    for name in modules:
        path = (environment / name).resolve()
        if path.suffix == ".py" and path.is_relative_to(environment) and path.is_file():
            found.append(bytes(path))
    if not found or base is None:
        return
    subprocess.run(
        [str(base), "-I", "-S", "-c", _COMPILE],
        input=b"\0".join(found[:_MOST]),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        check=False,
    )
