"""Snapshot: turn what a kernel handed over into a record that can be retrained."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from py_mlops.commands.snapshots.disclosure import look_for_secrets
from py_mlops.commands.snapshots.handover import Notebook, find_notebook, read_handover
from py_mlops.commands.snapshots.holes import session_holes
from py_mlops.data import packing, replay
from py_mlops.data.groups import Group
from py_mlops.data.judge import Finding
from py_mlops.data.reads import Expect, Gathered, Pack, Take, gather
from py_mlops.data.rules import IgnoreRules
from py_mlops.data.surroundings import gather as gather_surroundings
from py_mlops.environment.keep import Prepared, prepare, working_folder
from py_mlops.environment.lock import lock
from py_mlops.environment.record import to_record
from py_mlops.errors import HeadMoved, InputError, StoreError, UnknownVariable
from py_mlops.model.formats import SUFFIXES as MODEL_SUFFIXES
from py_mlops.model.formats import untrusted_types
from py_mlops.notebook.differences import differences
from py_mlops.progress import Progress, Report, silent
from py_mlops.records import (
    Answer,
    Artifact,
    Blob,
    Capture,
    Environment,
    History,
    Holdout,
    Hole,
    Model,
    Prediction,
    Program,
    Randomness,
    Snapshot,
    Surroundings,
    Tree,
    canonical,
    encode,
)
from py_mlops.records.handover import Handover
from py_mlops.store import BlobWriter, ingest, keep_unchanged
from py_mlops.workspace import Workspace, now

_RETRIES = 20


def snapshot(
    workspace: Workspace,
    folder: Path,
    *,
    vault: bool = False,
    incomplete: bool = False,
    allow_secret: str = "",
    report: Report = silent,
) -> Snapshot:
    """Take a snapshot from a kernel's handover.

    Bytes go into the store first, the record and the head's move last, so a
    crash at any point leaves either a whole snapshot or none.

    Args:
        workspace: Where it is kept.
        folder: The handover's folder, see `read_handover`.
        vault: Keep the wheels of the whole environment, so that no index is
            needed to build it again. Wheels that no index has are always kept.
        incomplete: Record files that changed or vanished since they were read
            as holes instead of refusing.
        allow_secret: Why what looks like a secret may be kept; it is recorded.
            Empty when it may not.
        report: Told about progress.

    Returns:
        The snapshot; it is in the store and its model's head points at it.

    Raises:
        UnknownVariable: When a requested variable is missing.
        InputError: When a metric is not a finite number.
        CaptureError: When a file is no longer what the notebook read.
        NotTrusted: When something looks like a secret and none is allowed.
        StoreError: When the store cannot take it.
    """
    handover = read_handover(folder)
    _check(handover)
    notebook = find_notebook(handover)
    report(Progress("environment", "reading the environment"))
    with _prepared(workspace, handover, vault=vault, report=report) as prepared:
        texts = prepared.texts()
        secrets, unscanned = look_for_secrets(
            handover, notebook[1], allow_secret, texts, folder=folder
        )
        with workspace.store.blobs.batch() as writer:
            parts = _store_parts(
                workspace,
                handover,
                notebook,
                folder,
                prepared=prepared,
                writer=writer,
                incomplete=incomplete,
                report=report,
            )
    capture = Capture(
        level=handover.level,
        holes=[*parts.holes, *unscanned],
        external=replay.external(handover),
        ignored=parts.ignored,
        variables=handover.variables,
        secrets=secrets,
    )
    report(Progress("record", "writing the record"))
    return _commit(workspace, handover, parts, capture)


@contextmanager
def _prepared(
    workspace: Workspace, handover: Handover, *, vault: bool, report: Report
) -> Iterator[Prepared]:
    """Lock the environment and make the wheels that are to be kept of it, for a while."""
    cache = workspace.cache
    locked = lock(handover.facts, cache=cache, report=report)
    with working_folder(cache) as folder:
        yield prepare(
            locked,
            handover.facts,
            folder=folder,
            cache=cache,
            have=workspace.store.blobs.touch,
            everything=vault or workspace.settings.vault,
            report=report,
        )


@dataclass(frozen=True)
class _Parts:
    program: Program
    gathered: Gathered
    answers: list[Answer]
    surroundings: Surroundings
    environment: Environment
    randomness: Randomness
    model: Model | None
    holdout: Holdout | None
    holes: list[Hole]
    ignored: list[str]


def _check(handover: Handover) -> None:
    if handover.problem:
        raise UnknownVariable(handover.problem, hint="Name a variable that the notebook defines.")
    broken = [name for name, value in handover.metrics.items() if value is None]
    if broken:
        raise InputError(
            f"{', '.join(broken)} is not a finite number (NaN or infinite), "
            "so no rerun could be compared with it.",
            hint="Look at how it is computed: a NaN in the data or a diverged training is the "
            "usual reason. Nothing was stored.",
        )
    check_parameters(handover.parameters)


def check_parameters(parameters: Mapping[str, object]) -> None:
    """Refuse a parameter that no record could carry unharmed.

    Args:
        parameters: papermill's parameters.

    Raises:
        InputError: For NaN, infinities, integers beyond 2**53 and what is no JSON.
    """
    for name, value in parameters.items():
        try:
            canonical({name: value})
        except (ValueError, TypeError, RecursionError) as error:
            raise InputError(
                f"The parameter {name} cannot be recorded: {str(error)[:200]}.",
                hint="Give a text, a finite number, or a list or dict of them; "
                "an integer beyond 2**53 as a text.",
            ) from error


def _store_parts(
    workspace: Workspace,
    handover: Handover,
    notebook: Notebook,
    folder: Path,
    *,
    prepared: Prepared,
    writer: BlobWriter,
    incomplete: bool,
    report: Report,
) -> _Parts:
    take, expect = _taker(workspace, writer, report)

    def take_kept(name: str) -> Blob:
        report(Progress("data", "what was overwritten"))
        return writer.put_file(folder / name)

    rules = IgnoreRules(handover.facts.prefixes, workspace.settings.ignore)
    pack = _packer(workspace, handover, writer, report)
    gathered = gather(
        handover, rules, take, take_kept, pack=pack, expect=expect, incomplete=incomplete
    )
    answers, unanswered = replay.gather(handover, writer.put_file, report)
    program = _program(handover, notebook, gathered, writer, take)
    environment = to_record(
        handover.facts,
        prepared,
        writer.put_file,
        writer.put_bytes,
        loaded={one.name: one.loaded for one in handover.replaced},
    )
    model = _model(handover, folder, gathered, writer)
    holdout = _holdout(handover, folder, writer)
    randomness = _randomness(handover, folder, writer)
    around, unlisted = gather_surroundings(handover.surroundings, rules, gathered.read)
    holes = [*gathered.holes, *unlisted, *unanswered, *prepared.holes]
    return _Parts(
        program,
        gathered,
        answers,
        around,
        environment,
        randomness,
        model,
        holdout,
        [*holes, *session_holes(handover, program)],
        rules.lines(),
    )


def _packer(workspace: Workspace, handover: Handover, writer: BlobWriter, report: Report) -> Pack:
    store = workspace.store

    def pack_up(groups: Sequence[Group]) -> tuple[list[Tree], list[Finding]]:
        known = _earlier_trees(workspace, handover) if groups else []
        return packing.pack(
            groups, blobs=store.blobs, writer=writer, cache=store.stat_cache, known=known,
            report=report,
        )  # fmt: skip

    return pack_up


def _earlier_trees(workspace: Workspace, handover: Handover) -> list[Tree]:
    """Return the trees of the snapshot that this one follows; it lists what packs hold already."""
    previous = workspace.store.ledger.head(_head(handover))
    with suppress(StoreError, InputError):  # they save space, and nothing stands on them
        return workspace.store.get_as(previous, Snapshot).trees if previous else []
    return []


def _head(handover: Handover) -> str:
    return f"{handover.request.name}@main"


def _randomness(handover: Handover, folder: Path, writer: BlobWriter) -> Randomness:
    seen = handover.randomness
    return Randomness(
        hash_seed=seen.hash_seed,
        settings=seen.settings,
        generators=seen.generators,
        state=writer.put_file(folder / seen.file) if seen.file else None,
    )


def _taker(workspace: Workspace, writer: BlobWriter, report: Report) -> tuple[Take, Expect]:
    """Return what takes files in, and what is told before which ones will come."""
    blobs, cache, held = workspace.store.blobs, workspace.store.stat_cache, dict[str, Blob]()

    def expect(paths: Sequence[Path]) -> None:
        held.update(keep_unchanged(paths, blobs, cache))

    def take(path: Path) -> Blob:
        report(Progress("data", path.name))
        return ingest(path, blobs, cache, writer, held)

    return take, expect


def _program(
    handover: Handover,
    notebook: Notebook,
    gathered: Gathered,
    writer: BlobWriter,
    take: Callable[[Path], Blob],
) -> Program:
    path, document = notebook
    history = History(cells=handover.cells)
    return Program(
        entry=handover.entry,
        notebook=str(path) if path else handover.notebook,
        directory=handover.directory,
        saved=take(path) if path else None,
        history=writer.put_bytes(encode(history)),
        cells=len(handover.cells),
        differences=differences(document, handover.cells) if handover.entry != "console" else [],
        modules=gathered.code,
    )


def _model(
    handover: Handover, folder: Path, gathered: Gathered, writer: BlobWriter
) -> Model | None:
    seen = handover.model
    if seen is None:
        return None
    return Model(
        variable=seen.variable,
        type=seen.type,
        artifacts=[
            Artifact(
                format=item.format,
                executes=item.executes,
                untrusted=untrusted_types(folder / item.file) if item.format == "skops" else [],
                blob=writer.put_file(folder / item.file),
            )
            for item in seen.artifacts
        ],
        loaded_from=_loaded_from(handover, gathered),
    )


def _loaded_from(handover: Handover, gathered: Gathered) -> str | None:
    """Name the file a model was unpickled from.

    A class lookup by an unpickler alone is no evidence: parallel training
    sends estimators through pickle too. Only together with a model-like file
    read in the same cell is it a load.
    """
    if handover.model is None:
        return None
    cells = {item.cell for item in handover.unpickled if item.type == handover.model.type}
    for file in gathered.files:
        model_like = Path(file.path).suffix.lower() in MODEL_SUFFIXES
        if file.role == "input" and file.cell in cells and model_like:
            return file.requested
    return None


def _holdout(handover: Handover, folder: Path, writer: BlobWriter) -> Holdout | None:
    seen = handover.holdout
    if seen is None or not seen.file:
        return None
    return Holdout(
        variable=seen.variable,
        spec=seen.spec,
        inputs=writer.put_file(folder / seen.file),
        predictions=[
            Prediction(method=item.method, spec=item.spec, blob=writer.put_file(folder / item.file))
            for item in seen.predictions
        ],
    )


def _commit(workspace: Workspace, handover: Handover, parts: _Parts, capture: Capture) -> Snapshot:
    head = _head(handover)
    for _ in range(_RETRIES):
        previous = workspace.store.ledger.head(head)
        record = Snapshot(
            request=handover.request,
            created=now(),
            author=workspace.author,
            parents=[previous] if previous else [],
            program=parts.program,
            data=parts.gathered.files,
            trees=parts.gathered.trees,
            answers=parts.answers,
            surroundings=parts.surroundings,
            environment=parts.environment,
            randomness=parts.randomness,
            model=parts.model,
            holdout=parts.holdout,
            metrics={name: float(value or 0.0) for name, value in handover.metrics.items()},
            parameters=handover.parameters,
            capture=capture,
        )
        try:
            workspace.store.add(record, head=head, previous=previous, author=workspace.author)
        except HeadMoved:
            continue  # someone else's snapshot came in between: follow that one
        return record
    raise HeadMoved(
        f"{head} was moved by others {_RETRIES} times while this snapshot was being written.",
        hint="Take the snapshot again; its data is stored already, so it will be quick.",
    )
