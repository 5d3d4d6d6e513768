"""The log of predictions: segments whose rows can be deleted later while the log still verifies."""

from __future__ import annotations

from py_mlops.predictions.line import LoggedPrediction
from py_mlops.predictions.reading import Found, check, current, find
from py_mlops.predictions.redacting import redact
from py_mlops.predictions.writing import SegmentWriter, seal

__all__ = [
    "Found",
    "LoggedPrediction",
    "SegmentWriter",
    "check",
    "current",
    "find",
    "redact",
    "seal",
]
