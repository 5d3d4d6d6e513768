"""Opens the tour's notebook in JupyterLab, in a project laid out for it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tour import REPO, lay_out

PROJECT = REPO / ".tour-lab"

if __name__ == "__main__":
    if not PROJECT.exists():
        lay_out(PROJECT, Path(sys.executable))
    root = ["--allow-root"] if os.getuid() == 0 else []
    jupyter = str(Path(sys.executable).with_name("jupyter"))
    notebook = str(PROJECT / "digits.ipynb")
    os.execv(jupyter, [jupyter, "lab", *root, notebook, *sys.argv[1:]])  # noqa: S606 - no shell wanted
