"""Evidence: lay a rerun beside its snapshot, axis by axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from py_mlops import metrics as measures
from py_mlops.commands.reruns.rerun import Rerun
from py_mlops.commands.reruns.shown import shown_axis
from py_mlops.data.contents import Contents
from py_mlops.data.replay import short
from py_mlops.data.results import Result
from py_mlops.data.rules import IgnoreRules
from py_mlops.environment import compare as environments
from py_mlops.environment.record import from_rerun
from py_mlops.model import predictions as answers
from py_mlops.model.formats import SUFFIXES as MODEL_SUFFIXES
from py_mlops.notebook import outputs
from py_mlops.records import (
    Axis,
    CellDifference,
    Environment,
    History,
    MetricComparison,
    PredictionComparison,
    Snapshot,
)
from py_mlops.report.page import counted
from py_mlops.sandbox import Level
from py_mlops.workspace import Workspace

_SAME_MACHINE = 1e-9
_OTHER_MACHINE = 5e-3
_SHOWN = 12
_SUFFIXES = (
    *(".csv", ".tsv", ".jsonl", ".parquet", ".feather", ".npy", ".xlsx", ".hdf5", ".db"),
    *(".sqlite", ".zip", ".gz"),
    *MODEL_SUFFIXES,
)
"""How the names of files end that a model could be trained on, or that hold one."""


@dataclass(frozen=True)
class Evidence:
    """Everything a verdict rests on.

    Attributes:
        axes: The comparison, axis by axis.
        metrics: Each metric's.
        predictions: Each prediction method's.
        first_difference: The first cell that shows something else; where all that do
            change by themselves, the first of them.
        environment: What the rerun ran on.
        calibration: Each calibrating rerun's metrics.
        varies: Whether reruns differ among themselves.
        varying: How many cells show something else each time they run, where a
            second opinion was asked.
    """

    axes: list[Axis]
    metrics: list[MetricComparison]
    predictions: list[PredictionComparison]
    first_difference: CellDifference | None
    environment: Environment | None
    calibration: list[dict[str, float]]
    varies: bool
    varying: int = 0
    unsteady: bool = False

    @property
    def differs(self) -> bool:
        """Say whether a difference is left that nothing excuses."""
        found = {axis.state for axis in (self.axis("outputs"), self.files) if axis}
        return "different" in found

    def axis(self, name: str) -> Axis:
        """Return the axis of that name."""
        return next(axis for axis in self.axes if axis.name == name)

    @property
    def files(self) -> Axis | None:
        """The axis of the files that the program wrote, where there are any."""
        return next((axis for axis in self.axes if axis.name == "files"), None)


def collect(
    workspace: Workspace,
    snapshot: Snapshot,
    history: History,
    reruns: Sequence[Rerun],
    tolerances: dict[str, tuple[float, bool]],
    *,
    alike: Sequence[Rerun] = (),
) -> Evidence:
    """Compare a rerun with its snapshot.

    Args:
        workspace: Where the recorded answers are.
        snapshot: What was rerun.
        history: Its executed cells.
        reruns: The rerun, and behind it the calibrating ones.
        tolerances: Per metric: the value and whether it is relative.
        alike: Reruns that were given the very same as the first; what they show
            differently changes by itself.

    Returns:
        The evidence; of a rerun that failed, what there is of it.
    """
    first = reruns[0]
    held = [_capture_axis(snapshot), _isolation_axis(first)]
    data = _data_axis(workspace, snapshot, first)
    if first.handover is None:
        known = [_built_axis(first), data, _code_axis(snapshot), *held]
        return Evidence(known, [], [], None, None, [], varies=False)
    rerun_on = from_rerun(snapshot.environment, first.handover.facts)
    environment_axis, hardware_axis = environments.compare(snapshot.environment, rerun_on)
    same = environments.same_numerics(snapshot.environment, rerun_on)
    noise = _SAME_MACHINE if same else _OTHER_MACHINE
    now = first.handover.metrics
    again = [_finite(item.handover.metrics) for item in reruns[1:] if item.handover]
    band = [_finite(now), *again] if again else []
    compared = measures.compare(snapshot.metrics, now, tolerances, noise, band)
    answered = _predictions(workspace, snapshot, first, noise)
    difference, output_axis, varying = shown_axis(history, _histories([first, *alike]), noise)
    return Evidence(
        axes=[
            environment_axis,
            hardware_axis,
            data,
            _code_axis(snapshot),
            *held,
            output_axis,
            *_files_axis(first, alike),
            *_model_axis(snapshot),
            _summary("predictions", [item.state for item in answered], "the held-out answers"),
            _summary("metrics", [item.state for item in compared], "the metrics"),
        ],
        metrics=compared,
        predictions=answered,
        first_difference=difference,
        environment=rerun_on,
        calibration=again,
        varies=any(item != _finite(now) for item in again),
        varying=varying,
        unsteady=_unsteady([first, *alike], noise),
    )


def _unsteady(alike: Sequence[Rerun], noise: float) -> bool:
    """Say whether reruns that were given the very same show something else."""
    sides = pairwise(_histories(alike))
    return any(outputs.first_difference(one, other, noise) for one, other in sides)


def _histories(reruns: Sequence[Rerun]) -> list[History]:
    return [History(cells=run.handover.cells) for run in reruns if run.handover]


def _finite(values: dict[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in values.items() if value is not None}


def _predictions(
    workspace: Workspace, snapshot: Snapshot, rerun: Rerun, noise: float
) -> list[PredictionComparison]:
    if snapshot.holdout is None or rerun.handover is None:
        return []
    seen = rerun.handover.holdout
    files = {item.method: item.file for item in seen.predictions} if seen else {}
    return [
        answers.compare(
            item.method,
            workspace.store.blobs.read(item.blob.digest),
            rerun.payload[files[item.method]],
            noise,
        )
        if item.method in files
        else PredictionComparison(
            method=item.method, rows=0, agree=0.0, largest=0.0, state="different"
        )
        for item in snapshot.holdout.predictions
    ]


def _files_axis(first: Rerun, alike: Sequence[Rerun]) -> list[Axis]:
    """Compare the files that both runs wrote; what reruns write otherwise varies by itself."""
    found = first.results
    if not found:
        return []
    count = counted(len(found), "file")
    other = [one for one in found if one.state in {"different", "missing"}]
    varying = [one for one in other if _wavers(one, alike)]
    part = [f"{one.requested} ({one.state})" for one in other if one not in varying]
    if part:
        text = f"{len(part)} of the {count} that the program wrote came out otherwise."
        return [Axis(name="files", state="different", text=text, details=part[:_SHOWN])]
    if varying:
        names = [one.requested for one in varying]
        text = f"{len(varying)} of the {count} that the program wrote changes each time it runs."
        return [Axis(name="files", state="close", text=text, details=names[:_SHOWN])]
    exact = all(one.state == "same" for one in found)
    how = "bit for bit the recorded" if exact else "but for their time stamps the recorded"
    one = "one" if len(found) == 1 else "ones"
    verb = "is" if len(found) == 1 else "are"
    text = f"The {count} that the program wrote {verb} {how} {one}."
    return [Axis(name="files", state="same", text=text, details=[])]


def _wavers(result: Result, alike: Sequence[Rerun]) -> bool:
    """Say whether another rerun wrote that file with other bytes."""
    others = [one for run in alike for one in run.results if one.requested == result.requested]
    return any(one.digest != result.digest for one in others)


def _data_axis(workspace: Workspace, snapshot: Snapshot, rerun: Rerun) -> Axis:
    inputs = [file for file in snapshot.data if file.role == "input"]
    missing = [file.requested for file in inputs if not file.blobs]
    trees = [tree for tree in snapshot.trees if tree.role == "input"]
    count = len(inputs) + sum(tree.files for tree in trees)
    beyond = _beyond(workspace, snapshot, rerun)
    if missing:
        return Axis(
            name="data",
            state="different",
            details=missing[:_SHOWN],
            text=f"{len(missing)} of {counted(count, 'file')} could not be captured or restored.",
        )
    if beyond:
        return Axis(
            name="data",
            state="different",
            details=beyond[:_SHOWN],
            text=f"The rerun read {counted(len(beyond), 'file')} that the recorded run did not.",
        )
    asked = rerun.handover.unrecorded if rerun.handover is not None else []
    if asked:
        return Axis(
            name="data",
            state="different",
            details=[short(question) for question in asked[:_SHOWN]],
            text=f"The rerun asked {counted(len(asked), 'question')} that the recorded run "
            "did not.",
        )
    told = _told(snapshot)
    if not count:
        text = told or "No file was read."
        return Axis(name="data", state="same", text=text, details=[])
    size = sum(blob.size for file in inputs for blob in file.blobs)
    size += sum(tree.size for tree in trees)
    return Axis(
        name="data",
        state="same",
        details=[],
        text=f"Restored {counted(count, 'file')} ({counted(size, 'byte')}), every byte checked."
        + (f" {told}" if told else ""),
    )


def _told(snapshot: Snapshot) -> str:
    """Say what the rerun was told in place of databases and web servers."""
    answers = snapshot.answers
    if not answers:
        return ""
    sources = sorted({answer.source for answer in answers})
    of = sources[0] if len(sources) == 1 else f"{len(sources)} sources"
    return f"Played back {counted(len(answers), 'answer')} of {of}."


def _beyond(workspace: Workspace, snapshot: Snapshot, rerun: Rerun) -> list[str]:
    """List files the rerun read that the snapshot does not know."""
    if rerun.handover is None:
        return []
    known = {file.path for file in Contents(workspace.store.blobs, snapshot).files}
    known |= {module.path for module in snapshot.program.modules}
    rules = IgnoreRules(rerun.handover.facts.prefixes)  # a hole tells of what they leave out
    return sorted(
        path
        for file in rerun.handover.files
        if file.first == "read" and file.existed
        for path in [_original(file.path, rerun.mirror)]
        if path not in known and path.lower().endswith(_SUFFIXES) and not rules.reason(path)
    )


def _original(path: str, mirror: str) -> str:
    return path[len(mirror) :] if path.startswith(mirror + "/") else path


def _code_axis(snapshot: Snapshot) -> Axis:
    program = snapshot.program
    cells = counted(program.cells, "executed cell")
    loose = f" and {counted(len(program.modules), 'loose module')}" if program.modules else ""
    return Axis(
        name="code",
        state="same",
        text=f"Replayed {cells}{loose} in the recorded order.",
        details=[item.text for item in program.differences],
    )


def _capture_axis(snapshot: Snapshot) -> Axis:
    holes = snapshot.capture.holes
    serious = [hole.text for hole in holes if hole.blocking]
    return Axis(
        name="capture",
        state="unknown" if serious else "same",
        text=f"The run was captured at level {snapshot.capture.level}"
        + (f", with {counted(len(holes), 'hole')}." if holes else ", without holes."),
        details=[hole.text for hole in holes],
    )


def _isolation_axis(rerun: Rerun) -> Axis:
    apart = rerun.isolation.level is Level.NAMESPACES
    network = "the network was open" if rerun.network else "there was no network"
    where = (
        "It ran in a sandbox that held nothing of this machine but its programs"
        if apart
        else f"It ran in a copy of its folder, not set apart ({rerun.isolation.why})"
    )
    return Axis(
        name="isolation",
        state="same" if apart and not rerun.network else "unknown",
        text=f"{where}; {network}.",
        details=[],
    )


def _built_axis(rerun: Rerun) -> Axis:
    """Say how the environment of a failed rerun was built; it explains a failed import."""
    notes = [note.removesuffix(".") for note in rerun.built.notes]
    failed = rerun.executed.failed
    text = f"Rebuilt from the lock, Python {rerun.built.version}."
    if not notes:
        return Axis(name="environment", state="same", details=[], text=text)
    explains = failed is not None and failed.error.startswith(
        ("ModuleNotFoundError", "ImportError")
    )
    text = f"Rebuilt from the lock but for {counted(len(notes), 'thing')}."
    return Axis(
        name="environment",
        state="different" if explains else "close",
        details=notes,
        text=text,
    )


def _model_axis(snapshot: Snapshot) -> list[Axis]:
    model = snapshot.model
    if model is None:
        return []
    if model.loaded_from:
        text = f"{model.variable} was loaded from {model.loaded_from}, not trained."
        return [Axis(name="model", state="unknown", text=text, details=[])]
    text = f"{model.variable} ({model.type.rpartition('.')[2]}) was made by the program itself."
    return [Axis(name="model", state="same", text=text, details=[])]


def _summary(name: str, states: Sequence[str], what: str) -> Axis:
    worst = max(states, key=("same", "equivalent", "close", "different").index, default="")
    text, state = {
        "": (f"There is nothing recorded of {what}.", "unknown"),
        "same": (f"{what.capitalize()} are bit for bit the same.", "same"),
        "equivalent": (f"{what.capitalize()} are the same up to numeric noise.", "close"),
        "close": (f"{what.capitalize()} are within tolerance.", "close"),
        "different": (f"{what.capitalize()} are different.", "different"),
    }[worst]
    return Axis(name=name, state=state, text=text, details=[])  # type: ignore[arg-type]  # both come from literals above
