"""Pages of many things: the log, the session's status, a diff, a collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from py_mlops.records import Hole, Reproduction, Snapshot
from py_mlops.report.metrics import Trend, metric_charts, metrics_section
from py_mlops.report.page import Line, Page, Section, counted, short
from py_mlops.report.snapshots import author_text, holes_section
from py_mlops.report.state import verdict_state


def log_page(
    entries: Sequence[tuple[str, Snapshot, Reproduction | None]],
    name: str | None,
    more: str,
    *,
    heads: Mapping[str, Sequence[str]] | None = None,
    trend: Trend | None = None,
) -> Page:
    """List snapshots, newest first, and how the metrics went when they are of one model.

    Args:
        entries: Id, record and newest verdict of each.
        name: The model they were chosen by, if any.
        more: How to see the next page; empty when this is the last.
        heads: Names of the heads that point at each, by its id.
        trend: How the metrics of that model went.

    Returns:
        The page.
    """
    rows = tuple(
        (
            short(identifier),
            *(() if name else (snapshot.request.name,)),
            snapshot.created[:16].replace("T", " "),
            author_text(snapshot),
            _measured(snapshot, verdict),
            ", ".join((heads or {}).get(identifier, ())),
            verdict.level if verdict else "never rerun",
        )
        for identifier, snapshot, verdict in entries
    )
    columns = ("id", *(() if name else ("model",)), "UTC", "by", "metrics", "head", "verdict")
    told = Section(
        "Snapshots" if trend else "",
        columns=columns,
        rows=rows,
        states=tuple(verdict_state(verdict.level if verdict else None) for *_, verdict in entries),
    )
    measured = trend is not None and any(point.metrics for point in trend.points)
    return Page(
        heading=f"Snapshots of {name}" if name else "Snapshots",
        badge=f"{len(rows)} shown",
        state="",
        summary="" if rows else "There are none yet: take one with %mlops snapshot NAME.",
        sections=(metrics_section(trend), told) if trend and measured else (told,),
        hints=(more,) if more else (),
        charts=metric_charts(trend) if trend else (),
    )


def _measured(snapshot: Snapshot, verdict: Reproduction | None) -> str:
    """Tell a snapshot's numbers, each with what its newest rerun got where that is another."""
    again = {one.name: one.rerun for one in verdict.metrics} if verdict else {}
    told = []
    for name, value in snapshot.metrics.items():
        got = again.get(name)
        rerun = "" if got is None or got == value else f" (rerun {got:.4g})"
        told.append(f"{name} {value:.4g}{rerun}")
    return ", ".join(told) or "—"


def status_page(
    files: Sequence[tuple[str, ...]],
    holes: list[Hole],
    cells: int,
    facts: Sequence[Line],
    level: str,
) -> Page:
    """Describe what a snapshot taken now would capture.

    Args:
        files: Path, role, size, cell and observer of each file; likewise of each answer.
        holes: What would be missing.
        cells: How many executions have been watched.
        facts: Lines about program and environment.
        level: The capture level.

    Returns:
        The page.
    """
    stopping = sum(1 for hole in holes if hole.blocking)
    return Page(
        heading="This session",
        badge=f"{stopping} in the way of a rerun" if stopping else "ready",
        state="bad" if stopping else "good",
        summary=f"{counted(cells, 'cell')} executed, {counted(len(files), 'source')} seen; "
        "nothing is stored yet.",
        sections=(
            Section("Program and environment", tuple(facts)),
            Section(
                "Data", columns=("source", "role", "bytes", "cell", "seen by"), rows=tuple(files)
            ),
            holes_section(holes, level),
        ),
        hints=("Keep it: %mlops snapshot NAME --model VAR --metric VAR --holdout VAR",),
    )


def diff_page(
    names: tuple[str, str],
    metrics: dict[str, tuple[float | None, float | None]],
    parts: Mapping[str, Sequence[str]],
) -> Page:
    """Describe what changed between two snapshots.

    Args:
        names: Their short ids.
        metrics: Each metric's two values.
        parts: Lines of change by title.

    Returns:
        The page.
    """
    rows = tuple((name, _number(a), _number(b), _delta(a, b)) for name, (a, b) in metrics.items())
    sections = [Section("Metrics", columns=("metric", *names, "change"), rows=rows)]
    for title, lines in parts.items():
        shown = tuple(Line("", line) for line in lines) or (Line("", "no change", "dim"),)
        sections.append(Section(title, shown))
    changed = any(parts.values()) or any(a != b for a, b in metrics.values())
    return Page(
        heading=f"{names[0]} → {names[1]}",
        badge="changed" if changed else "same",
        state="warn" if changed else "good",
        summary="",
        sections=tuple(sections),
    )


def files_page(folder: str, paths: Sequence[str]) -> Page:
    """List the files that were put into a folder.

    Args:
        folder: The folder.
        paths: Their paths below it.

    Returns:
        The page; a table, in which no name can pass for two.
    """
    rows = tuple((path,) for path in paths)
    section = Section("", columns=("file",), rows=rows)
    return Page(folder, counted(len(paths), "file"), "good", "", (section,))


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.6g}"


def _delta(a: float | None, b: float | None) -> str:
    return "" if a is None or b is None else f"{b - a:+.3g}"
