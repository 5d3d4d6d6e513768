"""What a verb prints: its result on stdout, its progress and errors on stderr."""

from __future__ import annotations

import functools
import json
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from py_mlops.cli.ending import nobody_reads
from py_mlops.progress import Progress
from py_mlops.report.page import visible

if TYPE_CHECKING:
    from rich.console import Console

    from py_mlops.errors import MlopsError
    from py_mlops.report.page import Page

_LONGEST = 80
_PASSING = frozenset({"data", "bundle", "verify", "push", "pull"})


class Output:
    """Where one invocation writes.

    Attributes:
        as_json: Whether stdout carries JSON for a program.
        quiet: Whether progress is left out.
        steps_as_json: Whether progress is a line of JSON each, for a program.
    """

    def __init__(self, *, as_json: bool, quiet: bool, steps_as_json: bool = False) -> None:
        """Remember them; a console is opened by the first line for a person."""
        self.as_json = as_json
        self.quiet = quiet
        self.steps_as_json = steps_as_json
        self._last = ""
        self._began: float | None = None

    @functools.cached_property
    def _stderr(self) -> Console:
        return _console(stderr=True, soft_wrap=True)

    def show(self, page: Callable[[], Page | list[Page]], value: object) -> None:
        """Show a result: the page to a person, the value to a program.

        Args:
            page: Makes the page, or several; not called for a program.
            value: What a program gets, plain JSON values.
        """
        if self.as_json:
            _echo(value)
            return
        from py_mlops.report.terminal import renderable

        console = _console()
        if not console.is_terminal:
            console.width = 120
        made = page()
        for one in made if isinstance(made, list) else [made]:
            console.print(renderable(one))

    def write(self, data: bytes, value: dict[str, object]) -> None:
        """Print bytes as they are; a program gets them as text beside the value.

        Args:
            data: UTF-8 text, which goes to a pipe or a file unchanged.
            value: What else a program gets, plain JSON values.
        """
        if self.as_json:
            _echo(value | {"content": data.decode()})
            return
        try:
            click.echo(data, nl=False)
        except BrokenPipeError:
            nobody_reads()

    def progress(self, progress: Progress) -> None:
        """Print one step of long work, each stage of many small steps only once."""
        if self.quiet:
            return
        if self.steps_as_json:
            self._step(progress)
            return
        if progress.stage == "cell":
            self._cell(progress)
            return
        if progress.stage in _PASSING:
            if progress.stage == self._last and not self._stderr.is_terminal:
                return
            self._last = progress.stage
        count = f" {progress.done}/{progress.total}" if progress.total else ""
        self._line(progress.stage + count, progress.text)

    def _step(self, progress: Progress) -> None:
        """Print a step for a program: ``{"progress": {"stage", "text", "done", "total"}}``."""
        text = visible(progress.text.partition("\n")[0][:_LONGEST])
        step = {**progress._asdict(), "text": text}
        line = json.dumps({"progress": step}, separators=(",", ":"))
        try:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()
        except BrokenPipeError:
            nobody_reads()

    def _cell(self, progress: Progress) -> None:
        """Print a cell when it begins, and on a terminal how long it took when it ends."""
        watched = self._stderr.is_terminal
        if self._began is None:
            self._began = time.monotonic()
            place = f"cell {progress.done + 1}/{progress.total}"
            self._line(place, progress.text, end="" if watched else "\n")
            return
        seconds = time.monotonic() - self._began
        self._began = None
        if watched:
            self._stderr.print(f"  [dim]{seconds:.1f} s[/dim]")

    def _line(self, what: str, text: str, end: str = "\n") -> None:
        first = visible(text.partition("\n")[0][:_LONGEST])
        self._stderr.print(f"[dim]{what:>16}[/dim]  ", end="")
        self._stderr.print(first, markup=False, end=end)

    def hint(self, text: str) -> None:
        """Print a line that is no part of the result."""
        self._stderr.print("→ " + visible(text), markup=False, style="cyan")

    def error(self, error: MlopsError) -> None:
        """Print an error with its hint; as JSON on stdout too, for a program."""
        if self.as_json:
            kind = type(error).__name__
            body = {"error": {"kind": kind, "message": error.message, "hint": error.hint}}
            _echo(body)
        self._stderr.print("error: " + visible(error.message), markup=False, style="bold red")
        self._stderr.print("  → " + visible(error.hint), markup=False)
        sys.stderr.flush()


def _console(*, stderr: bool = False, soft_wrap: bool = False) -> Console:
    """Return a console that ends the process when nobody reads it any more."""
    from rich.console import Console

    class Piped(Console):
        def on_broken_pipe(self) -> None:
            nobody_reads()

    return Piped(stderr=stderr, highlight=False, emoji=False, soft_wrap=soft_wrap)


def _echo(value: object) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    try:
        # Half of a surrogate pair, which no encoding has, is an escape in JSON.
        click.echo(text.encode("utf-8", "backslashreplace"))
    except BrokenPipeError:
        nobody_reads()
