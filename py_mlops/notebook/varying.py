"""Tells what changes from run to run by itself, from reruns that should have been the same."""

from __future__ import annotations

from collections.abc import Sequence

_WIDER = 3.0


def varies_alike(recorded: Sequence[str], *reruns: Sequence[str]) -> bool:
    """Say whether a recorded text parts from its reruns only where they part as well.

    Where they show numbers, the recorded number must lie in their neighbourhood: no
    further from them than three times what lies between them. So a process id or a
    shuffled word is excused, and a score that was far better in the recorded run is not.

    Args:
        recorded: The recorded text's tokens.
        reruns: Those of two or more reruns that were given the very same.
    """
    if any(len(rerun) != len(recorded) for rerun in reruns):
        return False
    return all(_alike(text, again) for text, *again in zip(recorded, *reruns, strict=True))


def _alike(recorded: str, reruns: Sequence[str]) -> bool:
    if recorded in reruns:
        return True
    if len(set(reruns)) == 1:
        return False
    try:
        value, shown = float(recorded), [float(text) for text in reruns]
    except ValueError:
        return True
    margin = _WIDER * (max(shown) - min(shown))
    return min(shown) - margin <= value <= max(shown) + margin
