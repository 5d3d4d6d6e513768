"""Snapshots as exports are made from: a full one, a bare one, and ones with hostile words."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from py_mlops.exports import Material
from py_mlops.records import (
    History,
    Reproduction,
    Snapshot,
    canonical,
    digest_of,
    record_id,
)

FOLDER = "/srv/people/ada/flowers"
TIME = "2026-01-31T12:00:00.000000Z"
ADA = {"name": "Ada Tester", "email": "ada@example.org", "source": "git"}


def blob(text: str) -> dict[str, Any]:
    """Return some bytes as a record names them."""
    return {"digest": "sha256:" + hashlib.sha256(text.encode()).hexdigest(), "size": len(text)}


def data(path: str, role: str = "input", *blobs: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """Return a file that cell 2 touched."""
    return {
        "path": path, "requested": path, "role": role, "rewritten": False, "cell": 2,
        "observed": "tracer", "process": "", "modified": "1", "executable": False,
        "blobs": list(blobs) or [blob(path)],
    } | parts  # fmt: skip


def package(name: str, version: str, source: str, **parts: Any) -> dict[str, Any]:
    """Return an installed distribution; one of an index has a wheel."""
    wheel = f"{name.replace('-', '_')}-{version}-py3-none-any.whl" if source == "index" else None
    return {
        "name": name, "version": version, "source": source, "wheel": wheel,
        "sha256": blob(name)["digest"][7:] if wheel else None, "origin": "",
        "kept": None, "tree": None, "loaded": "",
    } | parts  # fmt: skip


def hole(text: str, kind: str = "data") -> dict[str, Any]:
    """Return something that is missing."""
    return {"kind": kind, "text": text, "hint": "Look.", "cell": 2, "blocking": False}


ENVIRONMENT: dict[str, Any] = {
    "interpreter": {
        "implementation": "cpython", "version": "3.11.7",
        "platform": "linux-x86_64", "libc": "glibc 2.36",
    },
    "distributions": [
        package("scikit-learn", "1.7.2", "index"),
        package("torch", "2.13.0+cpu", "index"),
        package("flowers-lib", "0.1", "editable", origin=f"file://{FOLDER}/lib"),
        package("measuring", "2", "vcs", origin="git+https://example.org/measuring.git@abc"),
        package("oddity", "1!0.1rc1", "unknown"),
    ],
    "lock": blob("lock"),
    "hardware": {
        "machine": "x86_64", "processor": "Some(R) Processor", "features": ["avx2"],
        "cores": 2, "gpus": ["GPU | 80 GB"], "pools": [],
    },
    "rerun": [], "conda": None,
}  # fmt: skip

FULL: dict[str, Any] = {
    "kind": "snapshot", "format": 1,
    "request": {"name": "flowers", "model": "clf", "metrics": ["scores"], "holdout": "X_test"},
    "created": TIME, "author": ADA, "parents": [blob("parent")["digest"]],
    "program": {
        "entry": "headless", "notebook": f"{FOLDER}/train.ipynb", "directory": FOLDER,
        "saved": blob("notebook"), "history": blob("history"), "cells": 3,
        "differences": [{"kind": "edited", "cells": [2], "text": "Cell [2] was edited."}],
        "modules": [{
            "path": f"{FOLDER}/scaling.py", "module": "scaling", "executable": False,
            "blob": blob("module"), "versions": [],
        }],
    },
    "data": [
        data(f"{FOLDER}/data/flowers.csv"),
        data(f"{FOLDER}/data/copy.csv", "input", blob(f"{FOLDER}/data/flowers.csv")),
        data("/mnt/shared/secret-project/extra.parquet", process="worker 1"),
        data(f"{FOLDER}/gone.csv", "input", blobs=[]),
        data(f"{FOLDER}/large.bin", "input", blob("first"), blob("second")),
        data(f"{FOLDER}/report.json", "output"),
    ],
    "trees": [],
    "answers": [
        {
            "kind": "sql", "source": source, "request": "SELECT secret FROM people",
            "key": "0" * 64, "occurrence": number, "cell": 2, "blob": blob(source),
        }
        for number, source in enumerate(
            ["postgresql://db.example.org:5432/shop", f"sqlite:///{FOLDER}/local.db"]
        )
    ],
    "surroundings": {
        "variables": {"HOME": "/srv/people/ada"}, "user": "ada", "zone": "Europe/Zurich",
        "links": [], "listings": [],
    },
    "environment": ENVIRONMENT,
    "randomness": {
        "hash_seed": "1234", "settings": {"OMP_NUM_THREADS": "2"},
        "generators": ["random"], "state": blob("states"),
    },
    "model": {
        "variable": "clf", "type": "sklearn.svm._classes.SVC", "loaded_from": None,
        "artifacts": [
            {"format": "skops", "executes": False, "untrusted": [], "blob": blob("skops")},
            {"format": "pickle", "executes": True, "untrusted": [], "blob": blob("pickle")},
        ],
    },
    "holdout": {
        "variable": "X_test", "spec": {"shape": [75, 4], "dtype": "float64", "columns": []},
        "inputs": blob("held"),
        "predictions": [{
            "method": "predict", "spec": {"shape": [75], "dtype": "int64", "columns": []},
            "blob": blob("answers"),
        }],
    },
    "metrics": {"accuracy": 0.96875, "scores.f1": 1e-7},
    "parameters": {"C": 0.5, "depth": None, "columns": ["a", {"b": 1}]},
    "capture": {
        "level": "observed", "ignored": [], "variables": [], "secrets": [], "external": [],
        "holes": [
            hole(f"{FOLDER}/gone.csv is gone."),
            hole("`cp /srv/people/ada/notes.txt .` ran in a shell.", "shell"),
        ],
    },
}  # fmt: skip

HISTORY: dict[str, Any] = {
    "kind": "history", "format": 1,
    "cells": [
        {
            "count": n, "cell_id": f"c{n}", "source": f"secret_source_{n} = 1", "outputs": [],
            "error": error, "seconds": 0.5, "watched": True,
        }
        for n, error in enumerate([None, "ValueError: no", None], 1)
    ],
}  # fmt: skip


def bare() -> dict[str, Any]:
    """Return a snapshot of a console that only computed a number and wrote a file."""
    return FULL | {
        "request": {"name": "number", "model": None, "metrics": [], "holdout": None},
        "author": {"name": "uid 1000", "email": None, "source": "unverified"}, "parents": [],
        "program": FULL["program"] | {
            "entry": "console", "notebook": None, "saved": None, "differences": [], "modules": [],
        },
        "data": [data(f"{FOLDER}/out.txt", "output")], "answers": [],
        "environment": ENVIRONMENT | {"distributions": []},
        "randomness": FULL["randomness"] | {"settings": {}, "state": None},
        "model": None, "holdout": None, "metrics": {}, "parameters": {},
        "capture": FULL["capture"] | {"holes": []},
    }  # fmt: skip


def rerun(snapshot_id: str, level: str, reason: str = "Everything is the same.") -> dict[str, Any]:
    """Return a reproduction that ended in a verdict."""
    return {
        "kind": "reproduction", "format": 1, "snapshot": snapshot_id,
        "created": "2026-10-01T08:30:00.500000Z",
        "author": {"name": "Ben", "email": "ben@example.org", "source": "jupyterhub"},
        "level": level, "reason": reason, "cause": "data" if level == "different" else "",
        "axes": [
            {"name": "environment", "state": "same", "text": "2 packages.", "details": []},
            {"name": "hardware", "state": "unknown", "text": reason, "details": []},
            {"name": "metrics", "state": "different", "text": "accuracy", "details": []},
        ],
        "metrics": [{
            "name": "accuracy", "recorded": 0.96875, "rerun": 0.5, "tolerance": 0.02,
            "relative": False, "band": [], "state": "different",
        }],
        "predictions": [], "first_difference": None, "environment": None, "notebook": None,
        "written": [], "seconds": 12.25, "calibration": [],
    }  # fmt: skip


def material(said: dict[str, Any], level: str = "", reason: str = "Same.", **more: Any) -> Material:
    """Return a snapshot as an export gets it, rerun with a verdict when one is named."""
    snapshot = msgspec.convert(said, Snapshot)
    identifier = record_id(snapshot)
    verdict = msgspec.convert(rerun(identifier, level, reason), Reproduction) if level else None
    return Material(
        snapshot_id=identifier,
        snapshot=snapshot,
        files=snapshot.data,
        history=msgspec.convert(HISTORY, History),
        verdict_id=digest_of(canonical(verdict)) if verdict else "",
        verdict=verdict,
        **more,
    )


def hostile(evil: str) -> Material:
    """Return a snapshot in which every word that somebody else chose is ``evil``."""
    path = f"{FOLDER}/{evil}"
    said = FULL | {
        "request": {"name": evil, "model": evil, "metrics": [evil], "holdout": evil},
        "author": {"name": evil, "email": evil, "source": "environment"},
        "program": FULL["program"] | {
            "notebook": path,
            "differences": [{"kind": "edited", "cells": [], "text": evil}],
            "modules": [
                {"path": path, "module": evil, "executable": False, "blob": blob("module"),
                 "versions": []}
            ],
        },
        "data": [
            data(path, process=evil),
            data(path + "2", "input", blobs=[]),
            data(path + "3", "output"),
        ],
        "answers": [a | {"source": evil, "request": evil} for a in FULL["answers"][:1]],
        "environment": ENVIRONMENT | {
            "interpreter": dict.fromkeys(ENVIRONMENT["interpreter"], evil),
            "distributions": [
                {"name": evil, "version": evil, "source": "vcs", "wheel": evil,
                 "sha256": None, "origin": evil, "kept": None, "tree": None, "loaded": ""},
            ],
            "hardware": ENVIRONMENT["hardware"] | {"processor": evil, "gpus": [evil]},
        },
        "randomness": FULL["randomness"] | {"hash_seed": evil, "settings": {evil: evil}},
        "model": FULL["model"] | {"variable": evil, "type": evil, "loaded_from": evil},
        "holdout": FULL["holdout"] | {
            "variable": evil, "spec": {"shape": [1], "dtype": evil, "columns": [evil]},
        },
        "metrics": {evil: 1.0}, "parameters": {evil: evil},
        "capture": FULL["capture"] | {"holes": [hole(evil)]},
    }  # fmt: skip
    return material(said, "failed", evil, email=True, licence=evil)


CASES: dict[str, Callable[[], Material]] = {
    "full": lambda: material(FULL),
    "rerun": lambda: material(FULL, "identical", email=True, licence="Apache-2.0"),
    "different": lambda: material(FULL, "different"),
    "failed": lambda: material(FULL, "failed", f"{FOLDER}/train.ipynb stopped."),
    "cannot": lambda: material(FULL, "cannot"),
    "bare": lambda: material(bare()),
}
