"""A trained model, and what it answered on held-out inputs."""

from __future__ import annotations

from typing import Literal

from py_mlops.records.base import Blob, Part

ModelFormat = Literal[
    "skops",
    "xgboost-ubj",
    "lightgbm-text",
    "catboost-cbm",
    "onnx",
    "keras",
    "torch-state",
    "pickle",
    "cloudpickle",
]


class Artifact(Part, frozen=True):
    """One serialised form of a model.

    Attributes:
        format: How it is written.
        executes: Whether loading it can run code of whoever wrote it.
        untrusted: For skops, the types in it that our allow-list lacks.
        blob: Its bytes.
    """

    format: ModelFormat
    executes: bool
    untrusted: list[str]
    blob: Blob


class ArraySpec(Part, frozen=True):
    """Shape and type of one array or table.

    Attributes:
        shape: Its dimensions.
        dtype: numpy's name of its type; ``table`` for a data frame.
        columns: Column names of a data frame; empty otherwise.
    """

    shape: list[int]
    dtype: str
    columns: list[str]


class Model(Part, frozen=True):
    """The model a snapshot is about.

    Attributes:
        variable: Its name in the notebook.
        type: Its class, ``sklearn.svm._classes.SVC``.
        artifacts: Its forms, the safest first; empty when none could be made.
        loaded_from: The file it was loaded from, when it was not trained here.
    """

    variable: str
    type: str
    artifacts: list[Artifact]
    loaded_from: str | None


class Prediction(Part, frozen=True):
    """What one method of the model answered on the held-out inputs.

    Attributes:
        method: ``predict``, ``predict_proba``, ``decision_function`` or ``call``.
        spec: Shape and type of the answer.
        blob: The answer as an ``.npy`` file without pickles.
    """

    method: str
    spec: ArraySpec
    blob: Blob


class Holdout(Part, frozen=True):
    """Held-out inputs with the model's answers on them.

    Attributes:
        variable: Its name in the notebook.
        spec: Shape and type of the inputs.
        inputs: The inputs as an ``.npz`` file without pickles.
        predictions: The answers, one per method.
    """

    variable: str
    spec: ArraySpec
    inputs: Blob
    predictions: list[Prediction]
