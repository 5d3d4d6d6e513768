"""Pages of lineage: where something comes from, what it went into, where a head pointed."""

from __future__ import annotations

from collections.abc import Sequence

from py_mlops.commands.lineage.explain import Explanation, Occurrence, Step
from py_mlops.commands.lineage.graph import explanation_graph, impact_graph, who
from py_mlops.commands.lineage.impact import Impact, Log
from py_mlops.commands.lineage.moves import Moves
from py_mlops.commands.lineage.prediction import answered
from py_mlops.commands.lineage.sources import Made, Source
from py_mlops.records import Reproduction, Snapshot
from py_mlops.report.page import Line, Page, Section, counted, on_one_line, short, size
from py_mlops.report.state import State
from py_mlops.workspace import Workspace

_SHOWN = 40
_ROLES = {
    "read": "read by",
    "made": "made by",
    "model": "the model of",
    "code": "a module of",
    "notebook": "the notebook of",
    "rerun": "the executed notebook of a rerun of",
    "asked": "asked by",
    "reached": "reached, and not kept, by",
    "did": "the author of",
    "environment": "a package of",
}
_OUTSIDE = {
    "answers": "an origin outside; its answers are kept",
    "peer": "an origin outside; nothing of it is kept",
    "code": "the author's",
    "notebook": "the author's",
}


def explanation_page(workspace: Workspace, found: Explanation) -> Page:
    """Describe where something comes from.

    Args:
        workspace: The store, for the records that are told beside.
        found: What `explain` found.

    Returns:
        The page, with a picture where there is something to draw.
    """
    subject = found.subject
    if not found.steps:
        return _occurrences_page(found)
    first = found.steps[0]
    snapshot = workspace.store.get_as(first.id, Snapshot)
    unknown = _unknown(found)
    heading = f"{first.name}  {short(first.id)}"
    if subject.kind == "file":
        heading = f"{subject.word}  {short(subject.id)}"
    if subject.prediction:
        heading = f"prediction {subject.word}"
    stamp = f"{_when(first.created)} by {who(first.author)}"
    sections = [
        Section("These bytes", tuple(_occurrence(one) for one in found.occurrences)),
        *([answered(workspace, subject.prediction)] if subject.prediction else []),
        Section("Decisions", tuple(_decisions(workspace, found))),
        Section("Program", tuple(_program(snapshot))),
        Section("Environment", tuple(_environment(snapshot))),
        _data(first),
        _back(found),
        Section("What is not known", unknown),
    ]
    return Page(
        heading=heading,
        badge="in part" if unknown else "whole",
        state="warn" if unknown else "good",
        summary=on_one_line(
            f"Snapshot {short(first.id)} of {first.name}, {stamp}. {subject.note}".rstrip()
        ),
        sections=tuple(sections),
        hints=(f"What came of it: mlops impact {short(first.id)}",),
        picture=explanation_graph(found),
    )


def _occurrences_page(found: Explanation) -> Page:
    """Describe bytes that no snapshot made, an address, or a person."""
    subject = found.subject
    badge = {"file": "raw data", "origin": "an origin", "person": "a person"}[subject.kind]
    program = next((one for one in found.occurrences if one.role in {"notebook", "code"}), None)
    hints = [f"All that came of it: mlops impact {subject.word}"]
    if program is not None:
        badge = "program"
        hints.insert(0, f"What was made with it: mlops explain {short(program.id)}")
    said = {
        "file": "No snapshot of this store made these bytes"
        + (": they are a person's program." if program else "."),
        "origin": "An origin outside: its answers are kept with the snapshots that asked.",
        "person": "What this store's records name them as the author of, the oldest first.",
    }[subject.kind]
    return Page(
        heading=subject.word + (f"  {short(subject.id)}" if subject.id else ""),
        badge=badge,
        state="",
        summary=said,
        sections=(
            Section("Where it occurs", tuple(_occurrence(one) for one in found.occurrences)),
            Section("What is not known", _gaps(found.gaps)),
        ),
        hints=tuple(hints),
    )


def _occurrence(one: Occurrence) -> Line:
    what = (
        f"{one.subject} {short(one.id)}"
        if one.kind == "snapshot"
        else f"{one.kind} {short(one.id)}"
    )
    name = f", in the folder {one.name}" if one.inside else f", as {one.name}" if one.name else ""
    if one.role == "did":
        name = f", about {one.subject}" if one.kind != "snapshot" else ""
    text = f"{what}{name}, {_when(one.created)} by {one.author}"
    return _line(_ROLES.get(one.role, one.role), text)


