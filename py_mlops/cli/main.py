"""The group of all verbs, its options, and the one place where errors become exit codes."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from py_mlops import __version__
from py_mlops.cli.ending import nobody_reads, orderly
from py_mlops.cli.output import Output
from py_mlops.errors import InputError, MlopsError

if TYPE_CHECKING:
    from py_mlops.workspace import Workspace

F = TypeVar("F", bound=Callable[..., Any])
OUTPUT = "py_mlops.output"
"""Where in click's context an output stands that is to be used for the usual one."""
_FAILED = 1
_INTERRUPTED = 130


class Call:
    """One invocation: its output, and the workspace opened when first asked for."""

    def __init__(self, store: str | None, output: Output) -> None:
        """Remember where the store is; nothing is opened yet."""
        self._store = store
        self.output = output

    @property
    def store(self) -> str | None:
        """The store's address as it was given, for those who do not open it as it is."""
        return self._store

    @property
    def unsigned(self) -> str:
        """Why what was added is not signed; empty when all is well or nothing was opened."""
        opened = self.__dict__.get("workspace")
        return opened.unsigned if opened else ""

    @functools.cached_property
    def workspace(self) -> Workspace:
        """The opened workspace."""
        from py_mlops.workspace import open_workspace

        return open_workspace(self._store)

    def resolve(self, reference: str) -> str:
        """Return the whole id of the snapshot that a person meant."""
        return self.workspace.store.resolve(reference)

    def ask(self, question: str, *, yes: bool) -> bool:
        """Ask a person; without a terminal only ``--yes`` is a yes."""
        return yes or (sys.stdin.isatty() and click.confirm(question, err=True))


class Verbs(click.Group):
    """The group, which ends in good order whatever stops it."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run a verb.

        Raises:
            SystemExit: At its end, or when a signal or a closed pipe stops it.
        """
        with orderly():
            try:
                return super().main(*args, **extra)
            except BrokenPipeError:  # while click tells of a wrong word; verbs catch their own
                nobody_reads()

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Read the words, and print the help when that is what they ask for."""
        try:
            return super().make_context(*args, **extra)
        except BrokenPipeError:
            nobody_reads()

    def invoke(self, context: click.Context) -> Any:
        """Run the verb, or print its help."""
        try:
            return super().invoke(context)
        except BrokenPipeError:  # of its help; a verb's own output has its own end
            nobody_reads()


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mlops")
@click.option("--store", help="The store's folder, or a team's postgresql://…?blobs=…")
@click.pass_context
def main(context: click.Context, store: str | None) -> None:
    """Snapshot models built in notebooks, retrain them anywhere, and get a verdict."""
    context.obj = store
    # nbformat imports jsonschema, which where JupyterLab is installed compiles a grammar of
    # internationalised addresses for a second; no notebook's schema asks for one. None is how
    # Python is told that a module is not to be had.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # see above


_ALWAYS = (
    click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout."),
    click.option("--quiet", is_flag=True, help="Print no progress."),
    click.option(
        "--progress",
        type=click.Choice(["text", "json"]),
        default="text",
        help="How to print progress: for a person, or a line of JSON a step.",
    ),
)
"""The options of every verb."""


def verb(name: str, *, hidden: bool = False) -> Callable[[F], click.Command]:
    """Make a function a verb of `main`.

    The function's first argument is the `Call`. Every verb has ``--json``, ``--quiet``
    and ``--progress``; every error of ours ends in its message, its hint and exit
    code 1.

    Args:
        name: The verb.
        hidden: Whether it is for programs of ours only, and not listed.

    Returns:
        A decorator.
    """

    def decorate(function: F) -> click.Command:
        def call(
            context: click.Context,
            /,
            *,
            as_json: bool,
            quiet: bool,
            progress: str,
            **options: object,
        ) -> None:
            output = context.meta.get(OUTPUT) or Output(
                as_json=as_json, quiet=quiet, steps_as_json=progress == "json"
            )
            made = Call(context.obj, output)
            try:
                try:
                    function(made, **options)
                finally:
                    if made.unsigned:
                        output.hint(made.unsigned)
            except MlopsError as error:
                output.error(error)
                sys.exit(_FAILED)
            except KeyboardInterrupt:
                output.hint("Interrupted; what was stored before is unharmed.")
                sys.exit(_INTERRUPTED)
            except OSError as error:
                output.error(
                    InputError(
                        f"{error.strerror or error}: {error.filename or 'an operation failed'}.",
                        hint="Check that the disk has room and that the path may be used.",
                    )
                )
                sys.exit(_FAILED)

        call.__dict__.update(function.__dict__)  # the options that click has noted there
        for option in _ALWAYS:
            option(call)
        command = main.command(name, help=function.__doc__, hidden=hidden)
        return command(click.pass_context(call))

    return decorate
