"""Answers of databases, web servers and people: from a kernel's tape into the store, and back."""

from __future__ import annotations

import ipaddress
import json
import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from py_mlops.errors import InputError, StoreUnavailable
from py_mlops.progress import Progress, Report, silent
from py_mlops.records import Answer, Blob, External, Hole
from py_mlops.records.handover import Handover, SeenAnswer, SeenConnection
from py_mlops.store.base import Blobs

INDEX = "index.jsonl"
"""The tape's list of answers, one JSON object a line."""

_SUFFIX = ".answer"
_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mariadb": 3306}
_LOCAL = ("127.0.0.1", "::1")
_SHOWN = 160
_MOST = 20


def gather(
    handover: Handover, put: Callable[[Path], Blob], report: Report = silent
) -> tuple[list[Answer], list[Hole]]:
    """Take every answer of a session into the store.

    Args:
        handover: What the kernel recorded.
        put: Stores a file's bytes.
        report: Told about progress.

    Returns:
        The answers in the order in which they were given, and a hole for each
        that could not be recorded.

    Raises:
        InputError: When the tape is not what the handover says.
        StoreError: When the store cannot take it.
    """
    answers, holes = [], []
    for number, seen in enumerate(handover.answers):
        hole = of_answer(seen)
        if hole is not None:
            holes.append(hole)
            continue
        report(Progress("answers", seen.source, number, len(handover.answers)))
        answers.append(
            Answer(
                kind=seen.kind,
                source=seen.source,
                request=seen.request,
                key=seen.key,
                occurrence=seen.occurrence,
                cell=seen.cell,
                blob=_take(Path(handover.tape), seen, put),
            )
        )
    if len(holes) > _MOST:
        rest = len(holes) - _MOST
        text = f"{rest} further answers of databases and web servers are not kept."
        hint = "Read less at a time, or save what you download to a file."
        holes[_MOST:] = [
            Hole(kind="network", text=text, hint=hint, cell=holes[_MOST].cell, blocking=True)
        ]
    return answers, holes


def _take(folder: Path, seen: SeenAnswer, put: Callable[[Path], Blob]) -> Blob:
    path = folder / seen.file
    try:
        plain = seen.file == path.name and stat.S_ISREG(os.lstat(path).st_mode)
        blob = put(path) if plain else None
    except FileNotFoundError:
        blob = None
    if blob is None or blob.size != seen.size:
        raise InputError(
            f"The recorded answer to {short(seen.request)!r} is not what the kernel wrote down.",
            hint="Something removed or changed the session's temporary files: restart the kernel, "
            "run all cells and snapshot again.",
        )
    return blob


def of_answer(seen: SeenAnswer) -> Hole | None:
    """Return the hole that an answer leaves, ``None`` when it is kept."""
    if not seen.problem:
        return None
    what = {"sql": "query", "http": "request", "input": "prompt"}[seen.kind]
    return Hole(
        kind="network",
        text=f"Cell [{seen.cell}]: the answer to the {what} {short(seen.request)} of "
        f"{seen.source} is not kept: {seen.problem}",
        hint="Read less at a time, or save what you download to a file and read the file.",
        cell=seen.cell,
        blocking=True,
    )


def is_played_back(seen: SeenConnection, answers: Sequence[SeenAnswer]) -> bool:
    """Say whether what came through a connection is among the answers, or is told as their hole.

    What Python code fetched from a web server is, and what a database's recorded
    driver did; of other native code, whatever it asked of the same server, and of
    child processes nothing is known.

    Args:
        seen: The connection.
        answers: The session's answers.
    """
    kind = {"python": "http", "driver": "sql"}.get(seen.by)
    return any(answer.kind == kind and _leads_to(answer.source, seen) for answer in answers)


def external(handover: Handover) -> list[External]:
    """Return whom a session reached without anything of it being on the tape."""
    return [
        External(host=seen.host, port=seen.port, by=seen.by, cell=seen.cell)
        for seen in handover.connections
        if not is_played_back(seen, handover.answers)
    ]


def _leads_to(source: str, seen: SeenConnection) -> bool:
    try:
        parts = urlsplit(source)
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return False
    if seen.host.startswith(("/", "@")):  # a socket's path, which an address need not name
        return not host or "/" in source.partition("://")[2].partition(":")[0]
    names = {host, "localhost"} if host in _LOCAL else {host}
    return port == seen.port and (seen.host in names or _is_number(seen.host))


def _is_number(host: str) -> bool:
    """Say whether a host is an address in numbers: whom it was looked up for is not known."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def short(request: str) -> str:
    """Return a question as one line of bearable length."""
    line = " ".join(request.split())
    return line if len(line) <= _SHOWN else line[:_SHOWN] + "…"


def lay_out(answers: Sequence[Answer], blobs: Blobs, folder: Path, report: Report = silent) -> None:
    """Write the tape that a rerun's kernel is answered from; every byte is checked.

    Args:
        answers: A snapshot's answers.
        blobs: Where their bytes are.
        folder: The tape's folder; it is made when it is not there.
        report: Told about progress.

    Raises:
        Corrupt, Missing: When stored bytes are damaged or gone.
        StoreUnavailable: When the folder cannot be written.
    """
    lines = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, answer in enumerate(answers):
            report(Progress("answers", answer.source, number, len(answers)))
            # Named by content: a thousand equal answers are one file.
            name = answer.blob.digest.partition(":")[2] + _SUFFIX
            if not (folder / name).exists():
                blobs.copy_to(answer.blob.digest, folder / name)
            line = {
                "kind": answer.kind,
                "source": answer.source,
                "request": answer.request,
                "key": answer.key,
                "occurrence": answer.occurrence,
                "cell": answer.cell,
                "file": name,
                "size": answer.blob.size,
                "problem": "",
            }
            lines.append(json.dumps(line) + "\n")
        (folder / INDEX).write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        raise StoreUnavailable(
            f"The recorded answers cannot be laid out in {folder}: {error.strerror}.",
            hint="Free some space, or set MLOPS_CACHE to another folder.",
        ) from error
