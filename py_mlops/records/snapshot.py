"""A snapshot: everything needed to train a model again and to say whether it came out the same."""

from __future__ import annotations

from py_mlops.records.answers import Answer
from py_mlops.records.author import Author
from py_mlops.records.base import Digest, Part, Record, Time
from py_mlops.records.capture import Capture
from py_mlops.records.data import DataFile
from py_mlops.records.environment import Environment
from py_mlops.records.model import Holdout, Model
from py_mlops.records.program import Program
from py_mlops.records.randomness import Randomness
from py_mlops.records.surroundings import Surroundings


class Request(Part, frozen=True):
    """What the author asked to be snapshotted; a rerun measures the same.

    Attributes:
        name: The model's name, ``digits``.
        model: Variable holding the model.
        metrics: Variables holding numbers or dicts of numbers.
        holdout: Variable holding held-out inputs.
    """

    name: str
    model: str | None
    metrics: list[str]
    holdout: str | None


class Snapshot(Record, frozen=True, tag="snapshot"):
    """A model with its program, data, environment and results.

    Attributes:
        request: What the author asked for.
        created: When.
        author: By whom.
        parents: Ids of the snapshots it follows; the head it moved on from.
        program: What was executed.
        data: Files read and written.
        answers: What databases and web servers answered, in order.
        surroundings: Links, listed folders, home, language and time zone.
        environment: Interpreter, packages, hardware.
        randomness: Seeds and first states of random generators.
        model: The model; ``None`` when none was named.
        holdout: Held-out inputs and answers; ``None`` when none were named.
        metrics: Numbers by name; a dict's entries as ``variable.key``.
        parameters: papermill's parameters.
        capture: How it was watched and what is missing.
    """

    request: Request
    created: Time
    author: Author
    parents: list[Digest]
    program: Program
    data: list[DataFile]
    answers: list[Answer]
    surroundings: Surroundings
    environment: Environment
    randomness: Randomness
    model: Model | None
    holdout: Holdout | None
    metrics: dict[str, float]
    parameters: dict[str, object]
    capture: Capture
