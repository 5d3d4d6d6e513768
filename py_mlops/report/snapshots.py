"""The page of a snapshot: what was captured, and what would stop someone else."""

from __future__ import annotations

from py_mlops.records import (
    Answer,
    DataFile,
    Environment,
    Hole,
    MetricComparison,
    Randomness,
    Reproduction,
    Snapshot,
    Tree,
    record_id,
)
from py_mlops.report.page import Line, Page, Section, counted, short, size
from py_mlops.report.state import State, verdict_state

_SHOWN = 40
_REQUEST = 100


def snapshot_page(
    identifier: str,
    snapshot: Snapshot,
    verdict: Reproduction | None = None,
    before: Snapshot | None = None,
) -> Page:
    """Describe a snapshot.

    Args:
        identifier: Its whole id.
        snapshot: The record.
        verdict: The newest verdict on it, when it was rerun.
        before: The snapshot of the same model that it follows, if any.

    Returns:
        The page.
    """
    stopping = [hole for hole in snapshot.capture.holes if hole.blocking]
    badge, state = _badge(stopping, verdict)
    name = snapshot.request.name
    holes = holes_section(snapshot.capture.holes, snapshot.capture.level)
    return Page(
        heading=f"{name}  {short(identifier)}",
        badge=badge,
        state=state,
        summary=f"{snapshot.created[:19].replace('T', ' ')} UTC by {author_text(snapshot)}",
        sections=(
            _metrics(snapshot, verdict, before),
            _results(snapshot),
            *([holes] if stopping else []),
            _data(snapshot.data, snapshot.trees),
            *([_answers(snapshot.answers)] if snapshot.answers else []),
            _program(snapshot),
            _environment(snapshot),
            *([] if stopping else [holes]),
            Section(
                "Left out on purpose",
                tuple(Line("", rule, "dim") for rule in snapshot.capture.ignored),
                folded=True,
            ),
        ),
        hints=_next(identifier, stopping, verdict),
    )


def _next(identifier: str, stopping: list[Hole], verdict: Reproduction | None) -> tuple[str, ...]:
    again = f"Retrain it anywhere: mlops reproduce {short(identifier)}"
    if verdict is not None:
        return (f"The whole verdict: mlops show {short(record_id(verdict))}", again)
    if stopping:
        return ("Mend what is in the way, run the cells again, and take another snapshot.", again)
    return (again,)


def _metrics(snapshot: Snapshot, verdict: Reproduction | None, before: Snapshot | None) -> Section:
    """Compare the metrics with those of the newest rerun, or else with the snapshot before."""
    if verdict is not None and verdict.metrics:
        return metrics_compared(verdict.metrics)
    if before is None or not before.metrics:
        rows = tuple((name, f"{value:.6g}") for name, value in snapshot.metrics.items())
        return Section("Metrics", columns=("metric", "value"), rows=rows)
    told = []
    for name, value in snapshot.metrics.items():
        then = before.metrics.get(name)
        change = ("—", "new") if then is None else (f"{then:.6g}", f"{value - then:+.3g}")
        told.append((name, f"{value:.6g}", *change))
    columns = ("metric", "value", "before", "change")
    return Section("Metrics", columns=columns, rows=tuple(told))


_OUTCOMES: dict[str, State] = {
    "same": "good",
    "equivalent": "good",
    "close": "warn",
    "different": "bad",
}


def metrics_compared(metrics: list[MetricComparison]) -> Section:
    """Return a table of metrics as they were recorded and as a rerun got them.

    Args:
        metrics: The comparisons.

    Returns:
        The section.
    """
    return Section(
        "Metrics",
        columns=("metric", "recorded", "rerun", "difference", "allowed", ""),
        rows=tuple(_compared(item) for item in metrics),
        states=tuple(_OUTCOMES[item.state] for item in metrics),
    )


def _compared(item: MetricComparison) -> tuple[str, ...]:
    allowed = f"± {item.tolerance:.2%} of it" if item.relative else f"± {item.tolerance:.4g}"
    if item.band:
        allowed = f"{item.band[0]:.4g} … {item.band[1]:.4g} (measured), or {allowed}"
    now = "none" if item.rerun is None else f"{item.rerun:.6g}"
    apart = "—" if item.rerun is None else f"{item.rerun - item.recorded:+.3g}"
    return (item.name, f"{item.recorded:.6g}", now, apart, allowed, item.state)


def author_text(snapshot: Snapshot) -> str:
    """Return the author's name, saying so when nobody verified it."""
    author = snapshot.author
    doubt = " (login name, unverified)" if author.source == "unverified" else ""
    return author.name + doubt


def _badge(stopping: list[Hole], verdict: Reproduction | None) -> tuple[str, State]:
    if verdict is not None:
        return f"reproduced: {verdict.level}", verdict_state(verdict.level)
    if stopping:
        return f"{len(stopping)} in the way of a rerun", "bad"
    return "captured", "good"


