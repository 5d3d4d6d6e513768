"""Tells numbers that say what time it is: a rerun shows its own, and that is no difference."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

_UNITS = (1.0, 1e3, 1e6, 1e9)  # seconds since 1970, and thousandths, millionths, billionths
_FIRST = 1.5e9  # 2017, before which there is no record
_RECENT = 7 * 86400.0
_MOMENT = "<moment>"


def without_moments(recorded: Sequence[str], *reruns: Sequence[str]) -> Iterator[list[str]]:
    """Replace what ``time.time()`` and the like gave by one word, in all texts at once.

    A number counts only where a rerun shows one of the last days at its place and the
    recorded run an earlier one, so that a large sum stays a number.

    Args:
        recorded: The recorded text's tokens.
        reruns: Those of one or more reruns that have just been.

    Yields:
        The tokens of each text, in the order given.
    """
    now = time.time()
    texts = (recorded, *reruns)
    shared = min(map(len, texts))
    places = {
        place for place in range(shared) if _told_the_time([text[place] for text in texts], now)
    }
    for text in texts:
        yield [_MOMENT if place in places else token for place, token in enumerate(text)]


def _told_the_time(tokens: Sequence[str], now: float) -> bool:
    if len(tokens[0]) < 10 or len(set(tokens)) == 1:  # noqa: PLR2004 - digits of a moment
        return False
    try:
        then, *later = map(float, tokens)
    except ValueError:
        return False
    return any(
        _FIRST <= then / unit <= now and all(_is_recent(one / unit, now) for one in later)
        for unit in _UNITS
    ) and all(then <= one for one in later)


def _is_recent(moment: float, now: float) -> bool:
    return now - _RECENT <= moment <= now + 1
