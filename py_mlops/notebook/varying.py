"""Tells what changes from run to run by itself, from two reruns that should have been the same."""

from __future__ import annotations

from collections.abc import Sequence

_WIDER = 3.0


def varies_alike(recorded: Sequence[str], first: Sequence[str], second: Sequence[str]) -> bool:
    """Say whether a recorded text parts from a rerun's only where two reruns part as well.

    Where the two show numbers, the recorded number must lie in their neighbourhood: no
    further from them than three times what lies between them. So a process id or a
    shuffled word is excused, and a score that was far better in the recorded run is not.

    Args:
        recorded: The recorded text's tokens.
        first: The rerun's.
        second: Those of a rerun that was given the very same.
    """
    if not len(recorded) == len(first) == len(second):
        return False
    places = zip(recorded, first, second, strict=True)
    return all(_alike(*texts) for texts in places)


def _alike(recorded: str, first: str, second: str) -> bool:
    if recorded in {first, second}:
        return True
    if first == second:
        return False
    try:
        value, low, high = float(recorded), *sorted((float(first), float(second)))
    except ValueError:
        return True
    margin = _WIDER * (high - low)
    return low - margin <= value <= high + margin
