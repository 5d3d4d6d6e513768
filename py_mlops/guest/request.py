"""The grammar of ``%mlops snapshot``, the same whether or not the kernel has our package."""

from __future__ import annotations

import argparse
import re
import shlex
from typing import Any, NamedTuple, NoReturn

from .problem import Problem

USAGE = (
    "%mlops snapshot NAME [--model VAR] [--metric VAR …] [--holdout VAR] [--vault] "
    "[--incomplete] [--allow-secret REASON]"
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


class SnapshotLine(NamedTuple):
    """What a line asks for.

    Attributes:
        request: In the shape of ``records.Request``.
        incomplete: Whether an incomplete snapshot is allowed.
        allow_secret: Why what looks like a secret may be kept; empty when it may not.
        vault: Whether the wheels of the whole environment are kept.
    """

    request: dict[str, Any]
    incomplete: bool
    allow_secret: str
    vault: bool = False


class LineParser(argparse.ArgumentParser):
    """An argument parser that raises `Problem` instead of leaving the kernel."""

    def __init__(self, prog: str, usage: str) -> None:
        """Create a parser for one verb.

        Args:
            prog: The verb as the user types it.
            usage: The line shown when the words do not fit.
        """
        super().__init__(prog=prog, usage=usage, add_help=False, allow_abbrev=False)
        self.line = usage

    def error(self, message: str) -> NoReturn:
        """Raise a `Problem` that shows the usage."""
        raise Problem(message[:1].upper() + message[1:] + ".", "Usage: " + self.line)

    def read(self, line: str) -> argparse.Namespace:
        """Parse a magic's line.

        Args:
            line: Everything behind the verb.

        Returns:
            An `argparse.Namespace`.

        Raises:
            Problem: When the words do not fit the grammar.
        """
        try:
            words = shlex.split(line)
        except ValueError as error:
            raise Problem(f"The line cannot be read: {error}.", "Usage: " + self.line) from error
        return self.parse_args(words)


def check_name(name: str) -> str:
    """Return a model's name, or raise `Problem` when it cannot be one."""
    if not _NAME.fullmatch(name):
        raise Problem(
            f"{name!r} cannot be a model's name.",
            "Use letters, digits, '.', '_' and '-', at most 100, beginning with a letter or digit.",
        )
    return name


def parse_snapshot(line: str) -> SnapshotLine:
    """Parse the line behind ``%mlops snapshot``.

    Args:
        line: For example ``digits --model clf --metric accuracy``.

    Returns:
        What it asks for.

    Raises:
        Problem: When the words do not fit the grammar.
    """
    parser = LineParser("%mlops snapshot", USAGE)
    parser.add_argument("name")
    parser.add_argument("--model")
    parser.add_argument("--metric", action="append", default=[])
    parser.add_argument("--holdout")
    parser.add_argument("--vault", action="store_true")
    parser.add_argument("--incomplete", action="store_true")
    parser.add_argument("--allow-secret", default="", metavar="REASON")
    words = parser.read(line)
    names = [name for part in words.metric for name in part.split(",") if name]
    request = {
        "name": check_name(words.name),
        "model": words.model,
        "metrics": list(dict.fromkeys(names)),
        "holdout": words.holdout,
    }
    if words.holdout and not words.model:
        raise Problem(
            "--holdout needs --model: the held-out inputs are stored with that model's answers.",
            "Add --model with the name of the variable that holds the model.",
        )
    return SnapshotLine(request, words.incomplete, words.allow_secret, words.vault)
