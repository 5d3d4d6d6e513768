"""Asks a stored model in a process of the model's own environment, and writes what it answers."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from . import deserialise, inputs, predict
from .problem import Problem

JOB = "job.json"
DONE = "answers.json"


def main(folder: str) -> None:
    """Do the job that lies in a folder, and leave its outcome beside it.

    ``job.json`` holds ``type``, ``artifacts`` (dicts of ``format`` and
    ``file``), ``inputs`` (a file), ``columns``, ``table`` (see `inputs.read`)
    and ``path`` (folders of loose modules). ``answers.json`` gets
    ``predictions``, in the shape of ``records.handover.SeenPrediction``, and
    ``problem`` and ``hint``, which are empty when all went well.
    """
    with open(os.path.join(folder, JOB), encoding="utf-8") as stream:
        job = json.load(stream)
    done: dict[str, Any] = {"predictions": [], "problem": "", "hint": ""}
    try:
        done["predictions"] = _answers(job, folder)
    except Problem as problem:
        done.update(problem=problem.message, hint=problem.hint)
    except Exception as error:  # the model's own code may raise anything
        done["problem"] = f"{type(error).__name__}: {error}"[:1000]
    with open(os.path.join(folder, DONE), "w", encoding="utf-8") as stream:
        json.dump(done, stream)


def _answers(job: dict[str, Any], folder: str) -> list[dict[str, Any]]:
    sys.path[:0] = job["path"]
    artifacts = [dict(item, file=os.path.join(folder, item["file"])) for item in job["artifacts"]]
    model = deserialise.model(artifacts, job["type"])
    columns = job["columns"] or _names_of(model)
    table = job["table"]
    if table is None and columns:
        table = True
    asked = inputs.read(os.path.join(folder, job["inputs"]), columns, table)
    return predict.predictions(model, asked, folder)


def _names_of(model: Any) -> list[str]:
    """Return the columns that a model was fitted with, where it remembers them."""
    try:
        names = [str(name) for name in model.feature_names_in_]
    except Exception:  # most models have no such thing
        return []
    return names
