"""What a session used that a snapshot does not hold, in words for its author."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from py_mlops.data.fetched import fetcher
from py_mlops.data.judge import Finding
from py_mlops.data.replay import external
from py_mlops.data.rules import SETTINGS
from py_mlops.errors import CaptureError, FileChanged, FileGone
from py_mlops.guest.sightings import MOST_FILES
from py_mlops.records import External, Hole
from py_mlops.records.handover import Handover, SeenCommand
from py_mlops.records.program import interrupted

_MOST = 20
_SHOWN = 200
_INSTALLS = re.compile(
    r"\s*(?:\S*/)?(?:python[\d.]*\s+-m\s+)?(?:pip[\d.]*|uv|conda|mamba|micromamba)\s"
)
# These tell about the machine or list names; nothing a model could be trained on.
_HARMLESS = {
    *("cd", "clear", "date", "df", "du", "echo", "fc-list", "free", "hostname", "id", "ldconfig"),
    *("ls", "lscpu", "mkdir", "nproc", "nvidia-smi", "ps", "pwd", "sleep", "top", "true", "tty"),
    *("uname", "uptime", "which", "whoami"),
}

_REACHED = {
    "python": "Python code connected to",
    "driver": "a database's driver connected to",
    "native": "native code, which no recorded client is part of, connected to",
    "child": "a child process connected to",
}
_AGAIN = "changed before it was read again"
_INSTEAD = {
    "python": "Read a database through SQLAlchemy, or save what you download to a file, and read "
    "the file.",
    "native": "Read through a recorded client (fsspec or s3fs, requests, SQLAlchemy), or save what "
    "you read to a file, and read the file.",
}


def of_session(handover: Handover) -> list[Hole]:
    """Return the holes that are no files: connections, commands, blind libraries."""
    return [
        *_cut(list(_connections(handover)), "further connections"),
        *_cut(list(_processes(handover)), "further processes"),
        *_cut(list(_alarms(handover)), "further alarms"),
        *_blind(handover),
        *_stopped(handover),
        *_failures(handover),
    ]


def is_older_version(hole: Hole) -> bool:
    """Say whether a hole is a version of a file that was read and is not kept."""
    return hole.kind == "data" and _AGAIN in hole.text


def of_file(finding: Finding) -> Hole | None:
    """Return the hole that a file leaves, ``None`` when it leaves none."""
    path, cell = finding.seen.requested, finding.seen.cell
    is_input = finding.role != "output"
    where = _where(cell)
    match finding.state:
        case "changed" | "gone":
            text, hint = refusal(finding).message, refusal(finding).hint
        case "rewritten":
            text = f"{path} was read in {where} and later changed or removed by the notebook itself"
            text += "; what it held at first is not kept"
            text += f" ({finding.seen.problem})." if finding.seen.problem else "."
            hint = "Keep raw data unmodified: write the result to another file, and snapshot again."
        case "older":
            text = f"{path} was read in {where} and {_AGAIN}"
            text += "; only the newest version is kept."
            hint = "Restart the kernel and run all cells, so that one version is read throughout."
            return _hole(text, hint, cell, blocking=False)
        case "special":
            text = f"{path} is no regular file (a folder, pipe, socket or device)"
            text += "; its content is not kept."
            hint = "Copy what it gives into a file, and read that."
        case "unnamed":
            text = f"The name {finding.seen.path} is not valid UTF-8, so no record can hold it."
            hint = "Rename the file, and run the cell again."
        case _:
            return None
    return _hole(text, hint, cell, blocking=is_input)


def of_left_out(findings: Sequence[Finding]) -> list[Hole]:
    """Return the holes of files that a rule of ours leaves out and the code reads by their names.

    Args:
        findings: What was judged of every file seen.
    """
    return [
        _hole(
            f"{_where(finding.seen.cell).capitalize()} reads {finding.seen.requested}, which no "
            f"snapshot keeps: it lies in {finding.reason}.",
            "Copy it to the notebook, and read the copy.",
            finding.seen.cell,
            blocking=True,
        )
        for finding in findings
        if finding.state == "ignored"
        and finding.role == "input"
        and finding.seen.observed == "named-in-code"
        and not finding.reason.endswith(f"({SETTINGS})")
    ]


def of_repositories(findings: Sequence[Finding]) -> list[Hole]:
    """Return the holes of git's own files, which are left out wherever they lie.

    Args:
        findings: What was judged of every file seen.
    """
    cells: dict[str, int] = {}
    for finding in findings:
        if finding.state != "ignored" or finding.role != "input":
            continue
        folder, git, _ = finding.seen.path.partition("/.git/")
        if git:
            cells.setdefault(folder, finding.seen.cell)
    return [
        Hole(
            kind="shell",
            text=f"{_where(cell).capitalize()} asked the git repository {_shown(folder)}, whose "
            "history no snapshot keeps.",
            hint="Write what the notebook shows of it, such as a commit's id, into a file of its "
            "own, and read the file.",
            cell=cell,
            blocking=False,
        )
        for folder, cell in cells.items()
    ]


def refusal(finding: Finding) -> CaptureError:
    """Return the error for an input that is no longer what was read.

    Args:
        finding: One whose state is ``changed`` or ``gone``.
    """
    path, where = finding.seen.requested, _where(finding.seen.cell)
    accept = "or snapshot with --incomplete, which records the gap."
    if finding.state == "gone":
        return FileGone(
            f"{path} was read by {where} and is no longer there.",
            hint=f"Put it back, or change {where} and run it again; {accept}",
        )
    if finding.role == "code":
        return FileChanged(
            f"{path} was edited after {where} read it, so the kernel runs older code.",
            hint=f"Restart the kernel and run all cells (or reload it and rerun {where}); {accept}",
        )
    return FileChanged(
        f"{path} changed after {where} read it.",
        hint=f"Run {where} and what depends on it again, or put the file back; {accept}",
    )


def _where(cell: int) -> str:
    return f"cell [{cell}]" if cell else "code outside any cell"


def _connections(handover: Handover) -> Iterator[Hole]:
    sources = {cell.count: cell.source for cell in handover.cells}
    kept: dict[int, list[str]] = {}
    for file in handover.files:
        if file.written and fetcher(file.process, file.path, sources.get(file.cell, "")):
            kept.setdefault(file.cell, []).append(file.path.rpartition("/")[2])
    for seen in external(handover):
        files = kept.get(seen.cell) if seen.by == "child" else None
        if files:
            yield _downloaded(seen, files)
            continue
        peer = f"{seen.host}:{seen.port}" if seen.port else seen.host
        yield Hole(
            kind="network",
            text=f"{_where(seen.cell).capitalize()}: {_REACHED[seen.by]} {peer}; what came from "
            "there could not be pinned, and is not kept.",
            hint=_INSTEAD.get(seen.by, "Save what you download to a file, and read the file."),
            cell=seen.cell,
            blocking=True,
        )


def _downloaded(seen: External, files: Sequence[str]) -> Hole:
    names = ", ".join(files[:_MOST]) + (" …" if len(files) > _MOST else "")
    return Hole(
        kind="network",
        text=f"{_where(seen.cell).capitalize()}: a child process connected to {seen.host}:"
        f"{seen.port}; what it downloaded is kept, and given to a rerun ({names}), nothing else.",
        hint="Nothing is to be done when these files are all that the cell took from there.",
        cell=seen.cell,
        blocking=False,
    )


def _processes(handover: Handover) -> Iterator[Hole]:
    """Return what child processes leave open: with the tracer, only those it was not in."""
    if handover.level != "observed":
        yield from _commands(handover)
    for text in handover.unseen:
        program = text.rpartition(" (")[0]  # behind it stands why it was not seen
        if _is_harmless(SeenCommand(cell=0, text=program)):
            continue
        yield Hole(
            kind="shell",
            text=f"A process could not be watched: {_shown(text)}; the files and connections that "
            "it opened were not seen.",
            hint="Leave LD_PRELOAD and MLOPS_TRACE in the environment of what the notebook starts, "
            "or read its data in Python.",
            cell=0,
            blocking=False,
        )


def _alarms(handover: Handover) -> Iterator[Hole]:
    for seen in handover.alarms:
        yield _hole(
            _shown(seen.text),
            "Write the names of data files into the code as plain strings, and snapshot again.",
            seen.cell,
            blocking=False,
        )


def _commands(handover: Handover) -> Iterator[Hole]:
    told: set[str] = set()
    forked: set[int] = set()
    for seen in handover.commands:
        if not seen.text and seen.cell not in forked:
            forked.add(seen.cell)
            yield _fork(seen.cell)
        elif seen.text and seen.text not in told and not _is_harmless(seen):
            told.add(seen.text)
            yield Hole(
                kind="shell",
                text=f"Cell [{seen.cell}] ran a process: {_shown(seen.text)} — only files that its "
                "text names were captured.",
                hint="Name every file it reads on its command line, or read it in Python.",
                cell=seen.cell,
                blocking=False,
            )


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[:_SHOWN] + "…"


def _fork(cell: int) -> Hole:
    return Hole(
        kind="shell",
        text=f"{_where(cell).capitalize()} split the kernel's process in two or more (os.fork or "
        "multiprocessing); the files and connections that its child processes opened were not "
        "seen.",
        hint="Read the data before the processes start, or in the notebook's own process.",
        cell=cell,
        blocking=False,
    )


def _is_harmless(seen: SeenCommand) -> bool:
    simple = not re.search(r"[|;&<>`$\n]", seen.text.strip())
    words = seen.text.split()
    program = words[0].rpartition("/")[2] if words else ""
    return simple and (program in _HARMLESS or _INSTALLS.match(seen.text) is not None)


def _blind(handover: Handover) -> Iterator[Hole]:
    if handover.blind and handover.level != "observed":
        yield _hole(
            f"{', '.join(handover.blind)} read files natively, unseen by Python; "
            "files that the code names were captured.",
            "Write the names of data files into the code as plain strings.",
            0,
            blocking=False,
        )


def _stopped(handover: Handover) -> Iterator[Hole]:
    for cell in interrupted(handover.cells):
        yield Hole(
            kind="program",
            text=f"{_where(cell.count).capitalize()} was interrupted after {cell.seconds:.1f} s; "
            "a rerun interrupts it after as long, and how far it comes by then is chance.",
            hint="Have it end by itself, after a number of rounds, and run what depends on it "
            "again.",
            cell=cell.count,
            blocking=False,
        )


def _failures(handover: Handover) -> Iterator[Hole]:
    if handover.failures and len(handover.files) >= MOST_FILES:
        yield _hole(
            f"The program opened more than {MOST_FILES:,} files; {handover.failures:,} times one "
            "that is not recorded.",
            "Put the files of a large folder into fewer and larger ones, such as tar or Parquet.",
            0,
            blocking=True,
        )
    elif handover.failures:
        times = "once" if handover.failures == 1 else f"{handover.failures:,} times"
        yield _hole(
            f"The watcher failed {times}; files may be missing.",
            "Compare the list of files with what the notebook uses, and report it as an error of "
            "mlops.",
            0,
            blocking=False,
        )


def _cut(holes: list[Hole], what: str) -> list[Hole]:
    """Keep a list readable: the first ones as they are, the rest counted."""
    if len(holes) <= _MOST:
        return holes
    rest = holes[_MOST:]
    text = f"{len(rest)} {what} are not listed."
    return [*holes[:_MOST], msgspec.structs.replace(rest[0], text=text)]


def _hole(text: str, hint: str, cell: int, *, blocking: bool) -> Hole:
    return Hole(kind="data", text=text, hint=hint, cell=cell, blocking=blocking)
