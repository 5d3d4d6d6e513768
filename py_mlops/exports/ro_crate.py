"""An RO-Crate 1.1 after the Process Run Crate profile 0.5: the run as an action on files."""

from __future__ import annotations

import json
import mimetypes

from py_mlops.exports.material import (
    PRODUCER,
    File,
    Material,
    Package,
    hexadecimal,
    json_bytes,
    named_information,
)
from py_mlops.records import Author, Reproduction

FILE = "ro-crate-metadata.json"
"""The name by which every reader looks for the crate's metadata."""

_PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
_CRATE = "https://w3id.org/ro/crate/1.1"
_TERMS = {
    "sha256": "https://w3id.org/ro/terms/workflow-run#sha256",
    "environment": "https://w3id.org/ro/terms/workflow-run#environment",
}
_MEDIA = mimetypes.MimeTypes()
"""Python's own table; what a machine's files add would make exports differ."""

_NO_LICENCE = "No licence is recorded. Ask the author before you use it."
_DONE = "http://schema.org/CompletedActionStatus"

Entity = dict[str, object]


def ro_crate(material: Material) -> bytes:
    """Return the crate's metadata, the file `FILE`.

    Files are named by the sha256 of their content (``ni:`` URIs), since the
    crate does not carry them; their paths are their names.

    Args:
        material: What to tell.

    Returns:
        JSON-LD.
    """
    return json_bytes({
        "@context": [f"{_CRATE}/context", _TERMS],
        "@graph": _Graph(material).entities(),
    })  # fmt: skip


