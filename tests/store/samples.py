"""Small real records and rows for the store's tests."""

from __future__ import annotations

import hashlib

from py_mlops.records import (
    Author,
    Blob,
    Capture,
    Environment,
    Hardware,
    Import,
    Interpreter,
    Program,
    Randomness,
    Reproduction,
    Request,
    Snapshot,
    Surroundings,
)
from py_mlops.store import Entry

TIME = "2026-01-31T12:00:00.000000Z"
ANN = Author(name="Ann", email="ann@example.org", source="git")


def digest(number: object) -> str:
    """Return a digest of something small."""
    return "sha256:" + hashlib.sha256(repr(number).encode()).hexdigest()


def entry(number: int, kind: str = "snapshot", subject: str = "digits") -> Entry:
    """Return a row for the ledger, different for each number."""
    return Entry(digest(number), kind, subject, "Ann", TIME)


def imported(number: int) -> Import:
    """Return a small record, different for each number."""
    return Import(snapshot=digest(("s", number)), bundle=digest("b"), created=TIME, author=ANN)


def snapshot(
    name: str = "digits", *, history: Blob, lock: Blob, parents: tuple[str, ...] = ()
) -> Snapshot:
    """Return a snapshot that names two blobs."""
    return Snapshot(
        request=Request(name=name, model=None, metrics=[], holdout=None),
        created=TIME,
        author=ANN,
        parents=list(parents),
        program=Program(
            entry="console",
            notebook=None,
            directory="/data/ann",
            saved=None,
            history=history,
            cells=0,
            differences=[],
            modules=[],
        ),
        data=[],
        trees=[],
        answers=[],
        surroundings=Surroundings(variables={}, user="ann", zone="UTC", links=[], listings=[]),
        environment=environment(lock),
        randomness=Randomness(hash_seed="random", settings={}, generators=[], state=None),
        model=None,
        holdout=None,
        metrics={"accuracy": 0.96875},
        parameters={},
        capture=Capture(
            level="python-only", holes=[], external=[], ignored=[], variables=[], secrets=[]
        ),
    )


def environment(lock: Blob) -> Environment:
    """Return a small environment."""
    return Environment(
        interpreter=Interpreter(
            implementation="cpython", version="3.11.7", platform="linux-x86_64", libc="glibc 2.36"
        ),
        distributions=[],
        lock=lock,
        hardware=Hardware(machine="x86_64", processor="", features=[], cores=2, gpus=[], pools=[]),
        rerun=[],
        conda=None,
    )


def reproduction(snapshot_id: str) -> Reproduction:
    """Return a rerun of a snapshot that could not be made."""
    return Reproduction(
        snapshot=snapshot_id,
        created=TIME,
        author=ANN,
        level="cannot",
        reason="No interpreter.",
        cause="",
        written=[],
        axes=[],
        metrics=[],
        predictions=[],
        first_difference=None,
        environment=None,
        notebook=None,
        seconds=0.0,
        calibration=[],
    )
