"""The verb that tells of a snapshot in another standard's words: ``export``."""

from __future__ import annotations

from pathlib import Path

import click

from py_mlops.cli.main import Call, verb

_FORMATS = ["in-toto", "ro-crate", "openlineage", "cyclonedx", "model-card"]


@verb("export")
@click.argument("reference")
@click.option(
    "--format", "standard", type=click.Choice(_FORMATS), required=True, help="The standard."
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="A file, or a folder that is there."
)
@click.option("--license", "licence", default="", help="The model's licence; no record knows it.")
@click.option("--email", is_flag=True, help="Also tell people's addresses.")
def export(
    call: Call, reference: str, *, standard: str, output: Path | None, licence: str, email: bool
) -> None:
    """Tell of a snapshot in a standard that other tools read."""
    from py_mlops.commands.export import export, write
    from py_mlops.exports import STANDARDS
    from py_mlops.records import digest_of
    from py_mlops.report.page import Page, size

    snapshot_id = call.resolve(reference)
    data = export(call.workspace, snapshot_id, standard, email=email, licence=licence)
    value = {
        "snapshot": snapshot_id,
        "format": standard,
        "digest": digest_of(data),
        "size": len(data),
    }
    if output is None:
        call.output.write(data, value)
        return
    file = write(data, standard, output)
    call.output.show(
        lambda: Page(str(file), size(len(data)), "good", STANDARDS[standard].title),
        value | {"file": str(file)},
    )