def _decisions(workspace: Workspace, found: Explanation) -> list[Line]:
    """Tell who decided what about the snapshot.

    Approvals and deployments are told here, once there are records of them that
    name a snapshot.
    """
    now = workspace.store.ledger.heads()
    lines = []
    for row in found.moves:
        if row.move is None:
            continue
        points = now.get(row.move.head) == row.move.target
        text = f"pointed here by {row.author}, {_when(row.time)}"
        lines.append(_line(row.move.head, text + ("" if points else "; not any more")))
    for row in found.reruns:
        verdict = workspace.store.get_as(row.record, Reproduction)
        lines.append(_line("rerun", f"{verdict.level}, {_when(row.time)} by {row.author}"))
    return lines + [
        _line("import", f"brought here by {row.author}, {_when(row.time)}") for row in found.imports
    ]


def _program(snapshot: Snapshot) -> list[Line]:
    program = snapshot.program
    saved = f", saved as {short(program.saved.digest)}" if program.saved else ", never saved"
    ran = f"{counted(program.cells, 'cell')} as executed: {short(program.history.digest)}"
    lines = [Line(program.entry, f"{program.notebook or 'no notebook'}{saved}"), _line("", ran)]
    lines += [Line("", one.text, "warn") for one in program.differences[:5]]
    return lines


def _environment(snapshot: Snapshot) -> list[Line]:
    around = snapshot.environment
    python = f"{around.interpreter.implementation} {around.interpreter.version}"
    packages = counted(len(around.distributions), "package")
    text = f"{python} on {around.interpreter.platform}, {packages}"
    return [Line("python", f"{text}, lock {short(around.lock.digest)}")]


def _data(step: Step) -> Section:
    """List what the snapshot was made of: what others made first, then the rest."""
    ordered = sorted(step.sources, key=lambda one: not one.makers)
    rows: list[tuple[str, ...]] = [
        (one.kind, one.name, short(one.digest) or "—", _amount(one), _origin(one))
        for one in ordered[:_SHOWN]
    ]
    if len(ordered) > _SHOWN:
        rows.append(("", f"and {len(ordered) - _SHOWN:,} more", "", "", "see --json"))
    columns = ("what", "name", "sha256", "size", "where from")
    return Section("Made of", columns=columns, rows=tuple(rows))


def _amount(one: Source) -> str:
    if one.kind == "folder":
        return f"{counted(one.files, 'file')}, {size(one.size)}"
    if one.kind == "answers":
        return f"{counted(one.files, 'answer')}, {size(one.size)}"
    return size(one.size) if one.digest else "not kept"


def _origin(one: Source) -> str:
    model = "the model itself, loaded; " if one.model else ""
    if one.makers:
        more = len(one.makers) - 3
        told = "; ".join(_maker(one, made) for made in one.makers[:3])
        return model + told + (f"; and {more} more" if more > 0 else "")
    if one.kind in _OUTSIDE:
        return _OUTSIDE[one.kind]
    if not one.digest:
        return model + "not known: its bytes were not kept"
    return model + ("no snapshot here made it: raw" if one.size else "empty, so from anywhere")


def _maker(source: Source, made: Made) -> str:
    files = f"{counted(made.files, 'file')} of it " if source.kind == "folder" else ""
    others = f" (and {made.others:,} more made the same bytes)" if made.others else ""
    later = ", which was recorded later" if made.later else ""
    return f"{files}made by {short(made.id)}{others}{later}"


def _back(found: Explanation) -> Section:
    """List the way back, the nearest first."""
    rows = [
        (
            str(step.distance),
            f"{step.name} {short(step.id)}",
            _when(step.created),
            who(step.author),
            _reads(step),
        )
        for step in found.steps[1:]
    ]
    hidden = found.ancestors - len(rows)
    if hidden > 0:
        rows.append(("", f"and {hidden:,} more" + " at least" * found.more, "", "", "see --json"))
    columns = ("back", "made by", "when", "by whom", "read")
    return Section("Back to raw data", columns=columns, rows=tuple(rows))


def _reads(step: Step) -> str:
    parts = [one for one in step.sources if one.kind not in {"notebook", "code"}]
    made = sum(1 for one in parts if one.makers)
    outside = sum(1 for one in parts if one.kind in {"answers", "peer"})
    raw = len(parts) - made - outside
    told = [f"{made:,} made by others"] * bool(made) + [f"{raw:,} raw"] * bool(raw)
    told += [f"{counted(outside, 'origin')} outside"] * bool(outside)
    return ", ".join(told) or "nothing"


def _unknown(found: Explanation) -> tuple[Line, ...]:
    lines = []
    for step in found.steps:
        who_ = f"{step.name} {short(step.id)}"
        if step.level != "observed":
            lines.append(_line(who_, f"watched as {step.level}: it may have read more", "warn"))
        lines += [Line(who_, text, "warn") for text in step.holes[:5]]
        if len(step.holes) > 5:  # noqa: PLR2004 - as many as are shown
            lines.append(_line(who_, f"and {len(step.holes) - 5:,} more holes", "warn"))
    return (*lines, *_gaps(found.gaps))


