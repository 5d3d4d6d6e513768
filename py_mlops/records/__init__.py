"""The words the whole house speaks: immutable records, without any input or output."""

from __future__ import annotations

from py_mlops.records.answers import Answer, AnswerKind
from py_mlops.records.author import Author
from py_mlops.records.base import (
    FORMAT,
    Blob,
    Digest,
    Part,
    Record,
    canonical,
    decode_as,
    digest_of,
    is_digest,
    record_id,
)
from py_mlops.records.capture import AllowedSecret, Capture, External, Hole
from py_mlops.records.checkpoint import Checkpoint
from py_mlops.records.data import DataFile
from py_mlops.records.environment import (
    Conda,
    CondaArchive,
    Distribution,
    Environment,
    Hardware,
    Interpreter,
    KeptWheel,
    ThreadPool,
    WorkingTree,
)
from py_mlops.records.head import HeadMove
from py_mlops.records.imports import Import
from py_mlops.records.keys import LogSignature, PublicKey, Signature
from py_mlops.records.model import (
    ArraySpec,
    Artifact,
    Holdout,
    Model,
    ModelFormat,
    Prediction,
)
from py_mlops.records.predictions import Answered, Hold, PredictionSegment, Redaction
from py_mlops.records.program import (
    CellOutput,
    CodeFile,
    CodeVersion,
    Difference,
    ExecutedCell,
    History,
    Program,
)
from py_mlops.records.randomness import Randomness
from py_mlops.records.reproduction import (
    Axis,
    CellDifference,
    Level,
    MetricComparison,
    PredictionComparison,
    Reproduction,
    WrittenFile,
)
from py_mlops.records.snapshot import Request, Snapshot
from py_mlops.records.surroundings import FolderEntry, Link, Listing, Surroundings
from py_mlops.records.tree import Tree
from py_mlops.records.variables import Variable

AnyRecord = (
    Snapshot
    | Reproduction
    | HeadMove
    | History
    | Import
    | Checkpoint
    | PublicKey
    | Signature
    | PredictionSegment
    | Redaction
    | Hold
)
"""Every kind of record; its ``kind`` field says which."""


def decode(data: bytes) -> AnyRecord:
    """Decode any record, strictly; see `decode_as`."""
    return decode_as(data, AnyRecord)  # type: ignore[arg-type]  # a union is no type


def encode(record: Record) -> bytes:
    """Return a record's canonical JSON, the bytes its id is the sha256 of."""
    return canonical(record)


__all__ = [
    "FORMAT",
    "AllowedSecret",
    "Answer",
    "AnswerKind",
    "Answered",
    "AnyRecord",
    "ArraySpec",
    "Artifact",
    "Author",
    "Axis",
    "Blob",
    "Capture",
    "CellDifference",
    "CellOutput",
    "Checkpoint",
    "CodeFile",
    "CodeVersion",
    "Conda",
    "CondaArchive",
    "DataFile",
    "Difference",
    "Digest",
    "Distribution",
    "Environment",
    "ExecutedCell",
    "External",
    "FolderEntry",
    "Hardware",
    "HeadMove",
    "History",
    "Hold",
    "Holdout",
    "Hole",
    "Import",
    "Interpreter",
    "KeptWheel",
    "Level",
    "Link",
    "Listing",
    "LogSignature",
    "MetricComparison",
    "Model",
    "ModelFormat",
    "Part",
    "Prediction",
    "PredictionComparison",
    "PredictionSegment",
    "Program",
    "PublicKey",
    "Randomness",
    "Record",
    "Redaction",
    "Reproduction",
    "Request",
    "Signature",
    "Snapshot",
    "Surroundings",
    "ThreadPool",
    "Tree",
    "Variable",
    "WorkingTree",
    "WrittenFile",
    "canonical",
    "decode",
    "decode_as",
    "digest_of",
    "encode",
    "is_digest",
    "record_id",
]
