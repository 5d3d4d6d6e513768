"""Looks through texts for secrets, in bounded time, and never repeats one it found."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from detect_secrets.filters.allowlist import is_line_allowlisted
from detect_secrets.util.code_snippet import CodeSnippet

from py_mlops.secrets.rules import RULES, Rule

LARGEST = 8 * 1024 * 1024
"""Characters of one text that are looked through; the rest is named as not scanned."""
MOST = 32 * 1024 * 1024
"""Characters of all texts together."""
_LINE = 2000
_OVERLAP = 300
_MOST_FINDINGS = 200
_SHOWN_FROM = 16


class Text(NamedTuple):
    """Something that a snapshot would keep.

    Attributes:
        place: Where it stands, as a person finds it: ``cell [3]``.
        text: What stands there.
        form: ``code`` somebody wrote; ``shown`` by a program, or a request.
    """

    place: str
    text: str
    form: Literal["code", "shown"] = "code"


class Finding(NamedTuple):
    """A secret that was found; the secret itself is not in it.

    Attributes:
        place: ``cell [3], line 2``.
        kind: Such as ``AWS Access Key``.
        shown: Its first characters and ``…``; nothing of a short one.
    """

    place: str
    kind: str
    shown: str

    def __str__(self) -> str:
        """Return it as one line for people."""
        return f"{self.place}: {self.kind} {self.shown}"


@dataclass(frozen=True)
class Scan:
    """What came of looking through texts.

    Attributes:
        findings: Secrets, each place once, in the order of the texts.
        allowed: Those whose line says ``# pragma: allowlist secret``.
        unscanned: Places, or parts of them, that were too large to look through.
    """

    findings: list[Finding] = field(default_factory=list)
    allowed: list[Finding] = field(default_factory=list)
    unscanned: list[str] = field(default_factory=list)


def scan(texts: Iterable[Text]) -> Scan:
    """Look through texts for secrets, on this machine alone.

    Args:
        texts: In the order in which findings shall come; read one at a time.

    Returns:
        What was found, at most 200 secrets, and what was not looked through.
    """
    result = Scan()
    left = MOST
    seen: set[tuple[str, bytes]] = set()
    for text in texts:
        taken = text.text[: min(LARGEST, left)]
        if len(taken) < len(text.text):
            skipped = len(text.text) - len(taken)
            result.unscanned.append(f"{text.place} ({skipped:,} characters of it)")
        left -= len(taken)
        form = "any" if _NO_PYTHON.match(taken) else text.form
        rules = _active(taken, form)
        for number, line, allowed in _lines(taken, form, rules):
            for kind, secret in _secrets(line, form, rules):
                place = f"{text.place}, line {number}"
                known = (place, hashlib.sha256(secret.encode("utf-8", "replace")).digest())
                if known not in seen and len(seen) < _MOST_FINDINGS:
                    seen.add(known)
                    found = Finding(place, kind, masked(secret))
                    (result.allowed if allowed else result.findings).append(found)
    return result


def masked(secret: str) -> str:
    """Return what may be shown of a secret: four characters of a long one, else none."""
    return f"{secret[:4]}…" if len(secret) >= _SHOWN_FROM else "…"


def _active(text: str, form: str) -> list[Rule]:
    """Return the rules that could match anywhere in a text: for most texts none."""
    lowered = text.lower()
    return [
        rule
        for rule in RULES
        if not (rule.form == "code" and form == "shown")
        and any(anchor in lowered for anchor in rule.anchors)
        and (rule.gate is None or rule.gate.search(text))
    ]


def _lines(text: str, form: str, rules: Iterable[Rule]) -> Iterator[tuple[int, str, bool]]:
    """Return the lines these rules could match, numbered, and whether the author allows them."""
    anchors = {anchor for rule in rules for anchor in rule.anchors}
    if not anchors:
        return
    before = ""
    for number, line in enumerate(text.splitlines(), 1):
        lowered = line.lower()
        if any(anchor in lowered for anchor in anchors):
            allowed = form != "shown" and _is_allowed(line, before)
            for piece in _pieces(line):
                yield number, piece, allowed
        before = line


def _pieces(line: str) -> Iterable[str]:
    """Cut a line nobody wrote by hand, so that no expression takes long on it."""
    if len(line) <= _LINE:
        return [line]
    return (line[at : at + _LINE] for at in range(0, len(line), _LINE - _OVERLAP))


def _is_allowed(line: str, before: str) -> bool:
    snippet = CodeSnippet(snippet=[before, line], start_line=0, target_index=1)
    return is_line_allowlisted("cell.py", line, snippet)


def _secrets(line: str, form: str, rules: Iterable[Rule]) -> Iterator[tuple[str, str]]:
    """Return each secret of a line once, called by the first rule that finds it."""
    lowered = line.lower()
    shown = form != "code" or _OF_A_SHELL.match(line) is not None
    found: list[str] = []
    for rule in rules:
        if rule.form == "shown" and not shown:
            continue
        if any(anchor in lowered for anchor in rule.anchors):
            for secret in _found(rule, line):
                if not any(secret in other or other in secret for other in found):
                    found.append(secret)
                    yield rule.kind, secret


def _found(rule: Rule, line: str) -> Iterator[str]:
    for match in rule.find(line):
        groups = match if isinstance(match, tuple) else (match,)
        yield from (str(text) for text in groups if text and rule.accepts(str(text)))


_OF_A_SHELL = re.compile(r"\s*(?:!|%env\b|%set_env\b|export\s|set\s)")
_NO_PYTHON = re.compile(r"\s*%%(?:bash|sh|script|writefile|file|sql)\b")
