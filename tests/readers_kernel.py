"""The environment of ``requirements/readers.txt``, in which our package is not installed."""

from __future__ import annotations

import json
from pathlib import Path

READERS_PYTHON = str(Path(__file__).parent.parent / ".venv-readers" / "bin" / "python")
"""Its interpreter; ``make test`` makes it."""

TORCH_PYTHON = str(Path(__file__).parent.parent / ".venv-kernels" / "torch" / "bin" / "python")
"""The interpreter of the environment that has torch, where a package source here has it."""


def kernelspec(folder: Path, name: str) -> Path:
    """Register the environment's kernel; return what ``JUPYTER_PATH`` has to be."""
    spec = folder / "jupyter" / "kernels" / name
    spec.mkdir(parents=True)
    argv = [READERS_PYTHON, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    described = {"argv": argv, "display_name": name, "language": "python"}
    (spec / "kernel.json").write_text(json.dumps(described))
    return folder / "jupyter"
