"""Handovers as a kernel writes them, for tests that need a snapshot but no kernel."""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

from nbformat.v4 import new_code_cell, new_notebook, writes

from py_mlops.commands.snapshots.snapshot import snapshot
from py_mlops.guest.facts import facts
from py_mlops.records import record_id
from py_mlops.records.handover import FILE
from py_mlops.workspace import Workspace

AROUND: dict[str, Any] = {
    "variables": {}, "user": "", "zone": "UTC", "links": [], "listings": [], "cut": False
}  # fmt: skip
"""A session that found nothing but its files."""
CELLS = ["table = open('data/flowers.csv').read()", "accuracy = 0.96875\nprint(accuracy)"]
"""What the session of `a_project` executed."""

MODEL = pickle.dumps({"coef": [1.0, 2.0]}, protocol=4)
"""Its model's payload."""


def seen(path: Path, **parts: Any) -> dict[str, Any]:
    """Return what a kernel notes of a file that cell 1 read as it is now."""
    found = path.stat() if path.exists() else None
    return {
        "path": str(path), "requested": path.name, "first": "read", "written": False,
        "existed": True, "cell": 1, "observed": "audit-hook",
        "size": found.st_size if found else 1, "mtime_ns": found.st_mtime_ns if found else 1,
        "inode": found.st_ino if found else 1,
    } | parts  # fmt: skip


def executed(number: int, source: str, text: str = "") -> dict[str, Any]:
    """Return what a kernel notes of a cell that printed a text."""
    digest = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    outputs = [{"stream": "stdout", "text": text, "digest": digest}] if text else []
    return {
        "count": number, "cell_id": f"c{number}", "source": source, "outputs": outputs,
        "error": None, "seconds": 0.1, "watched": True,
    }  # fmt: skip


def handover(project: Path, *files: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """Return a handover of a session in a folder; ``parts`` replace what it says by default.

    Its interpreter is the real one, without any package: no lock has to be waited for.
    """
    return {
        "version": 1,
        "request": {"name": "flowers", "model": None, "metrics": ["accuracy"], "holdout": None},
        "entry": "notebook", "notebook": None, "directory": str(project),
        "cells": [executed(n, source) for n, source in enumerate(CELLS, 1)],
        "files": list(files), "commands": [], "connections": [], "unpickled": [],
        "modules": [], "blind": [], "failures": 0,
        "facts": facts() | {"search_path": [], "pools": []},
        "level": "python-only", "unseen": [], "alarms": [], "replaced": [],
        "tape": "", "answers": [],
        "unrecorded": [],
        "randomness": {"hash_seed": "random", "settings": {}, "generators": [], "file": ""},
        "variables": [],
        "surroundings": AROUND,
        "model": None, "holdout": None, "metrics": {"accuracy": 0.96875}, "parameters": {},
        "problem": "",
    } | parts  # fmt: skip


def hand_over(folder: Path, said: dict[str, Any], **payload: bytes) -> Path:
    """Write a handover and its payload files into a folder, as the guest does."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(json.dumps(said))
    for name, data in payload.items():
        (folder / name).write_bytes(data)
    return folder


def a_model(file: str = "model") -> dict[str, Any]:
    """Return what a kernel says of a pickled model."""
    artifact = {"format": "pickle", "executes": True, "file": file}
    return {"variable": "clf", "type": "builtins.dict", "artifacts": [artifact], "problem": ""}


def a_project(folder: Path) -> dict[str, Any]:
    """Lay out a project with data, a module, a notebook and an output; return its handover."""
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "flowers.csv").write_text("5.1,3.5,0\n6.2,2.9,1\n" * 400)
    (folder / "scaling.py").write_text("def scaled(x):\n    return x\n")
    (folder / "report.json").write_text('{"accuracy": 0.96875}\n')
    cells = [new_code_cell(source, id=f"c{n}") for n, source in enumerate(CELLS, 1)]
    (folder / "flowers.ipynb").write_text(writes(new_notebook(cells=cells)))
    files = [
        seen(folder / "data" / "flowers.csv", requested="data/flowers.csv"),
        seen(folder / "report.json", first="write", written=True, existed=False, cell=2),
    ]
    return handover(
        folder,
        *files,
        notebook=str(folder / "flowers.ipynb"),
        modules=[{"module": "scaling", "path": str(folder / "scaling.py")}],
        model=a_model(),
    )


def take(workspace: Workspace, folder: Path, said: dict[str, Any], **payload: bytes) -> str:
    """Snapshot a handover; return the snapshot's id."""
    return record_id(snapshot(workspace, hand_over(folder, said, **payload)))
