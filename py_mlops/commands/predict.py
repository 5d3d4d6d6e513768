"""Predict: ask a snapshot's model, in its own environment, about new inputs."""

from __future__ import annotations

import shutil
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from py_mlops import sandbox
from py_mlops.commands.reruns.reproduce import Options, check_trust
from py_mlops.commands.reruns.rerun import Given, rebuilt, start_variables
from py_mlops.data.place import mirror_layout, place
from py_mlops.environment.build import Built
from py_mlops.errors import InputError, RerunFailed
from py_mlops.guest.inputs import SUFFIXES
from py_mlops.guest.worker import DONE, JOB
from py_mlops.model import formats, predictions
from py_mlops.model.arrays import Array, read_npy
from py_mlops.notebook.ship import PACKAGE, guest_zip
from py_mlops.progress import Progress, Report, silent
from py_mlops.records import Model, PredictionComparison, Snapshot
from py_mlops.records.handover import SeenPrediction
from py_mlops.workspace import Workspace

_CODE = (
    f"import sys; sys.path[0] = sys.argv[1]; from {PACKAGE}.worker import main; main(sys.argv[2])"
)
_LARGEST = 1 << 30
_NOISE = 1e-9
_SHOWN = 1000


@dataclass(frozen=True)
class Predicted:
    """What a model answered.

    Attributes:
        answers: Arrays by method, such as ``predict``; one row for each of the inputs.
        compared: Where it was asked about the held-out inputs: each method's answers
            beside the recorded ones.
    """

    answers: dict[str, Array]
    compared: list[PredictionComparison] = field(default_factory=list)


class _Done(msgspec.Struct, frozen=True):
    predictions: list[SeenPrediction]
    problem: str
    hint: str


def predict(
    workspace: Workspace,
    snapshot_id: str,
    inputs: Path | None = None,
    options: Options | None = None,
    report: Report = silent,
) -> Predicted:
    """Ask a snapshot's model, whatever versions it needs.

    The recorded environment is built, or found where it was built before; in a
    process of it, set apart as a rerun is and without a network, the stored
    model is loaded together with the loose modules it came with. Nothing of it
    is loaded into our own process.

    Args:
        workspace: Where the snapshot is.
        snapshot_id: Its whole id.
        inputs: A ``.csv`` or ``.parquet`` table, or an ``.npy`` array without
            pickles. By default the recorded held-out inputs.
        options: Of these ``ask``, ``unisolated``, ``timeout`` and ``variables``.
        report: Told about progress.

    Returns:
        The answers.

    Raises:
        InputError: When the snapshot has no model or no held-out inputs, or the
            inputs do not fit.
        NotTrusted: When it is another person's and there was no yes.
        EnvironmentFailure: When its environment cannot be built.
        RerunFailed: When the model could not be loaded or gave no answer.
        Corrupt, Missing: When stored bytes are damaged or gone.
    """
    chosen = options or Options()
    snapshot = workspace.store.get_as(snapshot_id, Snapshot)
    model = _model_of(snapshot)
    _check_inputs(snapshot, inputs)
    check_trust(workspace, snapshot, chosen)
    built = rebuilt(workspace, snapshot, report, compiling=chosen.compiling)
    report(Progress("model", "asking the model in its own environment"))
    with _folder(workspace.cache) as folder:
        asked = folder / "asked"
        _lay_out(workspace, snapshot, model, inputs, asked)
        said = _ask(workspace, snapshot, built, folder, chosen)
        answers = _read(asked, said)
    return Predicted(
        {name: read_npy(data) for name, data in answers.items()},
        [] if inputs else _compared(workspace, snapshot, answers),
    )


def _model_of(snapshot: Snapshot) -> Model:
    if snapshot.model is None or not snapshot.model.artifacts:
        raise InputError(
            f"This snapshot of {snapshot.request.name} holds no model.",
            hint="Name it when you take the snapshot: --model with the variable's name.",
        )
    return snapshot.model


def _check_inputs(snapshot: Snapshot, inputs: Path | None) -> None:
    if inputs is None:
        if snapshot.holdout is None:
            raise InputError(
                f"This snapshot of {snapshot.request.name} has no held-out inputs to ask about.",
                hint="Give a file with inputs: a .csv, .parquet or .npy.",
            )
    elif not inputs.is_file():
        raise InputError(f"There is no file {inputs}.", hint="Give a .csv, .parquet or .npy file.")
    elif inputs.suffix.lower() not in SUFFIXES:
        raise InputError(
            f"{inputs.name} is of no kind that can be read as inputs.",
            hint="Save them as .csv, .parquet or .npy.",
        )


