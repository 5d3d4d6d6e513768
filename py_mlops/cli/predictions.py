"""The verb that asks a snapshot's model: ``predict``."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from py_mlops.cli.main import Call, verb
from py_mlops.errors import InputError

if TYPE_CHECKING:
    from py_mlops.model.arrays import Array


@verb("predict")
@click.argument("reference")
@click.argument("inputs", required=False, type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), help="Write the answers to a .csv file.")
@click.option("--timeout", type=float, help="Seconds the model may take.")
@click.option("--yes", is_flag=True, help="Load another person's model without asking.")
@click.option(
    "--unisolated",
    is_flag=True,
    help="Load another person's model even where it cannot be set apart.",
)
def predict(
    call: Call,
    *,
    reference: str,
    inputs: Path | None,
    output: Path | None,
    timeout: float | None,
    yes: bool,
    unisolated: bool,
) -> None:
    """Ask a snapshot's model, in its own environment, about INPUTS.

    INPUTS is a .csv or .parquet table, or an .npy array; without it, the model
    is asked about the recorded held-out inputs and its answers are compared
    with the recorded ones.
    """
    from py_mlops.commands.predict import predict
    from py_mlops.commands.reruns.reproduce import Options
    from py_mlops.report.verdicts import answers_page

    options = Options(
        timeout=timeout,
        ask=lambda question: call.ask(question, yes=yes),
        unisolated=unisolated,
    )
    identifier = call.resolve(reference)
    done = predict(call.workspace, identifier, inputs, options, call.output.progress)
    table = _csv(done.answers)
    if output is not None:
        _write(output, table)
    value = {
        "id": identifier,
        "answers": {method: _plain(answer) for method, answer in done.answers.items()},
        "compared": msgspec.to_builtins(done.compared),
    }
    if call.output.as_json or not inputs:
        call.output.show(lambda: answers_page(identifier, reference, done.compared), value)
    elif output is None:
        click.echo(table, nl=False)


def _plain(answer: Array) -> object:
    """Return an array as JSON has it: what is no number there is its text."""
    if answer.dtype.kind == "f":
        plain = answer.astype(object)
        plain[~((answer == answer) & (abs(answer) != float("inf")))] = None  # noqa: PLR0124 - NaN
        return plain.tolist()
    return (answer if answer.dtype.kind in "biuU" else answer.astype(str)).tolist()


def _csv(answers: dict[str, Array]) -> str:
    """Return the answers as a table: a row for each input, a column for each number of it."""
    columns: dict[str, list[object]] = {}
    for method, answer in answers.items():
        rows = answer.reshape(len(answer), -1) if answer.ndim else answer.reshape(1, 1)
        for place in range(rows.shape[1]):
            name = f"{method}.{place}" if rows.shape[1] > 1 else method
            columns[name] = rows[:, place].tolist()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    longest = max((len(column) for column in columns.values()), default=0)
    for row in range(longest):
        writer.writerow([column[row] if row < len(column) else "" for column in columns.values()])
    return text.getvalue()


def _write(path: Path, table: str) -> None:
    try:
        path.write_text(table, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"The answers cannot be written to {path}: {error.strerror}.",
            hint="Choose another output path.",
        ) from error
