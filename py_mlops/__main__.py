"""``python -m py_mlops`` is ``mlops``."""

from __future__ import annotations

from py_mlops.cli import main

main(prog_name="mlops")