def _gaps(gaps: Sequence[str]) -> tuple[Line, ...]:
    lines = tuple(_line("", text, "bad") for text in gaps[:5])
    more = len(gaps) - len(lines)
    return lines + ((_line("", f"and {more:,} more records", "bad"),) if more else ())


def impact_page(found: Impact) -> Page:
    """Describe what something went into.

    Args:
        found: What `impact` found.

    Returns:
        The page, with a picture.
    """
    subject = found.subject
    served = any(model.heads for model in found.models) or found.logs
    state: State = "bad" if served else "warn" if found.snapshots else "good"
    count = counted(found.snapshots, "snapshot") + (" at least" if found.more else "")
    summary = f"{count} of {counted(len(found.models), 'model')}"
    if subject.kind != "person":
        summary += f"; {found.direct:,} used it directly, the others what came of it"
    return Page(
        heading=subject.word + (f"  {short(subject.id)}" if subject.id else ""),
        badge=f"used by {count}" if found.snapshots else "used by nothing",
        state=state,
        summary=f"{summary}. {subject.note}".rstrip() if found.snapshots else _unused(found),
        sections=(
            _models(found),
            Section("Predictions", tuple(_log(one) for one in found.logs[:_SHOWN])),
            _effects(found),
            Section("What is not known", _gaps(found.gaps)),
        ),
        hints=("All of them: mlops impact … --json",) if found.snapshots > _SHOWN else (),
        picture=impact_graph(found) if found.snapshots else None,
    )


def _unused(found: Impact) -> str:
    what = {"file": "these bytes", "snapshot": "an output of it"}.get(found.subject.kind, "it")
    answered = sum(log.predictions for log in found.logs)
    own = f" Its own model made {counted(answered, 'prediction')}." if answered else ""
    return f"No snapshot of this store used {what}.{own} {found.subject.note}".rstrip()


def _models(found: Impact) -> Section:
    rows = [
        (
            model.name,
            ", ".join(model.heads[:5]) or "—",
            f"{model.snapshots:,}",
            f"{short(model.newest)}, {_when(model.created)}",
            model.author,
        )
        for model in found.models[:_SHOWN]
    ]
    if len(found.models) > _SHOWN:
        rows.append((f"and {len(found.models) - _SHOWN:,} more", "", "", "", ""))
    columns = ("model", "heads that point at one", "snapshots", "newest of them", "by")
    return Section("Models", columns=columns, rows=tuple(rows))


def _log(log: Log) -> Line:
    text = f"{counted(log.predictions, 'prediction')} in {counted(log.segments, 'segment')}"
    return _line(log.name, f"{text} between {_when(log.first)} and {_when(log.last)}", "bad")


def _effects(found: Impact) -> Section:
    rows = [
        (
            str(one.distance),
            f"{one.name} {short(one.id)}",
            _when(one.created),
            who(one.author),
            (f"{one.used_as} of {short(one.source)}" if one.source else one.used_as)
            + (f" and {one.files - 1:,} more files" if one.files > 1 else ""),
        )
        for one in found.effects
    ]
    hidden = found.snapshots - len(rows)
    if rows and hidden > 0:
        rows.append(("", f"and {hidden:,} more" + " at least" * found.more, "", "", "see --json"))
    columns = ("step", "snapshot", "when", "by whom", "through")
    return Section("How", columns=columns, rows=tuple(rows))


def moves_page(found: Moves, more: str) -> Page:
    """Describe where a head pointed.

    Args:
        found: What `moves` found.
        more: How to see the next page; empty when this is the last.

    Returns:
        The page.
    """
    rows = tuple(
        (
            _when(one.move.created),
            _when(one.until) if one.until else "now",
            short(one.move.target),
            who(one.move.author),
            one.move.reason,
        )
        for one in found.moves
    )
    columns = ("from", "until", "snapshot", "moved by", "because")
    summary = ""
    if found.at:
        summary = f"At {_when(found.at)} it pointed at "
        summary += f"{short(found.moves[0].move.target)}." if found.moves else "nothing: "
        if not found.moves:
            summary += f"it was first moved {_when(found.first)}."
    doubt = (_line("", found.doubt, "warn"),) if found.doubt else ()
    hints = (f"What it was: mlops explain {rows[0][2]}",) if found.at and rows else ()
    return Page(
        heading=found.head,
        badge=rows[0][2] if rows else "nothing",
        state="good" if rows else "",
        summary=summary,
        sections=(Section("", columns=columns, rows=rows), Section("Doubt", doubt)),
        hints=(more,) if more else hints,
    )


def _line(label: str, text: str, state: State = "") -> Line:
    """Return a line that stays one, whatever names from elsewhere are in it."""
    return Line(label, on_one_line(text), state)


def _when(time: str) -> str:
    return f"{time[:19].replace('T', ' ')} UTC"
