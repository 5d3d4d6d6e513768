"""What a job is: a verb of the command line that runs by itself, and how far it is."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from py_mlops.records import Digest, Level
from py_mlops.server.problems import Problem

JobVerb = Literal["reproduce", "restore", "verify", "bundle", "run"]
JobState = Literal["queued", "running", "done", "failed", "cancelled", "lost"]

JobId = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{8}T[0-9]{12}-[0-9a-f]{8}\Z")]
"""A job's id: when it was asked for, and chance."""

Variable = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}\Z")]
ModelName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")]
Tolerance = Annotated[str, msgspec.Meta(pattern=r"^[^-=][^=]{0,199}=[0-9.eE+-]{1,30}%?\Z")]


class ReproduceOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a snapshot is to be rerun.

    Attributes:
        tolerances: ``METRIC=VALUE`` or ``METRIC=5%`` each.
        calibrate: How many more reruns measure what varies by itself.
        timeout: Seconds one cell may take; ``null`` for no limit.
        yes: Run another person's code; asked after a ``not-trusted``.
        network: Let the rerun use the network.
        unisolated: Run another person's code even where it cannot be set apart.
        allow_build: Compile packages of which the index has only the source.
        variables: Names of environment variables to hand on from the server's own.
    """

    tolerances: Annotated[list[Tolerance], msgspec.Meta(max_length=100)] = []
    calibrate: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    timeout: Annotated[float, msgspec.Meta(gt=0, le=1e7)] | None = None
    yes: bool = False
    network: bool = False
    unisolated: bool = False
    allow_build: bool = False
    variables: Annotated[list[Variable], msgspec.Meta(max_length=100)] = []


class RestoreOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a snapshot is to be restored.

    Attributes:
        folder: A folder as the server's file browser names it; it is made when
            it is not there.
        outputs: Also restore the files that the run wrote.
    """

    folder: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    outputs: bool = False


class BundleOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a snapshot's bundle goes.

    Attributes:
        file: A file as the server's file browser names it.
    """

    file: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class Parameter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A parameter of a run.

    Attributes:
        name: Its variable.
        value: Its value, read as JSON or else as text.
    """

    name: Variable
    value: Annotated[str, msgspec.Meta(max_length=1000)]


class RunOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a notebook is to be run from its first cell to its last, and snapshotted.

    Attributes:
        notebook: The notebook as the server's file browser names it.
        name: The model's name; the notebook's by default. Where a cell takes a
            snapshot, that one counts.
        model: The variable that holds the model; ``null`` for none.
        metrics: Variables that hold numbers.
        holdout: The variable that holds held-out inputs; ``null`` for none.
        parameters: What replaces the notebook's parameters.
        timeout: Seconds one cell may take; ``null`` for no limit.
    """

    notebook: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    name: ModelName | None = None
    model: Variable | None = None
    metrics: Annotated[list[Variable], msgspec.Meta(max_length=100)] = []
    holdout: Variable | None = None
    parameters: Annotated[list[Parameter], msgspec.Meta(max_length=100)] = []
    timeout: Annotated[float, msgspec.Meta(gt=0, le=1e7)] | None = None


class JobRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be done.

    Attributes:
        verb: Which verb.
        snapshot: The snapshot's whole id; ``null`` for ``verify``, which reads
            the whole store, and for ``run``.
        reproduce: Options of ``reproduce``.
        restore: Options of ``restore``, which needs them.
        bundle: Options of ``bundle``, which needs them.
        run: Options of ``run``, which needs them.
    """

    verb: JobVerb
    snapshot: Digest | None = None
    reproduce: ReproduceOptions | None = None
    restore: RestoreOptions | None = None
    bundle: BundleOptions | None = None
    run: RunOptions | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """How far a job is.

    Attributes:
        stage: The part of the work, ``environment``, ``data``, ``cell``, ….
        text: One line for a person; for ``cell`` its first line.
        done: Units finished.
        total: Units in all; 0 when unknown.
    """

    stage: str
    text: str
    done: int
    total: int


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job.

    Attributes:
        id: Its id.
        request: What was asked for.
        model: The snapshot's model; empty without one.
        author: Who asked for it.
        state: ``queued``; ``running``; ``done`` (a rerun's verdict may still be
            bad, see `level`); ``failed`` it ended in an error; ``cancelled``;
            ``lost`` its process died, or the machine was switched off.
        created: When it was asked for, RFC 3339 in UTC.
        started: When its process began; ``null`` before.
        ended: When it ended; ``null`` before.
        step: How far it is; ``null`` before the first step.
        level: The verdict of a rerun; ``null`` before, and for other verbs.
        record: Id of the record that it made; ``null`` when it made none.
        summary: Its result in one sentence; empty before.
        problem: Why it failed; ``null`` when it did not.
    """

    id: JobId
    request: JobRequest
    model: str
    author: str
    state: JobState
    created: str
    started: str | None
    ended: str | None
    step: Step | None
    level: Level | None
    record: Digest | None
    summary: str
    problem: Problem | None


class JobPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of jobs, newest first.

    Attributes:
        items: The jobs.
        next: The cursor of the next page; ``null`` on the last.
        running: How many run now.
        waiting: How many wait for their turn.
    """

    items: list[Job]
    next: str | None
    running: int
    waiting: int


class JobResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a job's verb printed for a program.

    Attributes:
        id: The job's id.
        result: As docs/commands.md says of the verb's ``--json``; empty before its end.
    """

    id: JobId
    result: dict[str, object]


class JobLog(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of what a job printed for a person; plain text.

    Attributes:
        text: The piece, at most 64 KiB.
        next: The offset, in bytes, to ask for next.
        ended: Whether the job has ended and this was the last piece.
    """

    text: str
    next: int
    ended: bool
