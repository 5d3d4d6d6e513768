"""Markdown and YAML in which a stranger's words stay words: nothing in them becomes markup."""

from __future__ import annotations

import re
from collections.abc import Iterable

_MARKUP = re.compile(r"[\\`*_{}\[\]<>#|~&@$^]|^[-+=]|:(?=/)")
_LONGEST = 500


def one_line(text: str) -> str:
    """Return text on one line, cut at 500 characters, with what cannot be seen as escapes."""
    if len(text) > _LONGEST:
        text = text[:_LONGEST] + "…"
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def words(text: str) -> str:
    """Return text as Markdown that shows exactly these words.

    Every character that could begin markup, an entity, a link, a mention or a
    formula is escaped by a backslash, as CommonMark allows for all punctuation.
    What begins a list or a rule only at a line's start is escaped only there.
    """
    told = _MARKUP.sub(r"\\\g<0>", one_line(text).strip())
    told = re.sub(r"^(\d+)([.])", r"\1\\\2", told)  # a list's number
    return re.sub(r"(?i)\b(www)\.", r"\1\\.", told)  # GitHub's autolinks


def code(text: str) -> str:
    """Return text as a Markdown code span."""
    shown = one_line(text)
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if not shown.strip() or "`" in (shown[0], shown[-1]) else ""
    return f"{fence}{pad}{shown or ' '}{pad}{fence}"


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table; its cells are Markdown already, in which a bar is escaped once more."""
    head = list(columns)
    escaped = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    lines = [head, ["---"] * len(head), *escaped]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def scalar(text: str) -> str:
    """Return text as a double-quoted YAML scalar on one line, in ASCII.

    Unlike JSON, YAML has an escape of its own for what is beyond 16 bits.
    """
    return '"' + "".join(map(_escaped, text[:_LONGEST])) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if " " <= char <= "~":
        return char
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"  # noqa: PLR2004 - 16 bits
