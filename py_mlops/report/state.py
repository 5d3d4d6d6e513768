"""How something should strike the eye: a state, and the mark that says it without colour."""

from __future__ import annotations

from typing import Literal

State = Literal["", "good", "warn", "bad", "dim"]

MARKS: dict[State, str] = {"good": "✓", "warn": "!", "bad": "✗", "dim": "·", "": ""}


def verdict_state(level: str | None) -> State:
    """Return how a verdict should strike the eye; nothing strikes it where there is none."""
    if level is None:
        return ""
    if level in {"identical", "equivalent"}:
        return "good"
    return "warn" if level == "within tolerance" else "bad"


def marked(text: str, state: State) -> str:
    """Return text with its state's mark before it."""
    mark = MARKS[state]
    return f"{mark} {text}" if mark and text else text
