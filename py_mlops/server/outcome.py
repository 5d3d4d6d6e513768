"""Reads from a job's folder how it stands, and from what its verb printed how it ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from py_mlops.records import is_digest
from py_mlops.report.page import counted
from py_mlops.server import runner
from py_mlops.server.locks import is_held
from py_mlops.server.problems import Problem, code_of
from py_mlops.server.work import Job, JobRequest, JobState, Step

_LARGEST = 64 * 1024 * 1024
_VERDICTS = {0, 10, 11, 12}
"""Exit codes with which a rerun has a verdict."""


def job_of(folder: Path) -> Job | None:
    """Return the job of a folder as it stands.

    Args:
        folder: Its folder.

    Returns:
        The job; ``None`` when the folder is not there or holds none.
    """
    said = _json(folder / runner.JOB)
    if said is None:
        return None
    # In this order: a process takes its lock, says that it has started, says how it ended, and
    # lets go of the lock.
    started = _text(folder / runner.STARTED)
    running = is_held(folder / runner.LOCK)
    ended = _json(folder / runner.ENDED)
    step = _json(folder / runner.STEP)
    request = msgspec.convert(said["request"], JobRequest)
    state, result = _state(folder, ended, started=bool(started), running=running)
    if request.verb == "reproduce" and state == "done" and "level" not in result:
        state = "failed"
    return Job(
        id=folder.name,
        request=request,
        model=said["model"],
        author=said["author"],
        state=state,
        created=said["created"],
        started=started or None,
        ended=ended["time"] if ended else None,
        step=msgspec.convert(step, Step) if step else None,
        level=result.get("level") if request.verb == "reproduce" else None,
        record=_digest(result.get("id")),
        summary=_summary(request, state, result),
        problem=_problem(folder, state, result),
    )


def result_of(folder: Path) -> dict[str, object]:
    """Return what the verb of an ended job printed for a program; empty before and without any.

    Args:
        folder: The job's folder.
    """
    return _told(folder) if (folder / runner.ENDED).exists() else {}


def _told(folder: Path) -> dict[str, Any]:
    """Return what a verb printed; what it printed a list of is what it took."""
    found = _json(folder / runner.RESULT)
    if isinstance(found, list):
        ids = [one.get("id") for one in found if isinstance(one, dict)]
        return {"snapshots": ids, "id": ids[-1] if ids else None}
    return found if isinstance(found, dict) else {}


def _state(
    folder: Path, ended: Any, *, started: bool, running: bool
) -> tuple[JobState, dict[str, Any]]:
    if ended is None:
        if started:
            return ("running" if running else "lost"), {}
        return "queued", {}
    if ended["cancelled"]:
        return "cancelled", {}
    result = _told(folder)
    good = ended["code"] in _VERDICTS or "damaged" in result
    return ("done" if good and "error" not in result else "failed"), result


def _summary(request: JobRequest, state: JobState, result: dict[str, Any]) -> str:
    if state != "done":
        return ""
    if request.verb == "restore":
        folder = request.restore.folder if request.restore else ""
        return f"{counted(len(result.get('files', [])), 'file')} restored into {folder}."
    if request.verb == "bundle":
        file = request.bundle.file if request.bundle else ""
        return f"{result.get('size', 0):,} bytes written to {file}."
    if request.verb == "run":
        return f"{counted(len(result.get('snapshots', [])), 'snapshot')} taken."
    if request.verb == "verify":
        damaged = result.get("damaged", [])
        checked = f"{result.get('records', 0):,} records checked"
        return (
            f"{checked}; {len(damaged)} damaged: {damaged[0]}"
            if damaged
            else f"{checked}; all as written."
        )
    reason = result.get("reason")
    return reason if isinstance(reason, str) else ""


def _problem(folder: Path, state: JobState, result: dict[str, Any]) -> Problem | None:
    if state == "lost":
        return Problem(
            code="lost",
            message="Its process died, or the machine was switched off.",
            hint="Start it again; what was stored before is unharmed.",
        )
    if state != "failed":
        return None
    error = result.get("error")
    if isinstance(error, dict):
        kind, message, hint = (str(error.get(key, "")) for key in ("kind", "message", "hint"))
        return Problem(code=code_of(kind), message=message, hint=hint)
    last = _text(folder / runner.LOG)[-4000:].strip().rpartition("\n")[2]
    return Problem(
        code="failed",
        message=last[:500] or "It ended without a word.",
        hint="Its log says more.",
    )


def _json(path: Path) -> Any:
    try:
        if path.stat().st_size > _LARGEST:
            return None
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 65536))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _digest(value: object) -> str | None:
    return value if isinstance(value, str) and is_digest(value) else None
