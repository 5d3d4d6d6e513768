"""The command line: each verb parses its words, calls one command and shows the record."""

from __future__ import annotations

from py_mlops.cli import answer, exports, lineage, predictions, remotes, reruns, snapshots, upkeep
from py_mlops.cli.main import main

__all__ = [
    "answer",
    "exports",
    "lineage",
    "main",
    "predictions",
    "remotes",
    "reruns",
    "snapshots",
    "upkeep",
]
