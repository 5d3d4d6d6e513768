"""What an export is made from: a snapshot with its history and newest verdict, ready to be told."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from uuid import NAMESPACE_URL, uuid5

from py_mlops.exports.paths import Paths
from py_mlops.exports.purl import package_url
from py_mlops.records import Author, Blob, DataFile, History, Reproduction, Snapshot

VERSION = version("py-mlops")
"""The version of the program that writes an export."""

PRODUCER = f"pkg:pypi/py-mlops@{VERSION}"
"""Its URI."""

_ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+")


@dataclass(frozen=True)
class File:
    """A file of a snapshot as an export names it.

    Attributes:
        name: Its path below the notebook's folder, or ``elsewhere/…``.
        blobs: Its content, normally one blob; empty when nobody knows it.
        facts: What else the record says: cell, who saw it, which process.
    """

    name: str
    blobs: tuple[Blob, ...]
    facts: dict[str, object]

    @property
    def blob(self) -> Blob | None:
        """The blob that is the whole content, ``None`` when there is no such one."""
        return self.blobs[0] if len(self.blobs) == 1 else None

    @property
    def size(self) -> int | None:
        """Its length in bytes, ``None`` when nobody knows it."""
        return sum(blob.size for blob in self.blobs) if self.blobs else None


@dataclass(frozen=True)
class Package:
    """An installed distribution as an export names it.

    Attributes:
        name: Its name.
        version: Its version.
        purl: Its package URL; empty when its name is none.
        wheel: File name of the very wheel; empty when unknown.
        sha256: Hex digest of that wheel; empty when unknown.
        source: Where it came from: see `records.Distribution`.
    """

    name: str
    version: str
    purl: str
    wheel: str
    sha256: str
    source: str


@dataclass(frozen=True)
class Material:
    """A snapshot with what is needed to tell of it in another standard's words.

    Attributes:
        snapshot_id: Its id.
        snapshot: The record.
        files: Every file that the program read or made, also those of trees.
        history: The cells that were executed.
        verdict_id: Id of the newest reproduction; empty when there is none.
        verdict: The newest reproduction; ``None`` when it was never rerun.
        email: Whether people's addresses are told too.
        licence: Under which licence the model may be used, as its exporter says; no record
            knows it. Empty when they do not say.
    """

    snapshot_id: str
    snapshot: Snapshot
    files: Sequence[DataFile]
    history: History
    verdict_id: str = ""
    verdict: Reproduction | None = None
    email: bool = False
    licence: str = ""

    @cached_property
    def paths(self) -> Paths:
        """How paths are named, and removed from sentences."""
        return Paths(self.snapshot, self.files)

    @property
    def name(self) -> str:
        """The model's name."""
        return self.snapshot.request.name

    @cached_property
    def inputs(self) -> list[File]:
        """The files that the program read, in the record's order."""
        return self._files("input")

    @cached_property
    def outputs(self) -> list[File]:
        """The files that the program made."""
        return self._files("output")

    def _files(self, role: str) -> list[File]:
        found = []
        for file in self.files:
            if file.role != role:
                continue
            facts: dict[str, object] = {"cell": file.cell, "observed": file.observed}
            if file.process:
                facts["process"] = self.paths.told(file.process)
            if file.rewritten:
                facts["rewritten"] = True
            found.append(File(self.paths.name(file.path), tuple(file.blobs), facts))
        return found

    @cached_property
    def answers(self) -> list[File]:
        """What databases and web servers answered; named by who answered, not by what was asked."""
        return [
            File(
                self.paths.source(answer.source),
                (answer.blob,),
                {"cell": answer.cell, "asked": answer.kind},
            )
            for answer in self.snapshot.answers
        ]

    @cached_property
    def program(self) -> list[File]:
        """The notebook as saved, the cells as executed, and loose modules."""
        program = self.snapshot.program
        saved = []
        if program.saved is not None:
            name = self.paths.name(program.notebook) if program.notebook else "notebook"
            saved = [File(name, (program.saved,), {"part": "notebook as saved"})]
        cells: dict[str, object] = {"part": "cells as executed", "cells": program.cells}
        modules = [
            File(self.paths.name(file.path), (file.blob,), {"part": "module or script"})
            for file in program.modules
        ]
        return [*saved, File("cells as executed", (program.history,), cells), *modules]

    @cached_property
    def artifacts(self) -> list[File]:
        """The model's serialised forms, the safest first."""
        model = self.snapshot.model
        return [
            File(
                f"{self.name}.{artifact.format}",
                (artifact.blob,),
                {"format": artifact.format, "executes code when loaded": artifact.executes},
            )
            for artifact in (model.artifacts if model else [])
        ]

    @cached_property
    def packages(self) -> list[Package]:
        """The installed distributions."""
        return [
            Package(
                item.name,
                item.version,
                package_url(item),
                item.wheel or "",
                item.sha256 or "",
                item.source,
            )
            for item in self.snapshot.environment.distributions
        ]

    @cached_property
    def holes(self) -> list[str]:
        """What the record says is missing from it, in sentences without anybody's folders."""
        return [self.paths.told(hole.text) for hole in self.snapshot.capture.holes]

    @cached_property
    def differences(self) -> list[str]:
        """How the saved notebook is not what was executed."""
        return [self.paths.told(item.text) for item in self.snapshot.program.differences]

    @property
    def limitations(self) -> list[str]:
        """Holes and differences together: what a reader must not rely on."""
        return [*self.holes, *self.differences]

    @property
    def seconds(self) -> float:
        """How long the watched cells ran together."""
        return round(sum(cell.seconds for cell in self.history.cells), 3)

    @property
    def failed(self) -> int:
        """How many executed cells ended in an exception."""
        return sum(1 for cell in self.history.cells if cell.error)

    def person(self, author: Author) -> dict[str, str]:
        """Return who did something: name, how that is known, and the address where wanted."""
        told = {"name": author.name, "identified by": author.source}
        if self.email and author.email and _ADDRESS.fullmatch(author.email):
            told["email"] = author.email
        return told

    def capture(self) -> dict[str, object]:
        """Return how the session was watched and what is missing, as plain values."""
        return {
            "level": self.snapshot.capture.level,
            "holes": [
                {"kind": hole.kind, "text": text, "cell": hole.cell, "blocking": hole.blocking}
                for hole, text in zip(self.snapshot.capture.holes, self.holes, strict=True)
            ],
            "differences": [
                {"kind": item.kind, "text": text}
                for item, text in zip(
                    self.snapshot.program.differences, self.differences, strict=True
                )
            ],
        }

    def judged(self) -> dict[str, object]:
        """Return the newest verdict as plain values; empty when it was never rerun."""
        verdict = self.verdict
        if verdict is None:
            return {}
        return {
            "id": self.verdict_id,
            "level": verdict.level,
            "reason": self.paths.told(verdict.reason),
            **({"cause": self.paths.told(verdict.cause)} if verdict.cause else {}),
            "created": verdict.created,
            "author": self.person(verdict.author),
            "axes": {axis.name: axis.state for axis in verdict.axes},
            "metrics": {
                item.name: {"recorded": item.recorded, "state": item.state}
                | ({} if item.rerun is None else {"rerun": item.rerun})
                for item in verdict.metrics
            },
        }


def hexadecimal(digest: str) -> str:
    """Return a digest's digits without its algorithm's name."""
    return digest.removeprefix("sha256:")


def named_information(digest: str) -> str:
    """Return the URI that names some bytes by their sha256 (RFC 6920)."""
    value = urlsafe_b64encode(bytes.fromhex(hexadecimal(digest))).decode().rstrip("=")
    return f"ni:///sha-256;{value}"


def uuid_of(*digests: str) -> str:
    """Return the UUID (version 5) that follows from some digests, always the same one."""
    return str(uuid5(NAMESPACE_URL, " ".join(map(named_information, digests))))


def json_bytes(value: object) -> bytes:
    """Return indented JSON in ASCII, so that no text in it is more than text to any reader."""
    return json.dumps(value, indent=2, allow_nan=False).encode() + b"\n"


def json_lines(values: Iterable[object]) -> bytes:
    """Return one line of ASCII JSON for each value."""
    return "".join(json.dumps(value, allow_nan=False) + "\n" for value in values).encode()
