"""Jobs: what takes long, asked for, looked at and cancelled."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from py_mlops.commands.catalogue.inspect import the_snapshot
from py_mlops.commands.catalogue.summaries import Limit
from py_mlops.commands.reruns.reproduce import Options, trust_question
from py_mlops.errors import InputError, NotTrusted, StoreUnavailable
from py_mlops.server.contract import Route
from py_mlops.server.files import on_disk
from py_mlops.server.work import (
    BundleOptions,
    Job,
    JobId,
    JobLog,
    JobPage,
    JobRequest,
    JobResult,
    ReproduceOptions,
    RestoreOptions,
    RunOptions,
)

if TYPE_CHECKING:
    from py_mlops.records import Snapshot
    from py_mlops.server.desk import Desk
    from py_mlops.workspace import Workspace


class JobsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which jobs.

    Attributes:
        cursor: The last page's `next`.
        limit: The most items.
    """

    cursor: JobId | None = None
    limit: Limit = 50


class OneJob(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job.

    Attributes:
        id: Its id.
    """

    id: JobId


class LogQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which piece of a job's log.

    Attributes:
        id: The job's id.
        offset: Where to begin, in bytes; the last piece's `next`.
    """

    id: JobId
    offset: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 0


async def start_job(desk: Desk, request: JobRequest) -> Job:
    """Ask for a job; it is queued, and events of kind ``job`` tell how it goes on."""
    words = await _words(desk, request)
    started: Job = await desk.at_store.run(_queue, desk, request, words)
    return started


def jobs(desk: Desk, query: JobsQuery) -> JobPage:
    """List jobs, newest first; ended ones are kept for a while."""
    return desk.queue.page(before=query.cursor, limit=query.limit)


def job(desk: Desk, query: OneJob) -> Job:
    """Return one job."""
    return desk.queue.job(query.id)


def job_log(desk: Desk, query: LogQuery) -> JobLog:
    """Return a piece of what a job printed."""
    return desk.queue.log(query.id, query.offset)


def job_result(desk: Desk, query: OneJob) -> JobResult:
    """Return what a job's verb printed for a program, as its ``--json`` does."""
    return desk.queue.result(query.id)


def cancel_job(desk: Desk, query: OneJob) -> Job:
    """Cancel a job, with every process it has started; one that has ended stays as it is."""
    return desk.queue.cancel(query.id)


def _queue(desk: Desk, request: JobRequest, words: list[str]) -> Job:
    model, author = "", desk.room.author.name
    if request.verb == "verify":
        desk.room.workspace()  # whoever has none is told at once
    if request.snapshot is not None:
        workspace = desk.room.workspace()
        snapshot = the_snapshot(workspace, request.snapshot)
        model = snapshot.request.name
        if request.verb == "reproduce":
            if not desk.room.is_writable():
                raise _read_only(desk)
            _check_trust(workspace, snapshot, request.reproduce or ReproduceOptions())
    elif request.run is not None:
        model = request.run.name or Path(request.run.notebook).stem
    command = [sys.executable, "-m", "py_mlops", *words, "--json", "--progress", "json"]
    return desk.queue.add(request, command, model, author)


def _read_only(desk: Desk) -> StoreUnavailable:
    return StoreUnavailable(
        f"The store in {desk.room.settings.store} cannot be written, so no verdict can be kept.",
        hint="Give yourself the right to write there, or set MLOPS_STORE to a store of your own "
        "and fetch the snapshot with `mlops pull`.",
    )


def _check_trust(workspace: Workspace, snapshot: Snapshot, asked: ReproduceOptions) -> None:
    """Have a person asked at once whether another's code may run, before a job could refuse it."""
    options = Options(network=asked.network, unisolated=asked.unisolated)
    question = trust_question(workspace, snapshot, options)
    if question and not asked.yes:
        raise NotTrusted(question, hint="You can read its executed cells first.")


async def _words(desk: Desk, request: JobRequest) -> list[str]:
    """Return the words of the command line, all of them checked or made here."""
    if request.verb == "verify":
        return ["verify"]
    if request.verb == "run":
        return await _run(desk, request.run)
    if request.snapshot is None:
        raise InputError(f"{request.verb} needs a snapshot.", hint="Name its whole id.")
    if request.verb == "reproduce":
        return ["reproduce", request.snapshot, *_reproduce(request.reproduce)]
    if request.verb == "bundle":
        return ["bundle", request.snapshot, await _bundle(desk, request.bundle)]
    return ["restore", request.snapshot, *await _restore(desk, request.restore)]


def _reproduce(options: ReproduceOptions | None) -> list[str]:
    asked = options or ReproduceOptions()
    words = [f"--tolerance={one}" for one in asked.tolerances]
    words += [f"--env={name}" for name in asked.variables]
    if asked.calibrate:
        words.append(f"--calibrate={asked.calibrate}")
    if asked.timeout is not None:
        words.append(f"--timeout={asked.timeout}")
    for name in ("yes", "network", "unisolated", "allow_build"):
        if getattr(asked, name):
            words.append("--" + name.replace("_", "-"))
    return words


async def _restore(desk: Desk, options: RestoreOptions | None) -> list[str]:
    if options is None:
        raise InputError("restore needs a folder.", hint="Choose one in the file browser.")
    folder = await on_disk(desk.contents, options.folder)
    return [str(folder), *(["--outputs"] if options.outputs else [])]


async def _bundle(desk: Desk, options: BundleOptions | None) -> str:
    if options is None:
        raise InputError("bundle needs a file.", hint="Name one in the file browser.")
    file = await on_disk(desk.contents, options.file)
    if file.suffix != ".mlops":
        raise InputError(f"{options.file} is no bundle's name.", hint="Let it end in .mlops.")
    return str(file)


async def _run(desk: Desk, options: RunOptions | None) -> list[str]:
    if options is None:
        raise InputError("run needs a notebook.", hint="Open one.")
    notebook = await on_disk(desk.contents, options.notebook)
    if notebook.suffix != ".ipynb" or not notebook.is_file():
        raise InputError(f"{options.notebook} is no notebook here.", hint="Save it first.")
    words = ["run", str(notebook), *(f"--metric={one}" for one in options.metrics)]
    given = {name: getattr(options, name) for name in ("name", "model", "holdout", "timeout")}
    words += [f"--{name}={value}" for name, value in given.items() if value is not None]
    for one in options.parameters:
        words += ["--parameter", one.name, one.value]
    return words


ROUTES = [
    Route("POST", "/jobs", "execute", start_job, JobRequest, Job, status=202),
    Route("GET", "/jobs", "read", jobs, JobsQuery, JobPage, store=False),
    Route("GET", "/jobs/{id}", "read", job, OneJob, Job, store=False),
    Route("DELETE", "/jobs/{id}", "execute", cancel_job, OneJob, Job, store=False),
    Route("GET", "/jobs/{id}/result", "read", job_result, OneJob, JobResult, store=False),
    Route("GET", "/jobs/{id}/log", "read", job_log, LogQuery, JobLog, store=False),
]
