"""The verbs that execute notebooks: ``run`` and ``reproduce``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click
import msgspec

from py_mlops.cli.main import Call, verb
from py_mlops.errors import InputError


@verb("reproduce")
@click.argument("reference")
@click.option(
    "--tolerance",
    multiple=True,
    metavar="METRIC=VALUE",
    help="How far a metric may be off: 0.01, or 5% of its value.",
)
@click.option(
    "--calibrate",
    type=click.IntRange(0, 100),
    default=0,
    metavar="K",
    help="Rerun K more times to measure how much training varies by itself.",
)
@click.option("--timeout", type=float, help="Seconds one cell may take.")
@click.option("--yes", is_flag=True, help="Run another person's code without asking.")
@click.option("--network", is_flag=True, help="Let the rerun use the network.")
@click.option(
    "--unisolated",
    is_flag=True,
    help="Run another person's code even where it cannot be set apart.",
)
@click.option(
    "--allow-build",
    is_flag=True,
    help="Compile packages of which the index has only the source, outside the sandbox.",
)
@click.option(
    "--env",
    "variables",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="Give an environment variable, whose value no snapshot keeps; without =VALUE, your own.",
)
def reproduce(
    call: Call,
    *,
    reference: str,
    tolerance: tuple[str, ...],
    calibrate: int,
    timeout: float | None,
    yes: bool,
    network: bool,
    unisolated: bool,
    allow_build: bool,
    variables: tuple[str, ...],
) -> None:
    """Retrain a snapshot and say whether it came out the same.

    REFERENCE is a model's name, a snapshot's id or its beginning, or a bundle
    file; what has a slash in it or ends in .mlops or .zip is a file. Exit codes:
    0 identical, equivalent or within tolerance; 10 different; 11 a cell failed;
    12 it cannot be rerun.
    """
    from py_mlops.commands.reruns.reproduce import EXIT_CODES, Options, reproduce
    from py_mlops.metrics import parse_tolerance
    from py_mlops.records import Snapshot, record_id
    from py_mlops.report.verdicts import verdict_page

    parsed = [parse_tolerance(text) for text in tolerance]
    options = Options(
        tolerances={name: (value, relative) for name, value, relative in parsed},
        calibrate=calibrate,
        timeout=timeout,
        ask=lambda question: call.ask(question, yes=yes),
        network=network,
        unisolated=unisolated,
        compiling=allow_build,
        variables=dict(map(_variable, variables)),
    )
    report = call.output.progress
    snapshot_id = _meant(call, reference, yes=yes)
    record = reproduce(call.workspace, snapshot_id, options, report)
    name = call.workspace.store.get_as(snapshot_id, Snapshot).request.name
    identifier = record_id(record)
    value = {"id": identifier, **msgspec.to_builtins(record)}
    call.output.show(lambda: verdict_page(identifier, record, name), value)
    sys.exit(EXIT_CODES[record.level])


def _variable(text: str) -> tuple[str, str]:
    """Return the name and value that an ``--env`` gives."""
    name, given, value = text.partition("=")
    if not given and name not in os.environ:
        raise InputError(
            f"--env {name}: there is no such environment variable here.",
            hint=f"Give its value: --env {name}=VALUE.",
        )
    return name, value if given else os.environ[name]


def _meant(call: Call, reference: str, *, yes: bool) -> str:
    """Return the id of the snapshot that a word means, and say so where it could mean two."""
    from py_mlops.commands.transfer.unbundle import is_bundle, is_file_name, unbundle

    path = Path(reference)

    def take_in() -> str:
        return unbundle(
            call.workspace,
            path,
            ask=lambda question: call.ask(question, yes=yes),
            tell=call.output.hint,
            report=call.output.progress,
        )

    if is_file_name(reference):
        return take_in()
    if is_bundle(path):
        call.output.hint(
            f"{reference} is the bundle file in this folder; "
            f"the model of that name is {reference}@main."
        )
        return take_in()
    if os.path.isfile(path):  # noqa: PTH113 - pathlib's raises for a name that is too long
        call.output.hint(
            f"{reference} is a model's name here: the file of that name is no bundle; "
            f"a file is meant by ./{reference}."
        )
    return call.resolve(reference)


@verb("run")
@click.argument("notebook", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-p",
    "--parameter",
    nargs=2,
    multiple=True,
    metavar="NAME VALUE",
    help="A papermill parameter; VALUE is read as JSON, else as text.",
)
@click.option("--name", help="The model's name; by default the notebook's.")
@click.option("--model", help="Variable that holds the model.")
@click.option("--metric", multiple=True, help="Variable that holds a number or a dict of them.")
@click.option("--holdout", help="Variable that holds held-out inputs.")
@click.option("--output", type=click.Path(path_type=Path), help="Where the executed notebook goes.")
@click.option(
    "--python",
    metavar="PATH",
    help="Interpreter, or environment's folder, to run it in; py-mlops need not be there.",
)
@click.option("--timeout", type=float, help="Seconds one cell may take.")
@click.option("--vault", is_flag=True, help="Keep every package's wheel, for when no index has it.")
@click.option("--incomplete", is_flag=True, help="Record lost files as holes, do not refuse.")
@click.option("--allow-secret", default="", metavar="REASON", help="Keep what looks like a secret.")
def run(
    call: Call,
    *,
    notebook: Path,
    parameter: tuple[tuple[str, str], ...],
    name: str | None,
    model: str | None,
    metric: tuple[str, ...],
    holdout: str | None,
    output: Path | None,
    python: str | None,
    timeout: float | None,
    vault: bool,
    incomplete: bool,
    allow_secret: str,
) -> None:
    """Execute a notebook with papermill and snapshot it.

    A notebook that calls %mlops snapshot takes its own snapshots; for any
    other one is taken when it ends.
    """
    from py_mlops.commands.pages import taken_page
    from py_mlops.commands.reruns.run import default_request, run
    from py_mlops.guest.problem import Problem
    from py_mlops.guest.request import check_name
    from py_mlops.records import Request, Snapshot

    if holdout and not model:
        raise InputError(
            "--holdout needs --model: the held-out inputs are stored with that model's answers.",
            hint="Add --model with the name of the variable that holds the model.",
        )
    try:
        chosen = check_name(name) if name else default_request(notebook).name
    except Problem as problem:
        raise InputError(problem.message, hint=problem.hint) from problem
    ran = run(
        call.workspace,
        notebook,
        request=Request(name=chosen, model=model, metrics=list(metric), holdout=holdout),
        parameters={key: _value(text) for key, text in parameter},
        output=output,
        python=python,
        timeout=timeout,
        vault=vault,
        incomplete=incomplete,
        allow_secret=allow_secret,
        report=call.output.progress,
    )
    taken = [(item, call.workspace.store.get_as(item, Snapshot)) for item in ran.snapshots]
    call.output.show(
        lambda: [taken_page(call.workspace, identifier, record) for identifier, record in taken],
        [{"id": identifier, **msgspec.to_builtins(record)} for identifier, record in taken],
    )


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