def _results(snapshot: Snapshot) -> Section:
    lines = [Line(name, str(value)) for name, value in snapshot.parameters.items()]
    model = snapshot.model
    if model:
        kinds = ", ".join(
            item.format + (" (runs code when loaded)" if item.executes else "")
            for item in model.artifacts
        )
        total = sum(item.blob.size for item in model.artifacts)
        text = f"{model.type} — {kinds or 'could not be stored'}, {size(total)}"
        lines.append(Line(model.variable, text, "" if model.artifacts else "bad"))
        if model.loaded_from:
            loaded = f"loaded from {model.loaded_from}, not trained here"
            lines.append(Line(model.variable, loaded, "warn"))
    held = snapshot.holdout
    if held:
        shape = " × ".join(str(side) for side in held.spec.shape)
        methods = ", ".join(item.method for item in held.predictions)
        lines.append(Line(held.variable, f"{shape} held-out inputs, answers of {methods}"))
    if not (lines or snapshot.metrics):
        lines.append(Line("", "No metric, model or held-out inputs were named.", "warn"))
    return Section("Results", tuple(lines))


def _data(files: list[DataFile], trees: list[Tree]) -> Section:
    rows = tuple(
        (
            file.requested,
            file.role + (" (rewritten)" if file.rewritten else ""),
            size(sum(blob.size for blob in file.blobs)) if file.blobs else "not captured",
            short(file.blobs[0].digest) if file.blobs else "—",
            f"[{file.cell}]",
            f"{file.observed}: {file.process}" if file.process else file.observed,
        )
        for file in files[:_SHOWN]
    )
    rows += tuple(
        (
            f"{tree.requested or '.'}/ ({counted(tree.files, 'file')})",
            tree.role,
            size(tree.size),
            short(tree.manifest.digest),
            f"[{tree.cell}]",
            f"{tree.observed}: {tree.process}" if tree.process else tree.observed,
        )
        for tree in trees[:_SHOWN]
    )
    more = len(files) - _SHOWN
    lines = (Line("", f"and {counted(more, 'more file')}", "dim"),) if more > 0 else ()
    if not files and not trees:
        lines = (Line("", "The program read and wrote no file.", "dim"),)
    return Section(
        "Data", lines, columns=("file", "role", "size", "sha256", "cell", "seen by"), rows=rows
    )


def _answers(answers: list[Answer]) -> Section:
    rows = tuple(
        (
            " ".join(answer.request.split())[:_REQUEST],
            size(answer.blob.size),
            short(answer.blob.digest),
            f"[{answer.cell}]",
            answer.source,
        )
        for answer in answers[:_SHOWN]
    )
    more = len(answers) - _SHOWN
    lines = (Line("", f"and {counted(more, 'more answer')}", "dim"),) if more > 0 else ()
    columns = ("question", "size", "sha256", "cell", "answered by")
    return Section("Answers from outside", lines, columns=columns, rows=rows)


def _program(snapshot: Snapshot) -> Section:
    program = snapshot.program
    where = program.notebook or "a console session"
    cells = counted(program.cells, "cell")
    lines = [Line("executed", f"{cells} of {where}, in the order in which they ran")]
    lines += [Line("module", _below(item.path, program.directory)) for item in program.modules]
    lines += [Line(item.kind, item.text, "warn") for item in program.differences]
    return Section("Program", tuple(lines))


def _below(path: str, directory: str) -> str:
    """Return a path relative to the notebook's folder, when it lies in it."""
    return path.removeprefix(directory.rstrip("/") + "/")


def _environment(snapshot: Snapshot) -> Section:
    environment = snapshot.environment
    pinned = sum(1 for item in environment.distributions if item.sha256)
    count = len(environment.distributions)
    hardware = environment.hardware
    pools = ", ".join(f"{item.library} × {item.threads}" for item in hardware.pools)
    return Section(
        "Environment",
        (
            Line(
                "Python", f"{environment.interpreter.version} on {environment.interpreter.platform}"
            ),
            Line("packages", f"{count}, {pinned} of them pinned by their wheel's sha256"),
            *_kept(environment),
            Line("machine", f"{hardware.processor}, {counted(hardware.cores, 'core')}"),
            *([Line("graphics", ", ".join(hardware.gpus))] if hardware.gpus else []),
            *([Line("threads", pools)] if pools else []),
            *_chance(snapshot.randomness),
        ),
    )


def _kept(environment: Environment) -> list[Line]:
    wheels = [one.kept for one in (*environment.distributions, *environment.rerun) if one.kept]
    if not wheels:
        return []
    total = size(sum(wheel.blob.size for wheel in wheels))
    whole = all(one.kept for one in environment.distributions)
    what = "all that a rerun needs" if whole else "what no index has"
    return [Line("wheels", f"{len(wheels)} kept in the store, {total}: {what}")]


def _chance(randomness: Randomness) -> list[Line]:
    if not randomness.generators:
        return []
    kept = ", ".join(randomness.generators)
    return [Line("randomness", f"a rerun begins with the generators of this run: {kept}")]


def holes_section(holes: list[Hole], level: str) -> Section:
    """List what is missing, the serious things first.

    Args:
        holes: The holes.
        level: The capture level.

    Returns:
        The section; it says so when nothing is missing.
    """
    lines = [Line("capture level", level)]
    for hole in sorted(holes, key=lambda one: not one.blocking):
        where = f" (cell [{hole.cell}])" if hole.cell else ""
        state: State = "bad" if hole.blocking else "warn"
        lines.append(Line(hole.kind, hole.text + where, state, (f"→ {hole.hint}",)))
    if not holes:
        lines.append(Line("", "Nothing that we know of stops someone else.", "good"))
    return Section("What would stop someone else", tuple(lines))