@contextmanager
def _folder(cache: Path) -> Iterator[Path]:
    folder = cache / "reruns" / uuid.uuid4().hex
    (folder / "asked").mkdir(parents=True)
    try:
        yield folder
    finally:
        sandbox.clear(folder / "mirror")
        shutil.rmtree(folder, ignore_errors=True)


def _lay_out(
    workspace: Workspace, snapshot: Snapshot, model: Model, inputs: Path | None, asked: Path
) -> None:
    """Put the model's forms, the inputs and the job where the worker finds them."""
    blobs, mirror = workspace.store.blobs, asked.parent / "mirror"
    sandbox.inside(mirror, snapshot.program.directory).mkdir(parents=True)
    modules = snapshot.program.modules
    place([(mirror_layout(one.path), [one.blob.digest]) for one in modules], blobs, mirror, silent)
    forms = []
    for number, artifact in enumerate(formats.ranked(model)):
        file = f"model-{number}{formats.suffix(artifact.format)}"
        blobs.copy_to(artifact.blob.digest, asked / file)
        forms.append({"format": artifact.format, "file": file})
    spec = snapshot.holdout.spec if snapshot.holdout else None
    if inputs is not None:
        given = f"inputs{inputs.suffix.lower()}"
        shutil.copyfile(inputs, asked / given)
    elif snapshot.holdout is not None:
        given = "inputs.npz"
        blobs.copy_to(snapshot.holdout.inputs.digest, asked / given)
    job = {
        "type": model.type,
        "artifacts": forms,
        "inputs": given,
        "columns": spec.columns if spec else [],
        "table": spec.dtype == "table" if spec else None,
        "path": _import_path(snapshot),
    }
    (asked / JOB).write_bytes(msgspec.json.encode(job))


def _import_path(snapshot: Snapshot) -> list[str]:
    """Return the folders from which the recorded program imported its loose modules."""
    folders = [snapshot.program.directory]
    for module in snapshot.program.modules:
        above = Path(module.path).parents
        depth = module.module.count(".") + (Path(module.path).name == "__init__.py")
        if module.module and depth < len(above):
            folders.append(str(above[depth]))
    return list(dict.fromkeys(folders))


def _ask(
    workspace: Workspace, snapshot: Snapshot, built: Built, folder: Path, options: Options
) -> str:
    """Run the worker to its end; return the last that it wrote to its standard error."""
    guest = guest_zip(workspace.cache)
    given = Given(options.timeout, variables=options.variables)
    home = sandbox.default_home()
    environment = start_variables(snapshot, built, home, chance=given.chance) | dict(
        given.variables
    )
    argv = sandbox.command(
        [str(built.python), "-c", _CODE, str(guest), str(folder / "asked")],
        mirror=folder / "mirror",
        directory=snapshot.program.directory,
        readable=[guest],
        writable=[folder / "asked"],
        level=sandbox.available().level,
    )
    try:
        done = subprocess.run(
            argv,
            env=environment,
            cwd=sandbox.inside(folder / "mirror", snapshot.program.directory),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=options.timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RerunFailed(
            f"The model gave no answer within {options.timeout} s.",
            hint="Give it more time with --timeout, or no limit at all by leaving that out.",
        ) from error
    return done.stderr[-_SHOWN:].decode("utf-8", "replace").strip()


def _read(asked: Path, said: str) -> dict[str, bytes]:
    """Return the answers, believing nothing that the worker wrote before it was checked."""
    try:
        done = msgspec.json.decode(_bytes(asked / DONE), type=_Done)
        if not done.problem:
            return {one.method: _bytes(asked / Path(one.file).name) for one in done.predictions}
    except (OSError, ValueError, RecursionError) as error:
        raise RerunFailed(
            "The process that asked the model ended without an answer.",
            hint=f"The last it wrote: {said}" if said else "Try it once more.",
        ) from error
    again = "If the inputs are right, reproduce the snapshot: that trains the model again."
    raise RerunFailed(done.problem, hint=done.hint or again)


def _bytes(path: Path) -> bytes:
    if path.is_symlink() or not path.is_file() or path.stat().st_size > _LARGEST:
        raise ValueError(f"{path.name} is no plain file")
    return path.read_bytes()


def _compared(
    workspace: Workspace, snapshot: Snapshot, answers: Mapping[str, bytes]
) -> list[PredictionComparison]:
    recorded = snapshot.holdout.predictions if snapshot.holdout else []
    return [
        predictions.compare(
            one.method, workspace.store.blobs.read(one.blob.digest), answers[one.method], _NOISE
        )
        for one in recorded
        if one.method in answers
    ]
