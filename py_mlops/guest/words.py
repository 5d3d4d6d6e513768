"""Which files a shell command names: the only sign of what a child process reads and writes."""

from __future__ import annotations

import glob
import itertools
import os
import shlex
from typing import Iterable, NamedTuple, Sequence

MOST_MATCHES = 1000
LONGEST = 16 << 10
"""Characters of a command that are kept; further ones are data more often than words."""
_CAREFULLY = 4096
"""Characters of a line that are read as a shell does, which takes the square of a word's length."""
_MOST_WORDS = 10_000
_SHELLS = ("sh", "bash", "dash", "zsh", "ksh")
_OUTPUT_OPTIONS = ("-o", "-O", "--output", "--out", "--output-document")
_ENDS = frozenset(";&|()\n")


class Named(NamedTuple):
    """A path as a command names it.

    Attributes:
        path: Absolute and normalised.
        requested: As it stands in the command.
        writes: Whether the command says that it writes there.
        appends: Whether it says that it goes on from what is there.
    """

    path: str
    requested: str
    writes: bool
    appends: bool = False


def text_of(command: object) -> str:
    """Return a command as a person would type it.

    Args:
        command: Text, or a sequence of words; bytes and path objects included.
    """
    if isinstance(command, (str, bytes, os.PathLike)):
        return os.fsdecode(command)
    words = [os.fsdecode(word) for word in command]  # type: ignore[attr-defined]  # or it raises
    if words[1:2] == ["-c"] and words[2:] and os.path.basename(words[0]) in _SHELLS:
        return words[2]
    return " ".join(shlex.quote(word) for word in words)


def named_in(text: str, directory: str) -> list[Named]:
    """Return what could be files in a shell command; whether they exist is not looked at.

    Args:
        text: One or more lines for a shell.
        directory: Where it starts; a ``cd`` in the text is followed.
    """
    found: list[Named] = []
    words = _split(text)
    for at, word in enumerate(words):
        before = words[at - 1] if at else ";"
        if set(word) & _ENDS or set(word) <= {"<", ">"} or before == "<<":
            continue
        if before == "cd" and set("".join(words[at - 2 : at - 1]) or ";") & _ENDS:
            directory = _full(word, directory)
            continue
        option, _, value = word.rpartition("=")
        if value[:1] == "-" or "://" in value:
            continue
        writes = before[-1:] == ">" or before in _OUTPUT_OPTIONS or option in _OUTPUT_OPTIONS
        appends = before[-2:] == ">>" or before == "-a"
        found += [Named(path, value, writes, appends) for path in expand(value, directory)]
    return found


def expand(pattern: str, directory: str) -> list[str]:
    """Return the absolute paths a word stands for.

    Args:
        pattern: A path, with ``~``, variables and the wildcards of a shell.
        directory: What relative paths are relative to.

    Returns:
        The path itself, or the files that match it, at most 1,000.
    """
    if not pattern or "\0" in pattern or len(pattern) > 4096:  # noqa: PLR2004 - Linux's PATH_MAX
        return []
    full = _full(pattern, directory)
    if not glob.has_magic(full):
        return [full]
    # An absolute ** would walk the whole disk.
    matches = glob.iglob(full, recursive=not os.path.isabs(pattern))
    return sorted(itertools.islice(matches, MOST_MATCHES)) or [full]


def _full(word: str, directory: str) -> str:
    path = os.path.join(directory, os.path.expanduser(os.path.expandvars(word)))
    return os.path.normpath("/" + path.lstrip("/"))


def _split(text: str) -> Sequence[str]:
    """Split into words and operators; a line that is no shell's is split at blanks."""
    words: list[str] = []
    left = LONGEST
    for line in text.replace("\\\n", " ").splitlines():
        left -= len(line)
        if left < 0 or len(line) > _CAREFULLY:
            words += line.split(None, _MOST_WORDS)[:_MOST_WORDS]
            words.append("\n")
            if len(words) > _MOST_WORDS:
                break
            continue
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        lexer.commenters = ""
        words += _words(lexer, line)
        words.append("\n")
    return words


def _words(lexer: Iterable[str], line: str) -> list[str]:
    try:
        return list(lexer)
    except ValueError:  # an open quote: a heredoc's text, or another language
        return line.split()
