"""The verbs that tell where something comes from: ``explain``, ``impact``, ``history``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from py_mlops.cli.main import Call, verb

if TYPE_CHECKING:
    from py_mlops.report.page import Page

_SVG = click.option(
    "--svg", type=click.Path(dir_okay=False, path_type=Path), help="Write a picture of it."
)


@verb("explain")
@click.argument("what")
@_SVG
def explain(call: Call, what: str, svg: Path | None) -> None:
    """Say where a model, a file, a notebook or a person's work comes from, back to raw data."""
    from py_mlops.commands.lineage.explain import ancestors, explain
    from py_mlops.commands.lineage.pages import explanation_page
    from py_mlops.commands.lineage.subject import find_subject

    subject = find_subject(call.workspace, what, report=call.output.progress)
    found = explain(call.workspace, subject, report=call.output.progress)
    page = explanation_page(call.workspace, found)
    _draw(call, svg, page)
    value = _value(found) | {"all": ancestors(call.workspace, found)} if call.output.as_json else {}
    call.output.show(lambda: page, value)


@verb("impact")
@click.argument("what")
@_SVG
def impact(call: Call, what: str, svg: Path | None) -> None:
    """Say which snapshots and models a file, a snapshot, an address or a person went into."""
    from py_mlops.commands.lineage.impact import impact
    from py_mlops.commands.lineage.pages import impact_page
    from py_mlops.commands.lineage.subject import find_subject

    subject = find_subject(call.workspace, what, report=call.output.progress)
    found = impact(call.workspace, subject, report=call.output.progress)
    page = impact_page(found)
    _draw(call, svg, page)
    call.output.show(lambda: page, _value(found) if call.output.as_json else {})


@verb("history")
@click.argument("head")
@click.option("--at", metavar="TIME", help="Only where it pointed then: 2026-03-01T14:30 (UTC).")
@click.option("-n", "--limit", type=click.IntRange(1, 1000), default=20, help="How many.")
@click.option("--before", type=int, help="Only those before this place; for the next page.")
def history(call: Call, head: str, at: str | None, limit: int, before: int | None) -> None:
    """List where a head pointed, from when to when, and who moved it."""
    from py_mlops.commands.lineage.moves import moves
    from py_mlops.commands.lineage.pages import moves_page

    found = moves(call.workspace, head, at=at, limit=limit, before=before)
    more = ""
    if at is None and len(found.moves) == limit:
        more = f"More: mlops history {head} --before {found.moves[-1].seq}"
    call.output.show(lambda: moves_page(found, more), msgspec.to_builtins(found))


def _value(found: object) -> dict[str, object]:
    """Return what was found as plain values; digests are text, and keys of the index left out."""
    plain: dict[str, object] = msgspec.to_builtins(found)
    subject = plain["subject"]
    if isinstance(subject, dict):
        subject.pop("point", None)
    return plain


def _draw(call: Call, target: Path | None, page: Page) -> None:
    from py_mlops.commands.lineage.graph import draw

    if target is not None:
        draw(page.picture, target)
        call.output.hint(f"The picture is in {target}.")
