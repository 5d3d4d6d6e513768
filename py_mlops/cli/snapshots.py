"""The verbs about snapshots that are there: log, show, diff, restore, bundle."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from py_mlops.cli.main import Call, verb


@verb("log")
@click.argument("name", required=False)
@click.option("-n", "--limit", type=click.IntRange(1, 1000), default=20, help="How many.")
@click.option("--before", type=int, help="Only those before this place; for the next page.")
def log(call: Call, name: str | None, limit: int, before: int | None) -> None:
    """List snapshots, newest first, with their verdicts."""
    from py_mlops.commands.history import log
    from py_mlops.commands.pages import logged_page

    entries = log(call.workspace, name, limit=limit, before=before)
    words = " ".join(["mlops log", *([name] if name else []), "--before"])
    more = f"More: {words} {entries[-1].seq}" if len(entries) == limit else ""
    value = [
        {
            "id": item.id,
            "seq": item.seq,
            "name": item.snapshot.request.name,
            "created": item.snapshot.created,
            "author": msgspec.to_builtins(item.snapshot.author),
            "metrics": item.snapshot.metrics,
            "verdict": item.verdict.level if item.verdict else None,
            "rerun": {one.name: one.rerun for one in item.verdict.metrics} if item.verdict else {},
        }
        for item in entries
    ]
    call.output.show(lambda: logged_page(call.workspace, entries, name, more, before), value)


@verb("show")
@click.argument("reference")
def show(call: Call, reference: str) -> None:
    """Show one record: a snapshot, a verdict, a head's move."""
    from py_mlops.commands.history import newest_verdict, show
    from py_mlops.commands.pages import record_page

    identifier, record = show(call.workspace, reference)
    verdict = newest_verdict(call.workspace, identifier)
    value = {"id": identifier, **msgspec.to_builtins(record)}
    call.output.show(lambda: record_page(call.workspace, identifier, record, verdict), value)


@verb("diff")
@click.argument("first")
@click.argument("second")
def diff(call: Call, first: str, second: str) -> None:
    """Say what changed from one snapshot to another."""
    from py_mlops.commands.comparison.diff import diff
    from py_mlops.commands.pages import changes_page

    a, b = call.resolve(first), call.resolve(second)
    changes = diff(call.workspace, a, b)
    value = {"first": a, "second": b, **msgspec.to_builtins(changes)}
    call.output.show(lambda: changes_page(a, b, changes), value)


@verb("restore")
@click.argument("reference")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--outputs", is_flag=True, help="Also restore the files that the run wrote.")
def restore(call: Call, reference: str, folder: Path, outputs: bool) -> None:
    """Put a snapshot's notebook, code and data into a folder."""
    from py_mlops.commands.snapshots.restore import restore
    from py_mlops.report.lists import files_page

    snapshot_id = call.resolve(reference)
    paths = restore(
        call.workspace, snapshot_id, folder, outputs=outputs, report=call.output.progress
    )
    call.output.show(
        lambda: files_page(str(folder), paths),
        {"snapshot": snapshot_id, "folder": str(folder), "files": paths},
    )


@verb("bundle")
@click.argument("reference")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def bundle(call: Call, reference: str, file: Path) -> None:
    """Write a snapshot with all its bytes into one FILE."""
    from py_mlops.commands.transfer.bundle import bundle
    from py_mlops.report.page import Page, size

    snapshot_id = call.resolve(reference)
    bundle(call.workspace, snapshot_id, file, report=call.output.progress)
    written = file.stat().st_size
    call.output.show(
        lambda: Page(
            str(file), size(written), "good", "", hints=(f"Anywhere: mlops reproduce {file}",)
        ),
        {"snapshot": snapshot_id, "file": str(file), "size": written},
    )
