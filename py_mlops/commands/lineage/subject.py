"""What a person points at when they ask where something comes from, or what it went into."""

from __future__ import annotations

import hashlib
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from py_mlops import predictions
from py_mlops.errors import InputError, UnknownReference
from py_mlops.progress import Progress, Report, silent
from py_mlops.records import HeadMove, Import, Reproduction
from py_mlops.store.edges import Point, file, key_of, origin, person
from py_mlops.workspace import Workspace

_ACTS = ("snapshot", "reproduction", "head-move", "import")
_DIGEST = re.compile("(?:sha256:)?([0-9a-f]{64})")
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Subject:
    """What was pointed at.

    Attributes:
        kind: What it is.
        word: What the person wrote.
        point: Where lineage begins.
        id: The record's id, or the digest of the bytes; empty otherwise.
        note: What else the word could mean, or by which record it was found; may be empty.
        prediction: Of a prediction: where it is logged, and what it says.
    """

    kind: Literal["snapshot", "file", "origin", "person"]
    word: str
    point: Point
    id: str = ""
    note: str = ""
    prediction: predictions.Found | None = None


def find_subject(workspace: Workspace, word: str, *, report: Report = silent) -> Subject:
    """Find out what a person means.

    A word with a slash is a file, one with ``://`` an address. Any other is a
    head, a model's name, an id or the beginning of one; else a digest; else a
    file in the current folder; else a person by name or address; else the
    address of an origin without a scheme, ``host:port``; else the id of a logged
    prediction.

    Args:
        workspace: The store, and what its records link.
        word: What the person wrote.
        report: Told about progress.

    Returns:
        The subject. A file is known by its bytes alone.

    Raises:
        UnknownReference: When it is none of these, or several.
        InputError: When it is a path and there is no file.
    """
    workspace.store.lineage.catch_up(report=report)
    if "://" in word:
        return Subject("origin", word, origin(word))
    path = Path(word).expanduser()
    if "/" in word:
        return _file(path, word, report)
    there = _is_file(path)
    try:
        found = workspace.store.resolve(word, kinds=_ACTS)
    except UnknownReference as error:
        return _otherwise(workspace, word, path if there else None, error, report)
    note = f"The current folder has a file of that name, too: write ./{word} for it."
    return _record(workspace, word, found, note if there else "")


def _record(workspace: Workspace, word: str, identifier: str, note: str) -> Subject:
    record = workspace.store.get(identifier)
    match record:
        case Reproduction() | Import():
            named, kind = record.snapshot, "rerun" if isinstance(record, Reproduction) else "import"
            note = f"{word} is the {kind} {identifier[7:19]} of this snapshot."
        case HeadMove():
            named = record.target
            note = f"{word} is the move of {record.head} to this snapshot."
        case _:
            named = identifier
    return Subject("snapshot", word, Point("snapshot", key_of(named)), named, note)


def _otherwise(
    workspace: Workspace, word: str, path: Path | None, error: UnknownReference, report: Report
) -> Subject:
    """Return what a word means that names no record."""
    if whole := _DIGEST.fullmatch(word):
        digest = f"sha256:{whole[1]}"
        return Subject("file", word, file(digest), digest)
    if path is not None:
        return _file(path, word, report)
    lineage = workspace.store.lineage
    if lineage.uses(person(word), 1):
        return Subject("person", word, person(word))
    if lineage.uses(origin(word), 1):
        return Subject("origin", word, origin(word))
    if logged := predictions.find(workspace.store, word):
        return _prediction(workspace, word, logged)
    raise UnknownReference(
        f"Nothing goes by {word[:80]!r}: no snapshot, file, digest, person, address or "
        "prediction. "
        f"{error.message}",
        hint=f"{error.hint} A file is named by its path (./{word[:40]}), a person by name or mail.",
    )


def _prediction(workspace: Workspace, word: str, logged: predictions.Found) -> Subject:
    """Return the snapshot that answered.

    Raises:
        UnknownReference: When this store does not have it.
    """
    named = logged.prediction.snapshot
    if not workspace.store.ledger.find(named.removeprefix("sha256:"), 1):
        raise UnknownReference(
            f"The prediction {word[:80]!r} was answered by snapshot {named[7:19]}, which this "
            "store does not have.",
            hint="`mlops pull` it from the store that the model came from.",
        )
    note = f"It answered the prediction {word}."
    point = Point("snapshot", key_of(named))
    return Subject("snapshot", word, point, named, note, prediction=logged)


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def _file(path: Path, word: str, report: Report) -> Subject:
    if not _is_file(path):
        raise InputError(
            f"There is no file {word!r}.",
            hint="Name a file by its path, a snapshot by its model's name or id.",
        )
    report(Progress("hashing", path.name))
    state = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            state.update(block)
    digest = f"sha256:{state.hexdigest()}"
    return Subject("file", word, file(digest), digest)