class _Graph:
    """The entities of one crate, each once under its id."""

    def __init__(self, material: Material) -> None:
        self._material = material
        self._found: dict[str, Entity] = {}
        self._unknown = 0
        self._others: dict[str, dict[str, None]] = {}  # further names of equal bytes

    def entities(self) -> list[Entity]:
        """Return the whole graph; the metadata file and the root come first."""
        material = self._material
        root: Entity = {"@id": "./", "@type": "Dataset"}
        self._add({
            "@id": FILE,
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": {"@id": _CRATE},
        })  # fmt: skip
        self._found["./"] = root
        action = self._action()
        mentions = [action]
        if material.verdict is not None:
            mentions.append(self._review(material.verdict))
        snapshot = material.snapshot
        root |= {
            "name": material.name,
            "description": f"How the model {material.name} came to be: program, data, "
            f"environment and results, as recorded in snapshot {material.snapshot_id}.",
            "identifier": named_information(material.snapshot_id),
            "datePublished": snapshot.created,
            "conformsTo": _link(_PROFILE),
            "author": self._person("#author", snapshot.author),
            "publisher": self._person("#author", snapshot.author),
            "license": material.licence or _NO_LICENCE,
            "mentions": mentions,
            "hasPart": [
                _link(key)
                for key, entity in self._found.items()
                if "File" in _types(entity)
            ],
        }  # fmt: skip
        self._add({
            "@id": _PROFILE,
            "@type": "CreativeWork",
            "name": "Process Run Crate",
            "version": "0.5",
        })  # fmt: skip
        for key, names in self._others.items():
            self._found[key]["alternateName"] = list(names)
        return [_single(entity) for entity in self._found.values()]

    def _add(self, entity: Entity) -> Entity:
        """Keep an entity, unless its id is there already; return the link to it."""
        self._found.setdefault(str(entity["@id"]), entity)
        return _link(str(entity["@id"]))

    def _action(self) -> Entity:
        material, snapshot = self._material, self._material.snapshot
        results = [*map(self._file, (*material.artifacts, *material.outputs))]
        results += [
            self._value(f"#metric-{n}", name, value)
            for n, (name, value) in enumerate(snapshot.metrics.items(), 1)
        ]
        objects = [*map(self._file, (*material.inputs, *material.answers))]
        objects += [
            self._value(f"#parameter-{n}", name, value)
            for n, (name, value) in enumerate(snapshot.parameters.items(), 1)
        ]
        action: Entity = {
            "@id": "#run",
            "@type": "CreateAction",
            "name": f"Training run of {material.name}",
            "description": f"{snapshot.program.cells} executed cells, {material.failed} of them "
            f"failed; watched at the level {snapshot.capture.level}.",
            "endTime": _moment(snapshot.created),
            "actionStatus": _DONE,
            "agent": self._person("#author", snapshot.author),
            "instrument": self._program(),
            "object": objects,
            "result": results,
            "environment": [
                self._value(f"#environment-{n}", name, value)
                for n, (name, value) in enumerate(snapshot.randomness.settings.items(), 1)
            ],
            "additionalProperty": self._notes(),
        }
        return self._add(action)

    def _notes(self) -> list[Entity]:
        """Return what has no property of its own in the profile: capture, holes, parents."""
        snapshot = self._material.snapshot
        notes = [
            ("capture level", snapshot.capture.level),
            *(("hole", text) for text in self._material.holes),
            *(("difference from the saved notebook", text) for text in self._material.differences),
            *(("parent snapshot", parent) for parent in snapshot.parents),
            ("author identified by", snapshot.author.source),
            ("exported by", PRODUCER),
        ]
        return [self._value(f"#note-{n}", *note) for n, note in enumerate(notes, 1)]

    def _program(self) -> Entity:
        """Return the executed program: its cells, with the notebook and modules as its parts."""
        material = self._material
        executed, *others = sorted(
            material.program, key=lambda file: file.facts["part"] != "cells as executed"
        )
        link = self._file(executed)
        entity = self._found[str(link["@id"])]
        entity["@type"] = ["File", "SoftwareSourceCode"]
        entity["name"] = f"{material.name}, the cells as executed"
        entity["version"] = hexadecimal(material.snapshot.program.history.digest)
        entity["encodingFormat"] = "application/json"
        entity["hasPart"] = [self._file(file) for file in others]
        entity["runtimePlatform"] = self._interpreter()
        entity["softwareRequirements"] = [
            self._package(f"#package-{n}", package)
            for n, package in enumerate(material.packages, 1)
        ]
        return link

    def _interpreter(self) -> str:
        python = self._material.snapshot.environment.interpreter
        words = (python.implementation, python.version, python.platform, python.libc)
        return " ".join(word for word in words if word)

    def _package(self, key: str, package: Package) -> Entity:
        entity: Entity = {
            "@id": key,
            "@type": "SoftwareApplication",
            "name": package.name,
            "softwareVersion": package.version,
        }
        if package.purl:
            entity["identifier"] = package.purl
        if package.sha256:
            entity["sha256"] = package.sha256
        return self._add(entity)

    def _file(self, file: File) -> Entity:
        """Add a file; one whose content is not known, or not one blob, has an id of its own."""
        blob = file.blob
        self._unknown += blob is None
        entity: Entity = {
            "@id": named_information(blob.digest) if blob else f"#file-{self._unknown}",
            "@type": "File" if blob else "CreativeWork",
            "name": file.name,
            "description": ", ".join(f"{key}: {value}" for key, value in file.facts.items()),
        }
        if (kind := _MEDIA.guess_type(file.name)[0]) is not None:
            entity["encodingFormat"] = kind
        if file.size is not None:
            entity["contentSize"] = str(file.size)
        if blob is not None:
            entity["sha256"] = hexadecimal(blob.digest)
        elif file.blobs:
            entity["identifier"] = [named_information(part.digest) for part in file.blobs]
        link = self._add(entity)
        key = str(link["@id"])
        if self._found[key]["name"] != file.name:
            self._others.setdefault(key, {})[file.name] = None
        return link

    def _value(self, key: str, name: str, value: object) -> Entity:
        plain = value if isinstance(value, str | int | float) else json.dumps(value)
        return self._add({"@id": key, "@type": "PropertyValue", "name": name, "value": plain})

    def _person(self, key: str, author: Author) -> Entity:
        told = self._material.person(author)
        person: Entity = {"@id": key, "@type": "Person", "name": told["name"]}
        if "email" in told:
            person["email"] = told["email"]
        return self._add(person)

    def _review(self, verdict: Reproduction) -> Entity:
        """Return the newest verdict as a review of the crate."""
        judged = self._material.judged()
        axes = [(axis.name, axis.state) for axis in verdict.axes]
        return self._add({
            "@id": named_information(self._material.verdict_id),
            "@type": "Review",
            "name": f"Reproduction: {verdict.level}",
            "itemReviewed": _link("./"),
            "author": self._person("#reviewer", verdict.author),
            "dateCreated": verdict.created,
            "reviewBody": f"{verdict.level}: {judged['reason']}",
            "additionalProperty": [
                self._value(f"#axis-{n}", *axis) for n, axis in enumerate(axes, 1)
            ],
        })  # fmt: skip


def _link(key: str) -> Entity:
    return {"@id": key}


def _single(entity: Entity) -> Entity:
    """Return an entity as RO-Crate wants lists: none for one value, and no empty one."""
    return {
        key: value[0] if isinstance(value, list) and len(value) == 1 else value
        for key, value in entity.items()
        if value != []
    }


def _moment(time: str) -> str:
    """Return a record's time in milliseconds with an offset, which is how the profile has it."""
    return f"{time[:23]}+00:00"


def _types(entity: Entity) -> list[object]:
    kind = entity["@type"]
    return kind if isinstance(kind, list) else [kind]
