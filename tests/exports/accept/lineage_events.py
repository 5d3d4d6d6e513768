"""Rebuilds run events from the classes of OpenLineage's own client; nothing may be lost by it."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from answers import answer
from openlineage.client import event_v2
from openlineage.client.generated import (
    dataset_type_dataset,
    dataset_version_dataset,
    error_message_run,
    execution_parameters_run,
    input_statistics_input_dataset,
    job_type_job,
    output_statistics_output_dataset,
    ownership_job,
    processing_engine_run,
    test_run,
)
from openlineage.client.serde import Serde

FACETS = {
    "datasetType": dataset_type_dataset.DatasetTypeDatasetFacet,
    "version": dataset_version_dataset.DatasetVersionDatasetFacet,
    "errorMessage": error_message_run.ErrorMessageRunFacet,
    "executionParameters": execution_parameters_run.ExecutionParametersRunFacet,
    "inputStatistics": input_statistics_input_dataset.InputStatisticsInputDatasetFacet,
    "jobType": job_type_job.JobTypeJobFacet,
    "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
    "ownership": ownership_job.OwnershipJobFacet,
    "processing_engine": processing_engine_run.ProcessingEngineRunFacet,
    "test": test_run.TestRunFacet,
}
PARTS = {
    "owners": ownership_job.Owner,
    "parameters": execution_parameters_run.ExecutionParameter,
    "tests": test_run.TestExecution,
}
URI = re.compile(r"[a-z][a-z0-9+.-]*:[^\s<>\"{}|\\^`]+")


def facet(key: str, value: dict[str, Any]) -> Iterator[str]:
    """Rebuild one facet; one that the standard does not know needs our prefix."""
    for name in ("_producer", "_schemaURL"):
        if not URI.fullmatch(value[name]):
            yield f"{key}.{name} is no URI"
    if key not in FACETS:
        if not key.startswith("pymlops_"):
            yield f"{key} is neither the standard's nor has our prefix"
        return
    plain = {name: item for name, item in value.items() if not name.startswith("_")}
    made = {
        name: [PARTS[name](**one) for one in item] if name in PARTS else item
        for name, item in plain.items()
    }
    again = json.loads(Serde.to_json(FACETS[key](**made, producer=value["_producer"])))
    for test in again.get("tests", []):
        test.pop("params")  # which the client adds, empty
    if again != value:
        yield f"{key}: {value} becomes {again}"


def problems(data: bytes) -> Iterator[str]:
    """Rebuild every event, its datasets and its facets."""
    for line in data.decode().splitlines():
        event = json.loads(line)
        run, job = event["run"], event["job"]
        uuid.UUID(run["runId"])
        datetime.fromisoformat(event["eventTime"])
        rebuilt = event_v2.RunEvent(
            eventType=event_v2.RunState[event["eventType"]],
            eventTime=event["eventTime"],
            run=event_v2.Run(run["runId"]),
            job=event_v2.Job(job["namespace"], job["name"]),
            producer=event["producer"],
            inputs=[event_v2.InputDataset(d["namespace"], d["name"]) for d in event["inputs"]],
            outputs=[event_v2.OutputDataset(d["namespace"], d["name"]) for d in event["outputs"]],
        )
        again = json.loads(Serde.to_json(rebuilt))
        if set(event) != set(again) or again["schemaURL"] != event["schemaURL"]:
            yield f"the client writes {sorted(again)} of {again['schemaURL']}"
        for item in (run, job, *event["inputs"], *event["outputs"]):
            allowed = {"runId", "namespace", "name", "facets", "inputFacets", "outputFacets"}
            if not set(item) <= allowed:
                yield f"unknown fields {set(item) - allowed}"
            for group in ("facets", "inputFacets", "outputFacets"):
                for key, value in item.get(group, {}).items():
                    yield from facet(key, value)


if __name__ == "__main__":
    answer(problems)
