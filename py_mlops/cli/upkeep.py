"""The verbs that look after store and environment: ``gc``, ``verify`` and ``lock``."""

from __future__ import annotations

import sys

import click
import msgspec

from py_mlops.cli.main import Call, verb

_DAMAGED = 1


@verb("gc")
@click.option("--delete", is_flag=True, help="Really remove; without it this is a dry run.")
def gc(call: Call, delete: bool) -> None:
    """Find what no record and no head reaches; with --delete, remove it."""
    from py_mlops.commands.gc import gc
    from py_mlops.report.page import Line, Page, Section, counted, size

    found = gc(call.workspace, delete=delete, report=call.output.progress)
    lines: tuple[Line, ...] = (
        Line("objects", f"{found.objects:,} reached by nothing, {size(found.size)}"),
        Line("leftovers", f"{counted(found.leftovers, 'file')} of interrupted writes"),
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


@verb("verify")
@click.option("--rebuild", is_flag=True, help="Make a lost or damaged ledger anew first.")
def verify(call: Call, rebuild: bool) -> None:
    """Read the whole store again and name everything altered, missing or damaged."""
    if rebuild:
        _rebuild(call)
        return
    from py_mlops.commands.verify import verify
    from py_mlops.report.page import Line, Page, Section, counted

    wrong = list(verify(call.workspace, report=call.output.progress))
    rows = call.workspace.store.ledger.size()
    section = Section("", tuple(Line("", text, "bad") for text in wrong))
    badge = f"{len(wrong)} damaged" if wrong else "all as written"
    call.output.show(
        lambda: Page(
            "Store",
            badge,
            "bad" if wrong else "good",
            f"{counted(rows, 'record')} checked.",
            (section,),
        ),
        {"records": rows, "damaged": wrong},
    )
    sys.exit(_DAMAGED if wrong else 0)


def _rebuild(call: Call) -> None:
    from py_mlops.commands.rebuild import rebuild
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
    from py_mlops.workspace import read_settings

    mine = msgspec.convert(facts(), KernelFacts)
    locked = lock(mine, cache=read_settings().cache, report=call.output.progress)
    pinned = sum(1 for item in locked.distributions if item.sha256)
    section = Section("", tuple(Line("", hole.text, "warn") for hole in locked.holes))
    count = len(locked.distributions)
    call.output.show(
        lambda: Page("Environment", f"{pinned} of {count} pinned", "good", "", (section,)),
        {"packages": count, "pinned": pinned, "holes": msgspec.to_builtins(locked.holes)},
    )
