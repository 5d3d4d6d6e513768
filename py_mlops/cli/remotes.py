"""The verbs that move snapshots between stores: ``push`` and ``pull``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from py_mlops.cli.main import Call, verb

if TYPE_CHECKING:
    from py_mlops.commands.transfer.moving import Carried
    from py_mlops.report.page import Page


@verb("push")
@click.argument("remote")
@click.argument("references", nargs=-1, metavar="[REF]...")
def push(call: Call, remote: str, references: tuple[str, ...]) -> None:
    """Bring snapshots with all they stand on into the store REMOTE."""
    from py_mlops.commands.transfer.push import push

    done = push(call.workspace, remote, references, report=call.output.progress)
    heads = tuple(f"{head} is {short_id(to)}" for head, to in done.heads.items())
    call.output.show(
        lambda: _page(f"Pushed to {remote}", done.carried, heads, ()),
        {"remote": remote, "heads": done.heads, **_value(done.carried)},
    )


@verb("pull")
@click.argument("remote")
@click.argument("references", nargs=-1, required=True, metavar="REF...")
def pull(call: Call, remote: str, references: tuple[str, ...]) -> None:
    """Bring snapshots with all they stand on from the store REMOTE."""
    from py_mlops.commands.transfer.pull import pull

    done = pull(call.workspace, remote, references, report=call.output.progress)
    heads = tuple(f"{head} is {short_id(to)}" for head, to in done.heads.items())
    left = tuple(f"{head} has gone another way here and was left as it is" for head in done.left)
    call.output.show(
        lambda: _page(f"Pulled from {remote}", done.carried, heads, left),
        {
            "remote": remote,
            "asked": done.snapshots,
            "heads": done.heads,
            "left": list(done.left),
            **_value(done.carried),
        },
    )


def short_id(identifier: str) -> str:
    """Return enough of an id for a person."""
    from py_mlops.report.page import short

    return short(identifier)


def _value(carried: Carried) -> dict[str, object]:
    return {
        "snapshots": carried.snapshots,
        "objects": carried.objects,
        "size": carried.size,
        "held": carried.held,
        "reproductions": carried.reruns,
        "refused": carried.refused,
    }


def _page(heading: str, carried: Carried, heads: tuple[str, ...], left: tuple[str, ...]) -> Page:
    from py_mlops.report.page import Line, Page, Section, counted, short, size

    moved = f"{counted(carried.objects, 'object')}, {size(carried.size)}"
    held = f"; {carried.held:,} were there already" if carried.held else ""
    lines = (
        *(Line("snapshot", short(one)) for one in carried.snapshots),
        *(Line("rerun", short(one)) for one in carried.reruns),
        *(Line("rerun", f"{text} It was left out.", "warn") for text in carried.refused),
        *(Line("head", text) for text in heads),
        *(Line("head", text, "warn") for text in left),
        Line("travelled", moved + held),
    )
    badge = counted(len(carried.snapshots), "new snapshot") if carried.snapshots else "up to date"
    return Page(
        heading, badge, "warn" if left or carried.refused else "good", "", (Section("", lines),)
    )
