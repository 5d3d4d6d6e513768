"""Reproduce: retrain a snapshot from nothing but the store, and judge how it came out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import msgspec

from py_mlops import sandbox
from py_mlops.commands.reruns.cause import cause
from py_mlops.commands.reruns.closure import check_closure
from py_mlops.commands.reruns.evidence import Evidence, collect
from py_mlops.commands.reruns.rerun import Given, Rerun, rerun
from py_mlops.errors import (
    Corrupt,
    EnvironmentFailure,
    Hostile,
    InputError,
    Missing,
    MlopsError,
    NotTrusted,
    RerunFailed,
)
from py_mlops.notebook.randomness import draws_without_seed
from py_mlops.progress import Progress, Report, silent
from py_mlops.records import (
    Axis,
    History,
    Level,
    Reproduction,
    Snapshot,
    WrittenFile,
    record_id,
)
from py_mlops.verdict import judge
from py_mlops.workspace import Workspace, now

EXIT_CODES: dict[Level, int] = {
    "identical": 0,
    "equivalent": 0,
    "within tolerance": 0,
    "different": 10,
    "failed": 11,
    "cannot": 12,
}
"""What `mlops reproduce` exits with."""

Ask = Callable[[str], bool]
_SHORT = 60.0
_MOST_ALIKE = 3


@dataclass(frozen=True)
class Options:
    """How to rerun and how to judge.

    Attributes:
        tolerances: Per metric: the value and whether it is relative.
        calibrate: Further reruns to measure the noise band with; 0 for none.
        timeout: Seconds one cell may take; ``None`` for no limit.
        ask: Asked before another person's code is run.
        network: Whether the rerun may use the network.
        unisolated: Whether another person's code may be run where this machine
            cannot set it apart.
        variables: Environment variables for the rerun, whose values no record keeps.
        compiling: Whether source archives of its environment may be compiled, outside
            the sandbox.
    """

    tolerances: dict[str, tuple[float, bool]] = field(default_factory=dict)
    calibrate: int = 0
    timeout: float | None = None
    ask: Ask = lambda _question: False
    network: bool = False
    unisolated: bool = False
    variables: dict[str, str] = field(default_factory=dict)
    compiling: bool = False


def reproduce(
    workspace: Workspace,
    snapshot_id: str,
    options: Options | None = None,
    report: Report = silent,
) -> Reproduction:
    """Rerun a snapshot and record the verdict.

    Whatever stops the rerun becomes a verdict too (``failed`` or ``cannot``),
    so that a model which cannot be retrained is known to be one.

    Args:
        workspace: Where the snapshot is and the verdict goes.
        snapshot_id: The snapshot's whole id.
        options: How to rerun and judge.
        report: Told about progress, cell by cell.

    Returns:
        The verdict; it is in the store.

    Raises:
        UnknownReference: When there is no such snapshot.
        InputError: When a tolerance is for a metric that it does not have.
        Corrupt: When the snapshot's own record is damaged.
        StoreError: When the verdict cannot be written.
    """
    chosen = options or Options()
    began = time.monotonic()
    snapshot = workspace.store.get_as(snapshot_id, Snapshot)
    _check_tolerances(snapshot, chosen)
    try:
        verdict = _rerun_and_judge(workspace, snapshot, chosen, report)
    except (Corrupt, Missing, Hostile) as error:
        verdict = _stopped(snapshot, "cannot", error, "data")
    except EnvironmentFailure as error:
        verdict = _stopped(snapshot, "cannot", error, "environment")
    except NotTrusted as error:
        verdict = _stopped(snapshot, "cannot", error, "isolation")
    except RerunFailed as error:
        verdict = _stopped(snapshot, "failed", error, "outputs")
    record = _signed(workspace, verdict, time.monotonic() - began)
    workspace.store.add(record, author=workspace.author)
    return record


def _check_tolerances(snapshot: Snapshot, options: Options) -> None:
    """Refuse a tolerance that would silently do nothing, before anything runs."""
    unknown = [name for name in options.tolerances if name not in snapshot.metrics]
    if unknown:
        known = ", ".join(snapshot.metrics) or "none"
        raise InputError(
            f"{snapshot.request.name} has no metric called {', '.join(unknown)}.",
            hint=f"Its metrics are: {known}.",
        )


def _rerun_and_judge(
    workspace: Workspace, snapshot: Snapshot, options: Options, report: Report
) -> Reproduction:
    report(Progress("data", "checking every stored byte"))
    history = check_closure(workspace, snapshot, report)
    check_trust(workspace, snapshot, options)
    given = Given(options.timeout, options.network, options.variables, compiling=options.compiling)
    reruns = [rerun(workspace, snapshot, history, given, report)]
    for number in range(options.calibrate):
        report(Progress("calibrate", f"rerun {number + 2} of {options.calibrate + 1}"))
        reruns.append(rerun(workspace, snapshot, history, replace(given, chance=False), report))
    report(Progress("verdict", "comparing"))
    evidence = collect(workspace, snapshot, history, reruns, options.tolerances)
    alike: list[Rerun] = []
    with suppress(RerunFailed):  # then there is no further opinion
        while _only_prints_differ(evidence) and _worth_another(evidence, reruns[0], alike):
            report(Progress("verdict", "once more: what shows something else each time it runs?"))
            alike.append(rerun(workspace, snapshot, history, given, report))
            evidence = collect(
                workspace, snapshot, history, reruns, options.tolerances, alike=alike
            )
    return _judged(workspace, snapshot, history, reruns, evidence)


def _worth_another(evidence: Evidence, first: Rerun, alike: Sequence[Rerun]) -> bool:
    """Say whether one more rerun could show that a difference comes by itself.

    The first may always. Two numbers tell little of how far a third may lie from them
    by chance, so where reruns part, a short one is asked for up to two more.
    """
    if not alike:
        return True
    short = first.executed.seconds <= _SHORT
    return short and evidence.unsteady and evidence.differs and len(alike) < _MOST_ALIKE


def _only_prints_differ(evidence: Evidence) -> bool:
    """Say whether nothing but prints, or written files, speaks, and against the rerun."""
    if evidence.metrics or evidence.predictions or evidence.axis("data").state == "different":
        return False
    files = evidence.files
    written = files is not None and files.state == "different"
    silent = written and evidence.axis("outputs").state == "unknown"
    return evidence.first_difference is not None or silent


def is_foreign(workspace: Workspace, snapshot: Snapshot) -> bool:
    """Say whether a snapshot is another person's: by its author, or because it was imported."""
    imported = workspace.store.ledger.newest(kind="import", subject=record_id(snapshot), limit=1)
    mine = (workspace.author.name, workspace.author.email)
    return bool(imported) or (snapshot.author.name, snapshot.author.email) != mine


