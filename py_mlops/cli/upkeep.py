"""The verbs that look after store and environment: ``gc``, ``verify``, ``witness``, ``lock``."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import msgspec

from py_mlops.cli.main import Call, verb

_DAMAGED = 1


@verb("gc")
@click.option("--delete", is_flag=True, help="Really remove; without it this is a dry run.")
def gc(call: Call, delete: bool) -> None:
    """Find what no record and no head reaches; with --delete, remove it."""
    from py_mlops.commands.upkeep.gc import gc
    from py_mlops.report.page import Line, Page, Section, counted, size

    found = gc(call.workspace, delete=delete, report=call.output.progress)
    lines: tuple[Line, ...] = (
        Line("objects", f"{found.objects:,} reached by nothing, {size(found.size)}"),
        Line("leftovers", f"{counted(found.leftovers, 'file')} of interrupted writes"),
        Line(
            "predictions", f"{counted(found.expired, 'segment')} kept long enough, held by nobody"
        ),
        Line("environments", f"{found.environments:,} built and unused for long"),
    )
    hints = () if delete else ("Remove them: mlops gc --delete",)
    if found.waiting:
        spared = f"{found.waiting:,} needed after all, or marked: they go 24 hours from now"
        lines = (*lines[:1], Line("waiting", spared), *lines[1:])
        hints = ("Run it again tomorrow: mlops gc --delete",)
    call.output.show(
        lambda: Page(
            "Garbage", "deleted" if delete else "dry run", "", "", (Section("", lines),), hints
        ),
        msgspec.to_builtins(found),
    )


@verb("hold")
@click.argument("reference")
@click.option("--reason", required=True, help="Why, in words.")
@click.option("--release", is_flag=True, help="End a hold.")
def hold(call: Call, reference: str, reason: str, *, release: bool) -> None:
    """Keep predictions from being deleted: those of a snapshot, or of one segment."""
    from py_mlops.commands.upkeep.retention import hold
    from py_mlops.report.page import Page, short

    identifier = hold(call.workspace, reference, reason=reason, release=release)
    badge = "released" if release else "held"
    call.output.show(
        lambda: Page(reference, badge, "good", f"{reason} ({short(identifier)})"),
        {"id": identifier, "state": badge},
    )


@verb("verify")
@click.argument("reference", required=False)
@click.option("--rebuild", is_flag=True, help="Make a lost or damaged ledger anew first.")
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    help="A checkpoint that `mlops witness` wrote: the log must extend it.",
)
@click.option(
    "--listing",
    type=click.Path(path_type=Path),
    help="Write a file for `sha256sum -c` in the store's folder; verify nothing.",
)
def verify(
    call: Call, reference: str | None, *, rebuild: bool, against: Path | None, listing: Path | None
) -> None:
    """Read the whole store again, or one record, and name everything altered or missing."""
    if sum(map(bool, (rebuild, listing, reference, against))) > 1:
        raise click.UsageError("Name one of REF, --against, --listing and --rebuild.")
    if rebuild:
        _rebuild(call)
    elif listing:
        _list(call, listing)
    elif reference:
        _verify_record(call, reference)
    else:
        _verify_store(call, against)


def _verify_store(call: Call, against: Path | None) -> None:
    from py_mlops.commands.upkeep.signatures import examine
    from py_mlops.commands.upkeep.verify import verify
    from py_mlops.commands.upkeep.witness import is_signed_by_known, read_witness
    from py_mlops.report.page import Line, Page, Section, counted

    store = call.workspace.store
    witnessed = read_witness(against) if against else None
    standing = examine(store)
    wrong = list(
        verify(call.workspace, standing=standing, witnessed=witnessed, report=call.output.progress)
    )
    if witnessed and not is_signed_by_known(store, witnessed):
        standing.notices.append(
            f"No key that this store knows has signed {against}: it proves as much as the way it "
            "came to you."
        )
    rows = standing.rows
    sections = (
        Section("", tuple(Line("", text, "bad") for text in wrong)),
        Section("Signatures", tuple(Line("", text) for text in standing.told())),
        Section("Worth knowing", tuple(Line("", text, "warn") for text in standing.notices)),
    )
    badge = f"{len(wrong)} damaged" if wrong else "all as written"
    seen = f", {witnessed.checkpoint.size:,} of them witnessed" if witnessed and not wrong else ""
    call.output.show(
        lambda: Page(
            "Store",
            badge,
            "bad" if wrong else "good",
            f"{counted(rows, 'record')} checked{seen}.",
            sections,
        ),
        {
            "records": rows,
            "damaged": wrong,
            "signatures": standing.told(),
            "notices": standing.notices,
        },
    )
    sys.exit(_DAMAGED if wrong else 0)


def _verify_record(call: Call, reference: str) -> None:
    from py_mlops.commands.upkeep.verify import verify_record
    from py_mlops.report.page import Line, Page, Section

    wrong = list(verify_record(call.workspace, reference, report=call.output.progress))
    section = Section("", tuple(Line("", text, "bad") for text in wrong))
    call.output.show(
        lambda: Page(
            reference,
            f"{len(wrong)} damaged" if wrong else "as written",
            "bad" if wrong else "good",
            "",
            (section,),
        ),
        {"reference": reference, "damaged": wrong},
    )
    sys.exit(_DAMAGED if wrong else 0)


def _list(call: Call, file: Path) -> None:
    from py_mlops.commands.upkeep.verify import listing
    from py_mlops.data.place import place_bytes
    from py_mlops.report.page import Page

    data = listing(call.workspace)
    place_bytes(file.name, data, file.parent)
    hint = f"In the store's folder: sha256sum --quiet -c {file.absolute()}"
    count = data.count(b"\n")
    call.output.show(
        lambda: Page(str(file), f"{count:,} objects", "good", "", hints=(hint,)),
        {"file": str(file), "objects": count},
    )


@verb("witness")
@click.option("--file", type=click.Path(dir_okay=False, path_type=Path), help="Write it there.")
@click.option(
    "--git",
    "repository",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Commit it to the git repository in that folder.",
)
def witness(call: Call, file: Path | None, repository: Path | None) -> None:
    """Write the log's newest checkpoint where others keep it, so that no cut goes unnoticed."""
    from py_mlops.commands.upkeep.witness import witness
    from py_mlops.report.page import Line, Page, Section

    if (file is None) == (repository is None):
        raise click.UsageError("Name one of --file and --git.")
    done = witness(call.workspace, file=file, repository=repository)
    problem = call.workspace.signer.problem if call.workspace.signer else "signing is switched off"
    lines = (
        Line("root", done.root),
        Line("signed by", done.signer) if done.signer else Line("unsigned", problem, "warn"),
        *((Line("commit", done.commit),) if done.commit else ()),
    )
    hint = f"Later: mlops verify --against {done.file}"
    call.output.show(
        lambda: Page(done.file, f"{done.size:,} rows", "good", "", (Section("", lines),), (hint,)),
        msgspec.to_builtins(done),
    )


