"""A store to take files into, and what a kernel would hand over about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from py_mlops.data.reads import Take
from py_mlops.records.handover import Handover
from py_mlops.store import Store, ingest, open_store
from tests.handovers import AROUND

Hand = Callable[..., Handover]


@pytest.fixture
def store(store_folder: Path) -> Iterator[Store]:
    """Open an empty store."""
    opened = open_store(store_folder)
    yield opened
    opened.close()


@pytest.fixture
def take(store: Store) -> Take:
    """Take a file into the store, as a snapshot does."""
    return lambda path: ingest(path, store.blobs, store.stat_cache, store.blobs)


@pytest.fixture
def hand() -> Hand:
    """Make a handover of some files; by default each was read in cell 3 as it is now."""

    def make(*files: dict[str, Any], **parts: Any) -> Handover:
        handover = {
            "version": 1,
            "request": {"name": "n", "model": None, "metrics": [], "holdout": None},
            "entry": "notebook", "notebook": None, "directory": "/", "cells": [],
            "files": [_seen(**file) for file in files],
            "commands": [], "connections": [], "unpickled": [], "modules": [], "blind": [],
            "failures": 0,
            "facts": {
                "implementation": "cpython", "version": "3.11.7", "platform": "linux-x86_64",
                "libc": "", "executable": "", "prefixes": ["/opt/python"], "search_path": [],
                "machine": "", "processor": "", "features": [], "cores": 1, "gpus": [],
                "pools": [],
            },
            "level": "python-only", "unseen": [], "alarms": [], "tape": "", "answers": [],
            "unrecorded": [],
            "randomness": {"hash_seed": "random", "settings": {}, "generators": [], "file": ""},
            "variables": [],
            "surroundings": AROUND,
            "model": None, "holdout": None, "metrics": {}, "parameters": {}, "problem": "",
        }  # fmt: skip
        return msgspec.convert(handover | parts, Handover)

    return make


def _seen(path: Path | str, **parts: Any) -> dict[str, Any]:
    found = Path(path).stat() if Path(path).exists() else None
    return {
        "path": str(path), "requested": Path(path).name, "first": "read", "written": False,
        "existed": True, "cell": 3, "observed": "audit-hook",
        "size": found.st_size if found else 1, "mtime_ns": found.st_mtime_ns if found else 1,
        "inode": found.st_ino if found else 1,
    } | parts  # fmt: skip
