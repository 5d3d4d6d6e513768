"""A CycloneDX 1.6 bill of materials of a model (ML-BOM), with its model card."""

from __future__ import annotations

import json

from py_mlops.errors import InputError
from py_mlops.exports.material import (
    VERSION,
    File,
    Material,
    Package,
    hexadecimal,
    json_bytes,
    uuid_of,
)
from py_mlops.records import Blob, Model

_LONGEST_VERSION = 1024
_PREFIX = "py-mlops:"

Component = dict[str, object]


def cyclonedx(material: Material) -> bytes:
    """Return the bill of materials.

    Its time is the record's, so that the same records give the same bytes.

    Args:
        material: What to tell.

    Returns:
        JSON.

    Raises:
        InputError: When the snapshot holds no model.
    """
    model = model_of(material)
    data = [
        *(_data(f"data-{n}", file) for n, file in enumerate(material.inputs, 1)),
        *(_data(f"answer-{n}", file) for n, file in enumerate(material.answers, 1)),
    ]
    parts = [
        *data,
        *(_file(f"program-{n}", file) for n, file in enumerate(material.program, 1)),
        *(_file(f"output-{n}", file) for n, file in enumerate(material.outputs, 1)),
        _platform(material),
        *(_library(f"package-{n}", item) for n, item in enumerate(material.packages, 1)),
    ]
    produced = [str(item["bom-ref"]) for item in parts]
    needed = [ref for ref in produced if not ref.startswith("output-")]
    return json_bytes({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid_of(material.snapshot_id, *_verdicts(material))}",
        "version": 1,
        "metadata": {
            "timestamp": material.snapshot.created,
            "tools": {
                "components": [{"type": "application", "name": "py-mlops", "version": VERSION}]
            },
            "authors": [_author(material)],
            "component": _model(material, model, [str(item["bom-ref"]) for item in data]),
        },
        "components": parts,
        "dependencies": [{"ref": "model", "dependsOn": needed}],
    })  # fmt: skip


def model_of(material: Material) -> Model:
    """Return the snapshot's model.

    Raises:
        InputError: When it has none.
    """
    if material.snapshot.model is None:
        raise InputError(
            f"Snapshot {material.snapshot_id[7:19]} of {material.name} holds no model.",
            hint="Name it when you take the snapshot (--model), or export ro-crate or openlineage.",
        )
    return material.snapshot.model


def _verdicts(material: Material) -> list[str]:
    return [material.verdict_id] if material.verdict_id else []


def _author(material: Material) -> dict[str, str]:
    told = material.person(material.snapshot.author)
    return {key: value for key, value in told.items() if key in {"name", "email"}}


def _model(material: Material, model: Model, datasets: list[str]) -> Component:
    snapshot = material.snapshot
    facts: dict[str, object] = {
        "snapshot": material.snapshot_id,
        "created": snapshot.created,
        "author identified by": snapshot.author.source,
        "variable": model.variable,
        "capture level": snapshot.capture.level,
        **{f"parent {n}": parent for n, parent in enumerate(snapshot.parents, 1)},
        **{f"parameter {name}": value for name, value in snapshot.parameters.items()},
    }
    if model.loaded_from:
        facts["loaded from"] = material.paths.name(model.loaded_from)
    for key, value in material.judged().items():
        facts[f"reproduction {key}"] = value
    found: Component = {
        "type": "machine-learning-model",
        "bom-ref": "model",
        "name": material.name,
        "version": hexadecimal(material.snapshot_id),
        "modelCard": _card(material, model, datasets),
        "properties": _properties(facts),
    }
    if material.licence:
        found["licenses"] = [{"license": {"name": material.licence}}]
    forms = [_file(f"model-{n}", file) for n, file in enumerate(material.artifacts, 1)]
    if forms:
        found["components"] = forms
    return found


def _card(material: Material, model: Model, datasets: list[str]) -> dict[str, object]:
    parameters: dict[str, object] = {"modelArchitecture": model.type}
    if datasets:
        parameters["datasets"] = [{"ref": ref} for ref in datasets]
    if (held := material.snapshot.holdout) is not None:
        parameters["inputs"] = [{"format": f"{held.spec.dtype}, shape {held.spec.shape}"}]
        parameters["outputs"] = [
            {"format": f"{answer.method}: {answer.spec.dtype}, shape {answer.spec.shape}"}
            for answer in held.predictions
        ]
    card: dict[str, object] = {"modelParameters": parameters}
    if material.snapshot.metrics:
        card["quantitativeAnalysis"] = {
            "performanceMetrics": [
                {"type": name, "value": json.dumps(value)}
                for name, value in material.snapshot.metrics.items()
            ]
        }
    if material.limitations:
        card["considerations"] = {"technicalLimitations": list(dict.fromkeys(material.limitations))}
    return card


def _data(ref: str, file: File) -> Component:
    """Return a file or an answer as a component of type data."""
    dataset = {"type": "dataset", "name": file.name}
    return _file(ref, file) | {"type": "data", "data": [dataset]}


def _file(ref: str, file: File) -> Component:
    found: Component = {"type": "file", "bom-ref": ref, "name": file.name}
    if file.blob is not None:
        found["hashes"] = _hashes(hexadecimal(file.blob.digest))
    facts = dict(file.facts)
    if file.size is not None:
        facts["size"] = file.size
    if file.blob is None:
        facts |= {f"blob {n}": _told(blob) for n, blob in enumerate(file.blobs, 1)}
    return found | {"properties": _properties(facts)}


def _told(blob: Blob) -> str:
    return f"{blob.digest}, {blob.size} bytes"


def _library(ref: str, package: Package) -> Component:
    found: Component = {
        "type": "library",
        "bom-ref": ref,
        "name": package.name,
        **_version(package.version),
        **({"purl": package.purl} if package.purl else {}),
        "properties": _properties({"source": package.source}),
    }
    if package.sha256:
        found["hashes"] = _hashes(package.sha256)
    return found


def _platform(material: Material) -> Component:
    environment = material.snapshot.environment
    python, machine = environment.interpreter, environment.hardware
    facts = {
        "platform": python.platform,
        "libc": python.libc,
        "machine": machine.machine,
        "processor": machine.processor,
        "gpus": ", ".join(machine.gpus),
        "lock": environment.lock.digest,
    }
    return {
        "type": "platform",
        "bom-ref": "interpreter",
        "name": python.implementation,
        **_version(python.version),
        "properties": _properties({key: value for key, value in facts.items() if value}),
    }


def _version(text: str) -> dict[str, str]:
    """Return a version, unless it is longer than the standard takes."""
    return {"version": text} if len(text) <= _LONGEST_VERSION else {}


def _hashes(sha256: str) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": sha256}]


def _properties(facts: dict[str, object]) -> list[dict[str, str]]:
    return [
        {"name": _PREFIX + key, "value": value if isinstance(value, str) else json.dumps(value)}
        for key, value in facts.items()
    ]