def check_trust(workspace: Workspace, snapshot: Snapshot, options: Options) -> None:
    """Ask before another person's code is run.

    Raises:
        NotTrusted: When there was no yes, or nothing here could set it apart.
    """
    question = trust_question(workspace, snapshot, options)
    if question and not options.ask(question):
        who = snapshot.author.name
        raise NotTrusted(
            f"This is {who}'s snapshot, and rerunning it means running {who}'s code.",
            hint="Read it first (`mlops show`, `mlops restore`); then allow it with --yes.",
        )


def trust_question(workspace: Workspace, snapshot: Snapshot, options: Options) -> str:
    """Return what a person must be asked before a snapshot is rerun; empty when it is their own.

    Raises:
        NotTrusted: When nothing here could set another person's code apart.
    """
    if not is_foreign(workspace, snapshot):
        return ""
    who, isolation = snapshot.author.name, sandbox.available()
    if isolation.level is sandbox.Level.COPY and not options.unisolated:
        raise NotTrusted(
            f"This is {who}'s snapshot, and this machine cannot set its code apart from your files "
            f"and your network: {isolation.why}",
            hint="Rerun it on a machine that allows user namespaces, or read it first "
            "(`mlops show`, `mlops restore`) and then allow it with --unisolated.",
        )
    where = "as you, with your files and your network"
    if isolation.level is sandbox.Level.NAMESPACES:
        network = "but with your network" if options.network else "and without a network"
        where = f"in a sandbox, without your files {network}"
    return f"This is {who}'s snapshot. Its code will run {where}. Run it?"


def _judged(
    workspace: Workspace,
    snapshot: Snapshot,
    history: History,
    reruns: Sequence[Rerun],
    evidence: Evidence,
) -> Reproduction:
    first = reruns[0]
    failure = first.executed.failed
    if failure:
        level: Level = "failed"
        reason = f"Cell [{failure.count}] failed: {failure.error}"
    else:
        level, reason = judge(
            evidence.metrics,
            evidence.predictions,
            evidence.axis("outputs"),
            evidence.varying,
            evidence.files,
        )
    if snapshot.model and snapshot.model.loaded_from:
        reason += (
            f" {snapshot.model.variable} was loaded from {snapshot.model.loaded_from}, not "
            "trained: this says nothing about training it again."
        )
    put_back = first.handover.randomness.generators if first.handover else []
    unseeded = evidence.varies or draws_without_seed(history, put_back=put_back)
    return Reproduction(
        snapshot=record_id(snapshot),
        created=now(),
        author=workspace.author,
        level=level,
        reason=reason,
        cause=cause(level, snapshot, evidence, failure, history, unseeded=unseeded),
        axes=evidence.axes,
        metrics=evidence.metrics,
        predictions=evidence.predictions,
        first_difference=evidence.first_difference,
        environment=evidence.environment,
        notebook=workspace.store.blobs.put_bytes(first.executed.ipynb()),
        written=[WrittenFile(path=file.path, size=file.size) for file in first.written],
        seconds=0.0,
        calibration=evidence.calibration,
    )


def _stopped(snapshot: Snapshot, level: Level, error: MlopsError, axis: str) -> Reproduction:
    return Reproduction(
        snapshot=record_id(snapshot),
        created=now(),
        author=snapshot.author,
        level=level,
        reason=error.message,
        cause=error.hint,
        axes=[Axis(name=axis, state="different", text=error.message, details=[])],  # type: ignore[arg-type]  # callers pass an axis' name
        metrics=[],
        predictions=[],
        first_difference=None,
        environment=None,
        notebook=None,
        written=[],
        seconds=0.0,
        calibration=[],
    )


def _signed(workspace: Workspace, verdict: Reproduction, seconds: float) -> Reproduction:
    changes = {"author": workspace.author, "seconds": round(seconds, 3)}
    return msgspec.structs.replace(verdict, **changes)
