"""Asks each standard's own tools, in the environment where they are installed, about exports."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
PYTHON = HERE.parent.parent / ".venv-validators" / "bin" / "python"
PROGRAMS = {
    "in-toto": "in_toto.py",
    "ro-crate": "ro_crate.py",
    "openlineage": "lineage_events.py",
    "cyclonedx": "cyclonedx_bom.py",
    "model-card": "model_card.py",
}


def problems(standard: str, exports: Mapping[str, bytes], folder: Path) -> dict[str, list[str]]:
    """Return what a standard's tools have against each export; nothing where they accept it.

    Args:
        standard: The word for it.
        exports: The exports' bytes by any names.
        folder: An empty folder to write in.
    """
    files = [folder / str(number) for number in range(len(exports))]
    for file, data in zip(files, exports.values(), strict=True):
        file.write_bytes(data)
    done = subprocess.run(
        [PYTHON, HERE / "accept" / PROGRAMS[standard], *files],
        cwd=folder,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "TMPDIR": str(folder), "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout.splitlines()[0])
    return dict(zip(exports, answers, strict=True))
