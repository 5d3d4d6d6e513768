"""Keeps what a person typed when the program asked, and types it again in a rerun."""

from __future__ import annotations

import functools
import json
from typing import Any, Callable

from . import http_filter
from .tape import Tape, tape

KIND = "input"
SOURCE = "the keyboard"
NOT_KEPT = "value-not-kept"
"""What is kept of a password, and so what a rerun is given."""

_Ask = Callable[..., str]


def _typed(ask: _Ask, verb: str) -> _Ask:
    """Wrap a kernel's way to ask the person in front of it.

    Args:
        ask: ``Kernel.raw_input`` or ``Kernel.getpass``.
        verb: What the program calls: ``input`` or ``getpass``.
    """

    @functools.wraps(ask)
    def asked(kernel: Any, prompt: Any = "", *more: Any, **named: Any) -> str:
        known = tape()
        if known is None:
            return ask(kernel, prompt, *more, **named)
        question = str(prompt)
        key = json.dumps([verb, question])
        if known.mode == "replay":
            # Nobody is there: what was not answered then raises what it raised then.
            if not known.knows(KIND, key):
                return ask(kernel, prompt, *more, **named)
            with open(known.replay(KIND, SOURCE, question, key), "rb") as stream:
                return stream.read().decode("utf-8", "surrogatepass")
        answer = ask(kernel, prompt, *more, **named)
        hidden = verb == "getpass" or _is_secret(question)
        _keep(known, question, key, NOT_KEPT if hidden else answer)
        return answer

    return asked


def _keep(known: Tape, question: str, key: str, answer: str) -> None:
    """Write an answer to the tape; what fails there is never the person's trouble."""
    try:
        recording = known.record(KIND, SOURCE, question, key)
        recording.write(answer.encode("utf-8", "surrogatepass"))
        recording.finish()
    except Exception:
        known.failures += 1


def _is_secret(question: str) -> bool:
    """Say whether somebody is asked for a credential: ``API key:``, ``Your password? ``."""
    words = question.replace(":", " ").replace("?", " ").split()
    return any(http_filter.is_secret(word) for word in (*words, "".join(words)))


def _patch(module: Any) -> None:
    kernel = module.Kernel
    kernel.raw_input = _typed(kernel.raw_input, "input")
    kernel.getpass = _typed(kernel.getpass, "getpass")


PATCHES = {"ipykernel.kernelbase": _patch}
