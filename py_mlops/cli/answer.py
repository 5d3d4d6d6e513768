"""The hidden verb ``answer``: what ``%mlops`` shows in a kernel that does not have our package."""

from __future__ import annotations

import json
import shlex
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from py_mlops.cli.main import OUTPUT, Call, main, verb
from py_mlops.cli.output import Output
from py_mlops.errors import InputError, MlopsError
from py_mlops.guest.magics import LINE, VERBS
from py_mlops.guest.problem import Problem

if TYPE_CHECKING:
    from py_mlops.report.page import Page


class PageOutput(Output):
    """Prints a result as JSON of its page, in the two forms that a notebook shows."""

    def __init__(self) -> None:
        """Progress goes to stderr, where the kernel reads it."""
        super().__init__(as_json=False, quiet=False)

    def show(self, page: Callable[[], Page | list[Page]], value: object) -> None:
        """Print ``text``, ``html`` and the ``id`` of a record."""
        from py_mlops.report.html import html
        from py_mlops.report.terminal import text

        made = page()
        pages = made if isinstance(made, list) else [made]
        answer = {
            "text": "\n".join(text(one) for one in pages),
            "html": "".join(html(one) for one in pages),
            "id": value.get("id") if isinstance(value, dict) else None,
        }
        click.echo(json.dumps(answer))

    def error(self, error: MlopsError) -> None:
        """Print an error's page."""
        self.refuse(error.message, error.hint)

    def refuse(self, message: str, hint: str) -> None:
        """Print what cannot be done, and what to do next."""
        from py_mlops.report.page import error_page

        self.show(lambda: error_page(message, hint), None)


@verb("answer", hidden=True)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.pass_context
def answer(context: click.Context, call: Call, folder: Path) -> None:
    """Answer the line of %mlops that a kernel has put into FOLDER."""
    output = PageOutput()
    context.meta[OUTPUT] = output
    try:
        _answer(context, call, folder, output)
    except Problem as problem:
        output.refuse(problem.message, problem.hint)
    except click.UsageError as error:
        usage = error.ctx.get_usage() if error.ctx else ""
        output.refuse(error.format_message(), usage)
    except MlopsError as error:
        output.error(error)
    except Exception as error:  # noqa: BLE001 - the notebook is told, whatever it is
        traceback.print_exc()
        output.refuse(f"An error in mlops itself: {type(error).__name__}: {error}.", "Report it.")


def _answer(context: click.Context, call: Call, folder: Path, output: PageOutput) -> None:
    line = (folder / LINE).read_text("utf-8")
    name, _, rest = line.partition(" ")
    if name == "snapshot":
        _snapshot(call, folder, rest, output)
    elif name == "status":
        _status(call, folder, rest, output)
    elif name in VERBS:
        try:
            words = shlex.split(rest)
        except ValueError as error:
            raise Problem(
                f"The line cannot be read: {error}.", "Quote names with blanks."
            ) from error
        command = main.commands[name]
        command.invoke(command.make_context(name, words, parent=context.parent))
    else:
        raise InputError(f"%mlops {name} is not known.", hint=f"Verbs: {', '.join(VERBS)}.")


def _snapshot(call: Call, folder: Path, rest: str, output: PageOutput) -> None:
    from py_mlops.commands.pages import taken_page
    from py_mlops.commands.snapshots.snapshot import snapshot
    from py_mlops.guest.request import parse_snapshot
    from py_mlops.records import record_id

    asked = parse_snapshot(rest)
    record = snapshot(
        call.workspace,
        folder,
        incomplete=asked.incomplete,
        allow_secret=asked.allow_secret,
        vault=asked.vault,
        report=output.progress,
    )
    identifier = record_id(record)
    output.show(lambda: taken_page(call.workspace, identifier, record), {"id": identifier})


def _status(call: Call, folder: Path, rest: str, output: PageOutput) -> None:
    from py_mlops.commands.snapshots.status import status
    from py_mlops.records.handover import FILE

    if rest.strip():
        raise Problem("%mlops status takes no words.", "Write only: %mlops status")
    seen = (folder / FILE).read_bytes()
    output.show(lambda: status(call.workspace, seen), None)