def _rebuild(call: Call) -> None:
    from py_mlops.commands.upkeep.rebuild import rebuild
    from py_mlops.report.page import Line, Page, Section, counted

    made = rebuild(call.store)
    heads = tuple(Line(name, record[7:19]) for name, record in sorted(made.heads.items()))
    unknown = tuple(Line("", text, "warn") for text in made.unknown)
    call.output.show(
        lambda: Page(
            "Ledger",
            "made anew",
            "warn" if unknown else "good",
            f"{counted(made.rows, 'row')} proven by a checkpoint, "
            f"{made.entered:,} entered after them.",
            (Section("Heads", heads), Section("What cannot be known", unknown)),
            ("Check the whole store: mlops verify",),
        ),
        msgspec.to_builtins(made),
    )


@verb("lock")
def lock(call: Call) -> None:
    """Prepare the lock of this Python's environment, so that a snapshot need not wait for it."""
    from py_mlops.environment.lock import lock
    from py_mlops.guest.facts import facts
    from py_mlops.records.handover import KernelFacts
    from py_mlops.report.page import Line, Page, Section
    from py_mlops.settings import read_settings

    mine = msgspec.convert(facts(), KernelFacts)
    locked = lock(mine, cache=read_settings().cache, report=call.output.progress)
    pinned = sum(1 for item in locked.distributions if item.sha256)
    section = Section("", tuple(Line("", hole.text, "warn") for hole in locked.holes))
    count = len(locked.distributions)
    call.output.show(
        lambda: Page("Environment", f"{pinned} of {count} pinned", "good", "", (section,)),
        {"packages": count, "pinned": pinned, "holes": msgspec.to_builtins(locked.holes)},
    )
