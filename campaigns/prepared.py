"""A store with a snapshot in it, and all that the verbs of a campaign work on."""

from __future__ import annotations

import json
import os
import pickle
import random
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from campaigns.places import address
from py_mlops.commands.snapshots.snapshot import snapshot
from py_mlops.commands.transfer.bundle import bundle
from py_mlops.data import groups
from py_mlops.environment.kept import COMPLETE, home
from py_mlops.records import Author, Snapshot, record_id
from py_mlops.store import open_store
from py_mlops.workspace import Settings, Workspace

HEAD = "flowers@main"
NOTEBOOK = "project/blooms.ipynb"
"""Within a prepared folder: a notebook that nobody has run yet."""

_ANN = Author(name="Ann", email=None, source="unverified")
_FROM = 3
"""So few files are a tree here: each more would be a dozen more points to stop at."""
_CELLS = [
    "from scaling import scaled",
    "X = scaled(open('data.csv', 'rb').read())",
    "accuracy = 0.9",
]
_MONTHS = 100 * 86400
_alone = threading.Lock()
"""Points are tried side by side: two that patch at once would each put back what the other left."""


def open_at(folder: Path, store: str = "store") -> Workspace:
    """Open the workspace of a prepared folder."""
    settings = Settings(store=address(folder, store), cache=folder / "cache", ignore=())
    return Workspace(open_store(settings.store), _ANN, settings)


def take(folder: Path, handover: str, store: str = "store") -> Snapshot:
    """Take a snapshot from a prepared handover."""
    workspace = open_at(folder, store)
    with closing(workspace.store), _alone, mock.patch.object(groups, "FROM", _FROM):
        return snapshot(workspace, folder / handover)


def prepare(folder: Path) -> None:
    """Lay out in an empty folder all that any verb needs.

    ``store`` holds one snapshot, whose id is in ``first``, and bytes that
    nothing reaches, whose digests are in ``garbage``; ``handover-2`` is that of
    another snapshot; ``received.mlops`` is somebody else's, whose id is in
    ``received``; the cache knows the environment's lock and holds an
    environment unused for months; ``sent`` is an empty folder for what is written.
    """
    (folder / "sent").mkdir()
    _write_project(folder / "project")
    for number in (1, 2, 3):
        _hand_over(folder / f"handover-{number}", folder / "project", number)
    first = record_id(take(folder, "handover-1"))
    (folder / "first").write_text(first)
    _receive(folder)
    _litter(folder)


def _receive(folder: Path) -> None:
    received = record_id(take(folder, "handover-3", "their-store"))
    theirs = open_at(folder, "their-store")
    with closing(theirs.store):
        bundle(theirs, received, folder / "received.mlops")
    (folder / "received").write_text(received)


def _litter(folder: Path) -> None:
    workspace = open_at(folder)
    with closing(workspace.store):
        garbage = [workspace.store.blobs.put_bytes(b"garbage %d" % n).digest for n in range(4)]
    (folder / "garbage").write_text(" ".join(garbage))
    (folder / "store" / "tmp" / "1-0000000000000000.tmp").write_bytes(b"of a writer that died")
    unused = home(folder / "cache") / "unused"
    (unused / "bin").mkdir(parents=True)
    (unused / "bin" / "python").write_bytes(b"")
    (unused / COMPLETE).touch()
    os.utime(unused / COMPLETE, (time.time() - _MONTHS,) * 2)


def _write_project(project: Path) -> None:
    project.mkdir()
    # Bytes that do not compress: a bundle of them takes several writes.
    (project / "data.csv").write_bytes(random.Random(0).randbytes(60_000))
    (project / "images").mkdir()
    for number in range(_FROM + 1):
        (project / "images" / f"{number}.png").write_bytes(random.Random(number).randbytes(3000))
    (project / "scaling.py").write_text("def scaled(X):\n    return X\n")
    notebook = {
        "nbformat": 4, "nbformat_minor": 5, "metadata": {},
        "cells": [_saved(number, source) for number, source in enumerate(_CELLS)],
    }  # fmt: skip
    (project / "flowers.ipynb").write_text(json.dumps(notebook))
    (project / Path(NOTEBOOK).name).write_text(json.dumps(notebook))


def _saved(number: int, source: str) -> dict[str, Any]:
    return {
        "cell_type": "code", "id": f"c{number}", "execution_count": None, "metadata": {},
        "outputs": [], "source": source,
    }  # fmt: skip


def _hand_over(folder: Path, project: Path, number: int) -> None:
    """Write what a kernel hands over after it has run the project's notebook.

    The first one has not read the last image yet, so that the second snapshot
    stands on an older pack and on one of its own.
    """
    accuracy = 1 / number
    images = [_seen(path) for path in sorted((project / "images").iterdir())]
    folder.mkdir()
    (folder / "model.pkl").write_bytes(pickle.dumps([accuracy] * 100))
    np.savez(folder / "inputs.npz", X=np.arange(20.0) * accuracy)
    np.save(folder / "predict.npy", np.arange(20.0) + accuracy)
    spec = {"shape": [20], "dtype": "float64", "columns": []}
    artifact = {"format": "pickle", "executes": True, "file": "model.pkl"}
    predict = {"method": "predict", "spec": spec, "file": "predict.npy"}
    handover = {
        "version": 1,
        "request": {"name": "flowers", "model": "m", "metrics": ["accuracy"], "holdout": "X"},
        "entry": "notebook",
        "notebook": str(project / "flowers.ipynb"),
        "directory": str(project),
        "cells": [_cell(number, source) for number, source in enumerate(_CELLS)],
        "files": [_seen(project / "data.csv"), *images[: len(images) - (number == 1)]],
        "commands": [], "connections": [], "unpickled": [], "blind": [], "failures": 0,
        "parameters": {},
        "modules": [{"module": "scaling", "path": str(project / "scaling.py")}],
        "facts": _FACTS,
        "level": "python-only", "unseen": [], "alarms": [], "tape": "", "answers": [],
        "unrecorded": [],
        "randomness": {"hash_seed": "random", "settings": {}, "generators": [], "file": ""},
        "variables": [],
        "replaced": [],
        "surroundings": {
            "variables": {}, "user": "", "zone": "UTC", "links": [], "listings": [], "cut": False
        },
        "model": {"variable": "m", "type": "list", "artifacts": [artifact], "problem": ""},
        "holdout": {
            "variable": "X", "spec": spec, "file": "inputs.npz", "predictions": [predict],
            "problem": "",
        },
        "metrics": {"accuracy": accuracy},
        "problem": "",
    }  # fmt: skip
    (folder / "handover.json").write_text(json.dumps(handover))


_FACTS = {
    "implementation": "cpython", "version": "3.11.7", "platform": "linux-x86_64", "libc": "",
    "executable": "", "prefixes": ["/opt/python"], "search_path": [], "machine": "",
    "processor": "", "features": [], "cores": 1, "gpus": [], "pools": [],
}  # fmt: skip


def _cell(number: int, source: str) -> dict[str, Any]:
    return {
        "count": number + 1, "cell_id": f"c{number}", "source": source, "outputs": [],
        "error": None, "seconds": 0.1, "watched": True,
    }  # fmt: skip


def _seen(path: Path) -> dict[str, Any]:
    status = path.stat()
    return {
        "path": str(path), "requested": path.name, "first": "read", "written": False,
        "existed": True, "size": status.st_size, "mtime_ns": status.st_mtime_ns,
        "inode": status.st_ino, "cell": 2, "observed": "audit-hook",
    }  # fmt: skip
