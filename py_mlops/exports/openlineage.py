"""OpenLineage run events: the run that made a snapshot, and the newest rerun of it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from py_mlops.exports.material import (
    PRODUCER,
    VERSION,
    File,
    Material,
    json_lines,
    named_information,
    uuid_of,
)
from py_mlops.records import Blob, Reproduction

_SPEC = "https://openlineage.io/spec"
_SCHEMA = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs"
_NAMESPACE = "py-mlops"
_ENDS = {"failed": "FAIL", "cannot": "ABORT"}
_PASSED = {"same": "pass", "close": "pass", "different": "fail", "unknown": "skip"}
_STATISTICS = {
    "input": "1-0-0/InputStatisticsInputDatasetFacet",
    "output": "1-0-2/OutputStatisticsOutputDatasetFacet",
}

Event = dict[str, Any]


def openlineage(material: Material) -> bytes:
    """Return the events, one JSON object a line.

    Datasets are named by the sha256 of their content, in the namespace
    ``sha256``: so what one run wrote and another one read is one dataset. The
    record knows when a run ended and not when it began, so a snapshot's run is
    one COMPLETE event; a rerun's length is known, so it has START and its end.

    Args:
        material: What to tell.

    Returns:
        Lines of JSON, in the order of their times.
    """
    events = [_run(material)]
    if material.verdict is not None:
        events += _rerun(material, material.verdict)
    return json_lines(events)


def _event(kind: str, time: str, run: Event, job: Event) -> Event:
    return {
        "eventType": kind,
        "eventTime": time,
        "producer": PRODUCER,
        "schemaURL": f"{_SCHEMA}/RunEvent",
        "run": run,
        "job": job,
        "inputs": [],
        "outputs": [],
    }


def _run(material: Material) -> Event:
    snapshot = material.snapshot
    facets = {
        "processing_engine": _engine(material),
        "pymlops_snapshot": _own({
            "snapshot": material.snapshot_id,
            "parents": snapshot.parents,
            "author": material.person(snapshot.author),
            "metrics": snapshot.metrics,
            "capture": material.capture(),
            "program": [_told(file) for file in material.program],
            "cells": {"executed": snapshot.program.cells, "failed": material.failed},
            "seconds": material.seconds,
        }),
        "pymlops_environment": _own({
            "packages": [
                {"purl": item.purl, **({"sha256": item.sha256} if item.sha256 else {})}
                for item in material.packages
                if item.purl
            ]
        }),
    }  # fmt: skip
    if snapshot.parameters:
        facets["executionParameters"] = _facet("1-0-0/ExecutionParametersRunFacet", {
            "parameters": [
                {"key": key, "value": value if isinstance(value, str) else json.dumps(value)}
                for key, value in snapshot.parameters.items()
            ]
        })  # fmt: skip
    run = {"runId": uuid_of(material.snapshot_id), "facets": facets}
    event = _event("COMPLETE", snapshot.created, run, _job(material, "SNAPSHOT"))
    event["inputs"] = _datasets(material, [*material.inputs, *material.answers], "input")
    event["outputs"] = _datasets(material, [*material.artifacts, *material.outputs], "output")
    return event


def _rerun(material: Material, verdict: Reproduction) -> list[Event]:
    """Return the rerun's START and its end; its inputs are the snapshot's."""
    job = _job(material, "REPRODUCTION")
    identifier = uuid_of(material.verdict_id)
    told = material.paths.told
    tests = [
        {"name": axis.name, "status": _PASSED[axis.state], "description": told(axis.text)}
        for axis in verdict.axes
    ]
    facets: dict[str, Any] = {
        "pymlops_reproduction": _own({"snapshot": material.snapshot_id} | material.judged()),
        "test": _facet("1-0-1/TestRunFacet", {"tests": tests}),
    }
    if verdict.level in _ENDS:
        facets["errorMessage"] = _facet("1-0-1/ErrorMessageRunFacet", {
            "message": told(verdict.reason), "programmingLanguage": "PYTHON",
        })  # fmt: skip
    end = datetime.fromisoformat(verdict.created)
    begin = (end - timedelta(seconds=max(verdict.seconds, 0))).isoformat(timespec="microseconds")
    start = _event("START", begin.replace("+00:00", "Z"), {"runId": identifier}, job)
    ended = _event(
        _ENDS.get(verdict.level, "COMPLETE"),
        verdict.created,
        {"runId": identifier, "facets": facets},
        job,
    )
    ended["inputs"] = _datasets(material, [*material.inputs, *material.answers], "input")
    return [start, ended]


def _job(material: Material, kind: str) -> Event:
    name = material.name if kind == "SNAPSHOT" else f"{material.name}.reproduce"
    facets = {
        "jobType": _facet("2-0-4/JobTypeJobFacet", {
            "processingType": "BATCH", "integration": "PY_MLOPS", "jobType": kind,
        }),
        "ownership": _facet("1-0-1/OwnershipJobFacet", {
            "owners": [{"name": material.snapshot.author.name, "type": "AUTHOR"}],
        }),
    }  # fmt: skip
    return {"namespace": _NAMESPACE, "name": name, "facets": facets}


def _engine(material: Material) -> Event:
    python = material.snapshot.environment.interpreter
    return _facet("1-1-1/ProcessingEngineRunFacet", {
        "version": python.version,
        "name": python.implementation,
        "openlineageAdapterVersion": VERSION,
    })  # fmt: skip


def _datasets(material: Material, files: list[File], role: str) -> list[Event]:
    """Return files as datasets, each content once, whatever files held it.

    A file whose content nobody knows is named by its path in this snapshot alone.
    """
    found: dict[tuple[str, str], Event] = {}
    for file in files:
        named: list[tuple[str, str, Blob | None]] = [
            (*_content(blob), blob) for blob in file.blobs
        ] or [(named_information(material.snapshot_id), file.name, None)]
        for namespace, name, blob in named:
            dataset = found.setdefault(
                (namespace, name), _dataset(namespace, name, blob, file, role)
            )
            dataset["facets"]["pymlops_files"]["files"].append(_told(file))
    return list(found.values())


def _content(blob: Blob) -> tuple[str, str]:
    algorithm, _, digits = blob.digest.partition(":")
    return algorithm, digits


def _dataset(namespace: str, name: str, blob: Blob | None, file: File, role: str) -> Event:
    kind = "MODEL" if "format" in file.facts else "FILE"
    facets = {
        "datasetType": _facet("1-0-1/DatasetTypeDatasetFacet", {"datasetType": kind}),
        "pymlops_files": _own({"files": []}, "DatasetFacet"),
    }
    dataset: Event = {"namespace": namespace, "name": name, "facets": facets}
    if blob is not None:
        version = {"datasetVersion": blob.digest}
        facets["version"] = _facet("1-0-1/DatasetVersionDatasetFacet", version)
        counted = _facet(_STATISTICS[role], {"size": blob.size, "fileCount": 1})
        dataset[f"{role}Facets"] = {f"{role}Statistics": counted}
    return dataset


def _told(file: File) -> Event:
    told: Event = {"name": file.name, **file.facts}
    if file.size is not None:
        told["size"] = file.size
    if file.blob is not None:
        told["sha256"] = file.blob.digest.removeprefix("sha256:")
    return told


def _facet(schema: str, content: Event) -> Event:
    """Return a facet of the standard."""
    name = schema.rpartition("/")[2]
    url = f"{_SPEC}/facets/{schema}.json#/$defs/{name}"
    return {"_producer": PRODUCER, "_schemaURL": url, **content}


def _own(content: Event, kind: str = "RunFacet") -> Event:
    """Return a facet of ours: the standard says of it only that it is one."""
    return {"_producer": PRODUCER, "_schemaURL": f"{_SCHEMA}/{kind}", **content}
