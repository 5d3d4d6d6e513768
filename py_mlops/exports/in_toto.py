"""An in-toto statement (v1) with a SLSA provenance predicate (v1): what was made, from what."""

from __future__ import annotations

from urllib.parse import quote

from py_mlops.errors import InputError
from py_mlops.exports.material import (
    PRODUCER,
    VERSION,
    File,
    Material,
    Package,
    hexadecimal,
    json_bytes,
    named_information,
)
from py_mlops.records import Blob

PAYLOAD_TYPE = "application/vnd.in-toto+json"
"""The payload type with which a DSSE envelope signs the bytes of `in_toto`."""

BUILD_TYPE = "pkg:pypi/py-mlops#docs/exports.md"
"""The URI of what the parameters below mean."""

_RECORD_TYPE = "application/json"


def in_toto(material: Material) -> bytes:
    """Return the statement, not signed.

    Its subjects are the model's serialised forms and the files that the run
    wrote. The bytes are the payload that a DSSE envelope signs.

    Args:
        material: What to tell.

    Returns:
        JSON.

    Raises:
        InputError: When there is neither a model nor a written file to speak about.
    """
    subjects = [
        item for file in (*material.artifacts, *material.outputs) for item in _descriptors(file)
    ]
    if not subjects:
        raise InputError(
            f"Snapshot {material.snapshot_id[7:19]} of {material.name} holds neither a model nor "
            "a written file, so a statement would be about nothing.",
            hint="Name the model when you take the snapshot (--model), or export ro-crate.",
        )
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects,
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": _asked(material),
                "internalParameters": _found(material),
                "resolvedDependencies": _dependencies(material),
            },
            "runDetails": {
                "builder": {"id": "pkg:pypi/py-mlops"},
                "metadata": {
                    "invocationId": named_information(material.snapshot_id),
                    "finishedOn": material.snapshot.created,
                },
                "byproducts": _byproducts(material),
            },
        },
    }
    return json_bytes(statement)


def _asked(material: Material) -> dict[str, object]:
    """Return what a person chose: the program by name, its parameters, what was to be kept."""
    request, program = material.snapshot.request, material.snapshot.program
    asked: dict[str, object] = {
        "name": request.name,
        "entry": program.entry,
        "program": hexadecimal(program.history.digest),
        "metrics": request.metrics,
        "parameters": material.snapshot.parameters,
    }
    if program.notebook:
        asked["notebook"] = material.paths.name(program.notebook)
    if request.model:
        asked["model"] = request.model
    if request.holdout:
        asked["holdout"] = request.holdout
    return asked


def _found(material: Material) -> dict[str, object]:
    """Return what the record says besides: who, on which machine, how watched, with what result."""
    snapshot = material.snapshot
    interpreter, machine = snapshot.environment.interpreter, snapshot.environment.hardware
    found: dict[str, object] = {
        "author": material.person(snapshot.author),
        "parents": snapshot.parents,
        "platform": interpreter.platform,
        "hardware": {
            "machine": machine.machine,
            "processor": machine.processor,
            "features": machine.features,
            "cores": machine.cores,
            "gpus": machine.gpus,
        },
        "randomness": {
            "hash seed": snapshot.randomness.hash_seed,
            "settings": snapshot.randomness.settings,
            "generators kept": snapshot.randomness.generators,
        },
        "metrics": snapshot.metrics,
        "capture": material.capture(),
        "exported by": {"uri": PRODUCER, "version": VERSION},
    }
    if interpreter.libc:
        found["libc"] = interpreter.libc
    if snapshot.model is not None:
        origin = snapshot.model.loaded_from
        found["model"] = {"type": snapshot.model.type} | (
            {"loaded from": material.paths.name(origin)} if origin else {}
        )
    return found


def _dependencies(material: Material) -> list[dict[str, object]]:
    """Return everything the run stood on; what has no digest stands among the capture's holes."""
    snapshot = material.snapshot
    files = [
        *((file, "program") for file in material.program),
        *((file, "data") for file in material.inputs),
        *((file, "answer") for file in material.answers),
    ]
    found = [item for file, role in files for item in _descriptors(file, role)]
    found.append(_blob("lock (pylock.toml)", snapshot.environment.lock, {"role": "environment"}))
    if snapshot.randomness.state is not None:
        role: dict[str, object] = {"role": "randomness"}
        found.append(_blob("states of random generators", snapshot.randomness.state, role))
    if snapshot.holdout is not None:
        held: dict[str, object] = {"role": "held-out inputs"}
        found.append(_blob(snapshot.holdout.variable, snapshot.holdout.inputs, held))
    python = snapshot.environment.interpreter
    named, version = quote(python.implementation, safe=""), quote(python.version, safe="")
    found.append({
        "name": python.implementation,
        "uri": f"pkg:generic/{named}@{version}",
        "annotations": {"role": "interpreter"},
    })  # fmt: skip
    packages = [item for item in material.packages if item.purl or item.sha256]
    return [*found, *map(_package, packages)]


def _package(package: Package) -> dict[str, object]:
    found: dict[str, object] = {
        "name": package.wheel or package.name,
        **({"uri": package.purl} if package.purl else {}),
        "annotations": {"role": "package", "source": package.source},
    }
    if package.sha256:
        found["digest"] = {"sha256": package.sha256}
    return found


def _byproducts(material: Material) -> list[dict[str, object]]:
    """Return the records themselves: the snapshot, and the newest verdict on it."""
    record = {"digest": {"sha256": hexadecimal(material.snapshot_id)}, "mediaType": _RECORD_TYPE}
    found: list[dict[str, object]] = [{"name": "snapshot", **record}]
    if material.verdict is not None:
        judged = material.judged()
        found.append({
            "name": "reproduction",
            "digest": {"sha256": hexadecimal(material.verdict_id)},
            "mediaType": _RECORD_TYPE,
            "annotations": {key: value for key, value in judged.items() if key != "id"},
        })  # fmt: skip
    return found


def _descriptors(file: File, role: str = "") -> list[dict[str, object]]:
    """Return a file as resource descriptors: one, or one for each blob of its content."""
    facts = {"role": role, **file.facts} if role else file.facts
    if file.blob is not None:
        return [_blob(file.name, file.blob, facts)]
    return [_blob(f"{file.name}#{n}", blob, facts) for n, blob in enumerate(file.blobs, 1)]


def _blob(name: str, blob: Blob, facts: dict[str, object]) -> dict[str, object]:
    return {
        "name": name,
        "digest": {"sha256": hexadecimal(blob.digest)},
        "annotations": {"size": blob.size, **facts},
    }
